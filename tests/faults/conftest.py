"""Stacks that live as long as a module's tests, and the record of what was seen."""

from collections.abc import Iterator

import pytest

from tests.faults import record
from tests.faults.apart import Apart, apart


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
