"""The first desk is made whatever fails on the way, by the same form sent again; and nothing is made of what is wrong."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid5

import pytest

from services.gateway.pages import accounts
from services.gateway.pages.client import ApiProblem
from services.gateway.pages.welcome import _begin
from shared.directory.people import Person

FORM = {
    "desk": "First Help", "department": "Büro & Technik", "topic": "Drucker", "agent_name": "Anton Agent", "agent_login": "anton",
    "agent_email": "Anton@first.example", "key": "k",
}  # fmt: skip
REQUESTS = (
    "/internal/gateway/organisation", "/internal/intake/organisation", "/internal/intake/organisation", "/internal/routing/organisation",
    "/internal/gateway/organisation", "/accounts/anton/links",
)  # fmt: skip
"""Name, topic, person, department and agent, account, link."""


@dataclass
class Owners:
    """All owners, as far as the form asks them; the gateway's directory, which hears of all of it at once, or of nothing."""

    behind: bool = False
    fails: int | None = None
    entries_of: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    people: dict[UUID, Person] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    told: dict[str, list[str]] = field(default_factory=dict)
    links: int = 0
    password: str | None = None

    async def put(self, path: str, body: dict[str, Any], if_match: str | None = None) -> Any:
        self._ask(path)
        if if_match == "0" and ("branding", "desk") in self.entries_of:
            raise ApiProblem(412, "Stale", "It is there.")
        self.told |= body.get("known", {})
        for section, entries in body.items():
            if section == "known":
                continue
            kind = {"departments": "department", "topics": "topic", "topic_routes": "topic_route"}.get(section, section)
            for entry in entries if isinstance(entries, list) else [entries]:
                self._take(kind, entry)
        return {"people": {one["email"]: str(person(one["email"])) for one in body.get("people", [])}}

    def _take(self, kind: str, entry: dict[str, Any]) -> None:
        if kind in {"people", "agents", "accounts"}:
            key = person(entry["email"])
            known = self.people.get(key, Person(key, entry["email"].lower(), entry["name"], None, None, None))
            part = {"agents": "agent", "accounts": "account"}.get(kind)
            self.people[key] = replace(known, login=entry["login"], **{part: entry}) if part else known
        else:
            key = entry.get("key") or entry.get("topic") or "desk"
            self.entries_of[kind, key] = entry

    async def post(self, path: str, *_: object) -> dict[str, str]:
        self._ask(path)
        self.links += 1
        return {"url": "link"}

    def _ask(self, path: str) -> None:
        self.asked.append(path)
        if self.fails == len(self.asked):
            raise ApiProblem(503, "Unavailable", "It does not answer just now.")

    # the directory

    async def entry(self, kind: str, key: str) -> dict[str, Any] | None:
        return None if self.behind else self.entries_of.get((kind, key))

    async def entries(self, kind: str) -> list[dict[str, Any]]:
        return [] if self.behind else [entry for (of, _), entry in self.entries_of.items() if of == kind]

    async def by_login(self, text: str) -> Person | None:
        found = (one for one in self.people.values() if text in {one.login, one.email})
        return None if self.behind else next(found, None)

    async def by_id(self, person_id: UUID) -> Person | None:
        return self.people.get(person_id)

    async def credentials_of(self, *_: object) -> SimpleNamespace:
        return SimpleNamespace(password=self.password)

    @property
    def state(self) -> Any:
        return self.entries_of, self.people


def person(email: str) -> UUID:
    return uuid5(UUID(int=0), email.lower())


def visit(owners: Owners) -> Any:
    gateway = SimpleNamespace(directory=owners, components=SimpleNamespace(directory=owners, sign_ins=owners))
    state = SimpleNamespace(services={"gateway": gateway})
    return SimpleNamespace(api=owners, gateway=gateway, request=SimpleNamespace(app=SimpleNamespace(state=state)))


async def begun(**options: Any) -> Owners:
    owners = Owners(**options)
    await _begin(visit(owners), FORM)
    return owners


async def test_it_makes_the_desk_and_its_agent():
    owners = await begun()
    assert owners.asked == list(REQUESTS)
    assert owners.entries_of["department", "buro-technik"] == {"key": "buro-technik", "name": "Büro & Technik"}
    assert {key for kind, key in owners.entries_of if kind == "topic_route"} == {"drucker", "*"}
    assert owners.told == {"topic": ["drucker"]}, "routing need not have heard of it yet"
    (anton,) = owners.people.values()
    assert anton.agent["departments"] == ["buro-technik"]
    assert (anton.account["roles"], owners.links) == (["agent"], 1)


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("fails", range(1, len(REQUESTS) + 1))
async def test_whatever_fails_the_form_can_be_sent_again(fails, behind, monkeypatch):
    monkeypatch.setattr(accounts, "LOOKS", 1)
    whole = await begun()
    owners = Owners(fails=fails, behind=behind)
    with pytest.raises(ApiProblem, match="send the form again"):
        await _begin(visit(owners), FORM)
    assert len(owners.asked) == fails
    assert await _begin(visit(owners), FORM) == {"url": "link"}
    assert owners.state == whole.state
    assert owners.links == 1


async def test_sent_again_when_all_was_made_it_issues_another_link_and_changes_nothing():
    """The answer was lost, say: nobody has seen the first link."""
    owners = await begun()
    owners.entries_of["department", "buro-technik"]["strategy"] = "sticky"
    before = len(owners.asked)
    assert await _begin(visit(owners), FORM) == {"url": "link"}
    assert owners.asked[before:] == ["/accounts/anton/links"]
    assert owners.entries_of["department", "buro-technik"]["strategy"] == "sticky"


async def test_an_account_that_is_used_is_not_given_away():
    owners = await begun()
    owners.password = "hash"
    with pytest.raises(ApiProblem) as refused:
        await _begin(visit(owners), FORM)
    assert set(refused.value.fields) == {"login"}
    assert owners.links == 1


@pytest.mark.parametrize("change", [{"roles": ["administrator"]}, {"active": False}, {"roles": ["agent", "lead"]}])
async def test_nor_is_another_kind_of_account(change):
    owners = await begun()
    (key, anton) = next(iter(owners.people.items()))
    owners.people[key] = replace(anton, account=anton.account | change)
    with pytest.raises(ApiProblem):
        await _begin(visit(owners), FORM)
    assert owners.links == 1


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"department": ""}, "department"), ({"topic": " "}, "topic"), ({"agent_login": ""}, "login"), ({"agent_name": ""}, "name"),
        ({"agent_email": ""}, "email"), ({"agent_login": "frieda"}, "login"), ({"agent_email": "FRIEDA@first.example"}, "email"),
    ],
)  # fmt: skip
async def test_of_what_is_wrong_nothing_is_made(form, field):
    frieda = Person(UUID(int=9), "frieda@first.example", "Frieda", "frieda", None, {"roles": ["administrator"]})
    owners = Owners(people={frieda.person_id: frieda})
    with pytest.raises(ApiProblem) as refused:
        await _begin(visit(owners), FORM | form)
    assert (refused.value.status, set(refused.value.fields)) == (422, {field})
    assert owners.asked == []


async def test_without_an_agent_it_makes_the_desk_alone_and_again_nothing():
    form = FORM | {"agent_name": "", "agent_login": "", "agent_email": ""}
    owners = Owners(fails=3)
    with pytest.raises(ApiProblem, match="send the form again"):
        await _begin(visit(owners), form)
    assert await _begin(visit(owners), form) is None
    made = len(owners.asked)
    assert await _begin(visit(owners), form) is None
    assert len(owners.asked) == made
    assert owners.people == {}


@pytest.mark.parametrize(
    "departments", [[("support", "Support")], [("buro-technik", "Büro & Technik"), ("support", "Support")]]
)
async def test_a_desk_with_other_departments_is_left_alone(departments):
    owners = Owners(entries_of={("department", key): {"key": key, "name": name} for key, name in departments})
    with pytest.raises(ApiProblem) as refused:
        await _begin(visit(owners), FORM)
    assert "Support" in refused.value.fields["department"]
    assert owners.asked == []


async def test_a_department_is_known_by_its_name_too():
    owners = Owners(entries_of={("department", "it"): {"key": "it", "name": "Büro & Technik"}})
    await _begin(visit(owners), FORM)
    assert ("department", "buro-technik") not in owners.entries_of
    assert owners.entries_of["topic_route", "*"]["department"] == "it"
