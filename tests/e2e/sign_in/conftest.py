"""People with accounts made for one test, and clients that end with it."""

from typing import ClassVar
from uuid import uuid4

import httpx
import pytest

from ledgerdesk import organisation
from ledgerdesk.client import Stack as StackAt
from ledgerdesk.organisation import OrganisationFile
from tests.e2e.conftest import KEY, PASSWORD, Stack


class Closing(Stack):
    """A stack whose clients are closed when the test is over."""

    opened: ClassVar[list[httpx.Client]] = []

    def client(self, key: str | None = KEY, **options) -> httpx.Client:
        self.opened.append(super().client(key, **options))
        return self.opened[-1]


@pytest.fixture
def stack(stack):
    yield Closing(stack.url, stack.data, stack.oidc_port)
    while Closing.opened:
        Closing.opened.pop().close()


@pytest.fixture
def somebody(stack):
    """Return a maker of people with an account: his login."""

    def make(*roles: str, password: str | None = PASSWORD) -> str:
        login = f"visitor-{uuid4().hex[:8]}"
        entry = {
            "email": f"{login}@example.org",
            "login": login,
            "name": "Some Body",
            "roles": list(roles) or ["agent"],
        }
        file = OrganisationFile.model_validate({"people": [entry | {"password": password}]})
        organisation.apply(StackAt(stack.url, KEY), file)
        return login

    return make


@pytest.fixture
def anybody(stack):
    with stack.client(None) as client:
        yield client
