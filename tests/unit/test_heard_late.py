"""Who calls before the service has heard of him: without a server."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from starlette.requests import Request

from shared import waiting
from shared.contracts.event import Via
from shared.directory.people import Person
from shared.http import caller as callers
from shared.http.caller import Authenticator, Caller
from shared.http.guests import PURPOSE
from shared.http.seen import Seen
from shared.settings import Settings
from shared.tokens import SessionToken, Tokens

SETTINGS = Settings(secret_key="0" * 32)
ADMIN = Caller(None, None, "key", None, frozenset({"administrator"}), Via("key", "admin"))
KEN = Person(uuid4(), "ken@example.org", "Ken", None, None, None)
LEA = Person(uuid4(), "lea@example.org", "Lea", "lea", None, {"roles": ["requester"], "active": True})
AFTER = datetime.now(UTC) + timedelta(days=1)  # from when this file is read, which may be long before a test of it runs


class Hears:
    """A directory that tells of somebody what it has heard by then, look by look; the last for ever."""

    def __init__(self, *heard: Person | None) -> None:
        self.heard, self.looks = heard, 0

    async def by_id(self, *_: object) -> Person | None:
        self.looks += 1
        return self.heard[min(self.looks, len(self.heard)) - 1]

    by_login = by_id

    async def entries(self, *_: object) -> list[dict[str, object]]:
        return []


class Tables:
    """A service's tables, which have heard of no session, no link, and of a key that acts for somebody."""

    async def fetchval(self, *_: object) -> None:
        return None

    async def fetchrow(self, *_: object) -> dict[str, object]:
        return {
            "name": "hers", "person_id": LEA.person_id, "roles": ["requester"], "cidrs": [], "expires_at": None, "stream_id": uuid4(),
        }  # fmt: skip


def authenticator(directory: Hears) -> Authenticator:
    return Authenticator(SETTINGS, Tables(), directory, Tokens(SETTINGS), Seen(lambda: "", lambda: ""))


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Nobody is waited for as long as users are."""
    monkeypatch.setattr(waiting.wait_for, "__defaults__", (0.1,))


def link(person: Person) -> str:
    claims = {"sub": str(person.person_id), "ticket": str(uuid4()), "link": str(uuid4())}
    return Tokens(SETTINGS).short(PURPOSE, claims, AFTER - datetime.now(UTC))


def session(person: Person) -> str:
    return Tokens(SETTINGS).session(SessionToken(person.person_id, uuid4(), AFTER))


NO_ACCOUNT_YET = Person(LEA.person_id, LEA.email, LEA.name, None, None, None)


@pytest.mark.parametrize(
    ("token", "heard", "name"),
    [
        (link(KEN), (None, KEN), "Ken"), (session(LEA), (None, LEA), "Lea"), (session(LEA), (NO_ACCOUNT_YET, LEA), "Lea"),
        ("ldk_hers", (None, LEA), "Lea"),
    ],
    ids=["a link", "a session", "a session whose account comes last", "a key"],
)  # fmt: skip
async def test_is_waited_for(token, heard, name):
    directory = Hears(*heard)
    found = await authenticator(directory).caller(token)
    assert found is not None
    assert (found.name, directory.looks) == (name, 2)


@pytest.mark.parametrize("token", [link(KEN), session(LEA), "ldk_hers"], ids=["a link", "a session", "a key"])
async def test_is_not_waited_for_for_ever(token):
    directory = Hears(None)
    assert await authenticator(directory).caller(token) is None
    assert directory.looks > 2


GONE = [
    Person(LEA.person_id, LEA.email, LEA.name, "lea", None, {"roles": ["requester"], "active": False}),
    Person(LEA.person_id, None, None, None, None, {"active": False}, forgotten=True),
    Person(LEA.person_id, None, None, None, None, None, forgotten=True),
    Person(LEA.person_id, LEA.email, LEA.name, "lea", None, {"roles": ["requester"], "active": True, "generation": 1}),
]


@pytest.mark.parametrize("person", GONE, ids=["out of force", "forgotten", "forgotten early", "its sessions ended"])
async def test_who_comes_no_more_is_told_so_at_once(person):
    directory = Hears(person)
    assert await authenticator(directory).caller(session(LEA)) is None
    assert directory.looks == 1


@pytest.mark.parametrize("person", [LEA, GONE[2]], ids=["has an account now", "forgotten"])
async def test_whose_link_is_good_no_more_is_told_so_at_once(person):
    directory = Hears(person)
    assert await authenticator(directory).caller(link(KEN)) is None
    assert directory.looks == 1


@pytest.mark.parametrize("token", ["x", "ldk_x", session(LEA)[:-2], link(KEN)[:-2]])
async def test_nobody_without_a_good_credential_is_waited_for(token, monkeypatch):
    async def none(*_: object) -> None:
        return None

    monkeypatch.setattr(Tables, "fetchrow", none)
    directory = Hears(LEA)
    assert await authenticator(directory).caller(token) is None
    assert directory.looks == 0


def request(path_params: dict[str, str]) -> Request:
    services = {"intake": SimpleNamespace(authenticator=authenticator(Hears(None, KEN)))}
    app = SimpleNamespace(state=SimpleNamespace(services=services, settings=SETTINGS))
    scope = {
        "type": "http", "method": "POST", "path": "/api/v1/tickets", "headers": [], "query_string": b"", "app": app,
        "path_params": path_params, "client": None,
    }  # fmt: skip
    return Request(scope)


@pytest.mark.parametrize(("path_params", "who"), [({"ref": "100001"}, KEN.person_id), ({}, None)])
async def test_who_was_registered_with_a_ticket_is_who_acts_on_it(path_params, who, monkeypatch):
    async def admin(*_: object) -> Caller:
        return ADMIN

    monkeypatch.setattr(Authenticator, "caller", admin)
    bearer = SimpleNamespace(credentials="ldk_admin")
    found = await callers.authenticate(request(path_params), bearer, None, "ken@example.org")
    assert (found.email, found.person_id) == ("ken@example.org", who)


async def test_an_agent_whose_entry_is_not_heard_of_yet_sees_the_least():
    new = Person(LEA.person_id, LEA.email, LEA.name, "lea", None, {"roles": ["agent"], "active": True})
    for person, scope in ((new, "own"), (replace(new, agent={"active": True}), "all")):
        found = await authenticator(Hears(person)).caller(session(new))
        assert found is not None
        assert found.sight.scope == scope
