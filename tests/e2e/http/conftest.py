"""A ticket that a file's tests share."""

import pytest

from tests.e2e.http.asked import opened, settled


@pytest.fixture(scope="module")
def ticket(stack) -> str:
    with stack.client() as admin:
        return settled(admin, opened(admin)["id"])["id"]
