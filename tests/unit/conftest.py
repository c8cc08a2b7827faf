"""Unit tests touch no network: what needs a server is an integration test."""

from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def no_sockets() -> Iterator[None]:
    """Refuse sockets, but for the pair an event loop wakes itself with."""
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
