"""Stacks that live as long as a module's tests, and the record of what was seen."""

from collections.abc import Iterator

import pytest

from tests.faults import record
from tests.faults.apart import Apart, apart


def pytest_configure(config: pytest.Config) -> None:
    # The database driver leaves its socket to the garbage collector when a server is killed in the middle of a handshake; here
    # servers are, all the time.
    config.addinivalue_line(
        "filterwarnings", "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
    )


def pytest_sessionstart() -> None:
    record.begin()


@pytest.fixture(scope="module")
def one() -> Iterator[Apart]:
    """A stack on one node of Apache Kafka."""
    with apart() as running:
        yield running


@pytest.fixture(scope="module")
def three() -> Iterator[Apart]:
    """A stack on three nodes: three copies, of which two must be in step."""
    with apart(3) as running:
        yield running
