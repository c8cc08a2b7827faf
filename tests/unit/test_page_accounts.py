"""What the accounts' pages have routing follow, without a server: from routing's own store, whatever a view has heard."""

from types import SimpleNamespace
from uuid import uuid4

import pytest

from services.gateway.pages import accounts
from services.gateway.pages.accounts import Stored, _follow, open_account
from services.gateway.pages.client import ApiProblem
from shared.directory.people import Person

NORA = uuid4()
WHO = {"person_id": str(NORA), "login": "nora", "name": "Nora", "email": "nora@example.org"}
ENTRY = {**WHO, "departments": ["support"], "sees": "own", "active": True}


class Api:
    """Owners that have these entries of Nora, and take what is put; or refuse the first few with these."""

    def __init__(self, *entries: dict[str, object], refuse: tuple[tuple[str, ApiProblem], ...] = ()) -> None:
        self.events = [{"version": n, "data": {"new": {**e, "version": n}}} for n, e in enumerate(entries, 1)]
        self.refuse = list(refuse)
        self.put_: list[tuple[str, dict[str, object], str | None]] = []

    async def lines(self, path: str) -> list[dict[str, object]]:
        assert path == f"/internal/routing/streams/{NORA}"
        return self.events

    async def put(self, path: str, body: dict[str, object], if_match: str | None = None) -> dict[str, object]:
        owner = path.split("/")[2]
        self.put_.append((owner, body, if_match))
        if self.refuse and self.refuse[0][0] == owner:
            raise self.refuse.pop(0)[1]
        return {"people": {WHO["email"]: str(NORA)}}


class Knows:
    """A gateway's directory that knows everything at once, or nothing ever."""

    def __init__(self, person: Person | None = None) -> None:
        self.person = person

    async def by_id(self, *_: object) -> Person | None:
        return self.person

    by_login = by_id


def visit(api: Api) -> SimpleNamespace:
    return SimpleNamespace(api=api, gateway=SimpleNamespace(directory=Knows()))


def account(*roles: str, active: bool = True) -> dict[str, object]:
    return {**WHO, "roles": list(roles), "active": active}


AGENT, CHANGED = Stored(roles=["agent"]), ApiProblem(412, "Stale", "Somebody else has changed it.")


async def test_an_agent_of_whom_the_gateway_has_not_heard_is_given_nothing_more():
    api = Api(ENTRY)
    await _follow(visit(api), NORA, account("agent", active=False), AGENT)
    assert api.put_ == [("routing", {"agents": [{**ENTRY, "active": False}]}, "1")]


async def test_what_was_configured_last_is_kept():
    api = Api(ENTRY, {**ENTRY, "departments": ["other"], "sees": "departments"})
    await _follow(visit(api), NORA, account("requester"), AGENT)
    ((_, body, version),) = api.put_
    assert version == "2"
    assert body["agents"] == [{**ENTRY, "departments": ["other"], "sees": "departments", "active": False}]


async def test_what_somebody_else_changes_in_between_is_read_again():
    api = Api(ENTRY, refuse=(("routing", CHANGED),) * 2)
    await _follow(visit(api), NORA, account("agent", active=False), AGENT)
    assert len(api.put_) == 3
    endless = Api(ENTRY, refuse=(("routing", CHANGED),) * 99)
    with pytest.raises(ApiProblem, match="Somebody else"):
        await _follow(visit(endless), NORA, account("agent", active=False), AGENT)


@pytest.mark.parametrize("entries", [(), (ENTRY, {**ENTRY, "active": False})], ids=["none", "inactive"])
async def test_who_works_no_more_and_has_nothing_to_end_is_left_alone(entries):
    api = Api(*entries)
    await _follow(visit(api), NORA, account("agent", active=False), AGENT)
    assert api.put_ == []


async def test_who_begins_to_work_gets_an_entry():
    api = Api()
    await _follow(visit(api), NORA, account("agent"), Stored(roles=["requester"]))
    assert api.put_ == [("routing", {"agents": [{**WHO, "active": True}]}, "0")]


async def test_who_made_himself_inactive_stays_so_while_nothing_of_it_changes():
    api = Api({**ENTRY, "active": False})
    await _follow(visit(api), NORA, account("agent", "analyst"), AGENT)
    assert api.put_ == []


async def test_what_failed_half_way_is_done_again():
    """The account was put out of force; that routing follows was refused."""
    api = Api(ENTRY)
    await _follow(visit(api), NORA, account("agent", active=False), Stored(roles=["agent"], active=False))
    assert [(owner, version) for owner, _, version in api.put_] == [("routing", "1")]


async def opened(api: Api, directory: Knows, monkeypatch) -> None:
    monkeypatch.setattr(accounts, "PAUSE", 0)
    await open_account(
        api, directory, login="nora", name="Nora", email="nora@example.org", roles=["agent"], departments=["support"]
    )


async def test_an_agents_account_comes_after_his_entry_which_says_what_he_sees(monkeypatch):
    api, directory = Api(), Knows()
    put = api.put

    async def heard(*said: object, **more: object) -> object:
        answer = await put(*said, **more)
        if directory.person is None and api.put_[-1][0] == "routing":
            directory.person = Person(NORA, None, None, "nora", {"active": True}, {"roles": ["agent"]})
        return answer

    api.put = heard
    await opened(api, directory, monkeypatch)
    assert [owner for owner, *_ in api.put_] == ["intake", "routing", "gateway"]


async def test_an_account_that_was_refused_can_be_opened_again(monkeypatch):
    api = Api(refuse=(("gateway", ApiProblem(503, "Unavailable", "not now")),))
    with pytest.raises(ApiProblem, match="not now"):
        await opened(api, Knows(), monkeypatch)
    await opened(api, Knows(), monkeypatch)
    assert [owner for owner, *_ in api.put_] == ["intake", "routing", "gateway"] * 2
