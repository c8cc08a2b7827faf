"""What entries of the configuration name: it must be there, in the file, in the section, or heard of by now."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock
from uuid import UUID

import pytest

from services.routing import organisation as routing
from services.workflow import organisation as workflow
from shared.contracts.ids import directory_id
from shared.http.named import Known, Names
from shared.http.problems import Problem

WHO, OTHER, ASKS = (f"00000000-0000-0000-0000-00000000000{n}" for n in (1, 2, 3))
TESTS = [{"field": "subject", "op": "equals", "value": "x"}]
SEEN = {
    "department": ["seen"], "team": ["night"], "topic": ["vpn"], "role": ["keeper"], "sla_plan": ["gold"], "canned_reply": ["sorry"],
    "calendar": ["office"],
}  # fmt: skip


def directory(*late: str) -> Any:
    """A directory of what is `SEEN`, of WHO, an agent, and of ASKS, who is none. Departments that are `late` are heard of at the second look."""
    looks: list[str] = []

    async def entries(kind: str) -> list[dict[str, str]]:
        looks.append(kind)
        keys = [*SEEN[kind], *(late if len(looks) > 1 else ())]
        return [{"key": key} for key in keys]

    known = {UUID(WHO): SimpleNamespace(agent={}), UUID(ASKS): SimpleNamespace(agent=None)}
    people = AsyncMock(side_effect=lambda ids: {one: known[one] for one in ids if one in known})
    return Mock(entries=entries, people=people)


def store(*written: UUID) -> Any:
    """A service's own store, with these streams."""
    return Mock(heads=AsyncMock(side_effect=lambda ids: {one: None for one in ids if one in written}))


def named(*late: str, known: Known | None = None, **given: list[str]) -> Names:
    """The names of a service that owns the kinds that are given."""
    return Names(directory(*late), store(), known or Known(), given)  # type: ignore[arg-type] # the tests' own kinds


def rule(**actions: Any) -> dict[str, Any]:
    return {"rules": [{"key": "r", "name": "r", "order": 1, "tests": TESTS, "actions": actions}]}


def plan(**said: Any) -> dict[str, Any]:
    return {"sla_plans": [{"key": "p", "name": "p", "order": 1, "targets": {}, **said}]}


def agent(**said: Any) -> dict[str, Any]:
    return {"agents": [{"person_id": WHO, "login": "a.b@c", **said}]}


def step(**said: Any) -> dict[str, Any]:
    return plan(ladder=[{"after": 1}, {"after": 2, **said}])


async def refused(names: Names) -> dict[str, str]:
    """The places that are refused; none if all is well."""
    try:
        await names.check(0)
    except Problem as problem:
        return dict(problem.fields)
    return {}


async def routed(entries: dict[str, Any], *written: UUID) -> dict[str, str]:
    desk: Any = SimpleNamespace(directory=directory(), entries=SimpleNamespace(store=store(*written)))
    return await refused(routing._names(routing.RoutingSection.model_validate(entries), desk))


async def worked(entries: dict[str, Any], *written: UUID) -> dict[str, str]:
    desk: Any = SimpleNamespace(directory=directory(), entries=SimpleNamespace(store=store(*written)))
    return await refused(workflow._names(workflow.WorkflowSection.model_validate(entries), desk))


ROUTING = [
    (rule(department="X"), "rules.r.actions.department", "seen"), (rule(team="X"), "rules.r.actions.team", "night"),
    (rule(sla="X"), "rules.r.actions.sla", "gold"), (rule(reply="X"), "rules.r.actions.reply", "sorry"),
    (rule(agent="X"), "rules.r.actions.agent", WHO), (rule(notify=["X"]), "rules.r.actions.notify", WHO),
    (rule(watch=["X"]), "rules.r.actions.watch", WHO),
    ({"topic_routes": [{"topic": "vpn", "department": "X"}]}, "topic_routes.vpn.department", "seen"),
    ({"topic_routes": [{"topic": "X", "skills": ["x"]}]}, "topic_routes.X.topic", "vpn"),
    ({"topic_routes": [{"topic": "X"}]}, "topic_routes.X.topic", "*"),
    ({"departments": [{"key": "d", "name": "d", "parent": "X"}]}, "departments.parent", "seen"),
    ({"departments": [{"key": "d", "name": "d", "manager": "X"}]}, "departments.d.manager", WHO),
    ({"teams": [{"key": "t", "name": "t", "members": ["X"]}]}, "teams.t.members", WHO),
    (agent(departments=["X"]), "agents.departments", "seen"), (agent(roles={"X": "keeper"}), "agents.roles", "seen"),
    (agent(roles={"seen": "X"}), "agents.roles", "keeper"),
]  # fmt: skip
WORKFLOW = [
    (plan(calendar="X"), "sla_plans.p.calendar", "office"), (plan(departments=["X"]), "sla_plans.p.departments", "seen"),
    (plan(topics=["X"]), "sla_plans.p.topics", "vpn"), (step(reassign="X"), "sla_plans.p.ladder.1.reassign", "night"),
    (step(notify=["X"]), "sla_plans.p.ladder.1.notify", WHO),
    ({"canned_replies": [{"key": "c", "name": "c", "body": "x", "departments": ["X"]}]}, "canned_replies.c.departments", "seen"),
]  # fmt: skip


def put(entries: Any, key: str) -> Any:
    """The entries with X replaced."""
    if isinstance(entries, dict):
        return {(key if name == "X" else name): put(value, key) for name, value in entries.items()}
    if isinstance(entries, list):
        return [put(value, key) for value in entries]
    return key if entries == "X" else entries


@pytest.mark.parametrize(
    ("check", "entries", "place", "there"),
    [*((routed, *case) for case in ROUTING), *((worked, *case) for case in WORKFLOW)],
    ids=[case[1] for case in (*ROUTING, *WORKFLOW)],
)
async def test_what_is_not_there_is_refused_with_its_place_and_what_is_there_is_taken(check, entries, place, there):
    missing = OTHER if there == WHO else "nothing"
    fields = await check(put(entries, missing))
    assert list(fields) == [place.replace("X", missing)]
    assert "there is no " in fields[place.replace("X", missing)]
    assert missing in fields[place.replace("X", missing)]
    assert await check(put(entries, there)) == {}


async def test_every_place_and_every_slip_is_named_at_once():
    names = named()
    names.need("here", "team", "a", None, "night", of="agent ann")
    names.need("here", "team", "b", of="agent bob")
    names.need("there", "sla_plan", "c")
    with pytest.raises(Problem) as problem:
        await names.check(0)
    assert (problem.value.status, problem.value.fields) == (422, {
        "here": "agent ann: there is no team 'a'; it must be one of: night; agent bob: there is no team 'b'; it must be one of: night",
        "there": "there is no SLA plan 'c'; it must be one of: gold",
    })  # fmt: skip


async def test_an_agent_is_somebody_who_works_tickets():
    assert list(await routed(rule(agent=ASKS))) == ["rules.r.actions.agent"]
    assert await routed(rule(notify=[ASKS])) == {}


async def test_what_comes_with_the_same_file_or_section_is_there():
    section = {"departments": [{"key": "new", "name": "N"}], **rule(department="new", sla="silver", watch=[OTHER])}
    assert await routed({**section, "known": {"sla_plan": ["silver"], "person": [OTHER]}}) == {}
    assert set(await routed(section)) == {"rules.r.actions.sla", "rules.r.actions.watch"}
    assert await routed({"agents": [{"person_id": OTHER, "login": "x"}], **rule(agent=OTHER, notify=[OTHER])}) == {}


async def test_what_the_owner_has_said_itself_is_there_before_its_directory_shows_it():
    entries = {**rule(department="new", team="late", agent=OTHER, notify=[OTHER]), **agent(departments=["new"])}
    written = (directory_id("department", "new"), directory_id("team", "late"), UUID(OTHER))
    assert await routed(entries, *written) == {}
    assert len(await routed(entries)) == 5
    assert await worked(plan(calendar="new"), directory_id("calendar", "new")) == {}
    assert await worked(plan(topics=["new"]), directory_id("topic", "new")), "which is not workflow's to know"


@pytest.mark.parametrize(
    "entries",
    [
        {"rules": [{**rule(sla="X")["rules"][0], "active": False}]}, agent(departments=["X"], active=False),
        {"teams": [{"key": "t", "name": "t", "members": [OTHER], "active": False}]},
        {"departments": [{"key": "d", "name": "d", "parent": "X", "active": False}]},
    ],
)  # fmt: skip
async def test_what_is_out_of_use_names_what_it_likes(entries):
    assert await routed(entries) == {}
    assert await worked(plan(topics=["X"], active=False)) == {}


async def test_what_was_configured_a_moment_ago_is_waited_for():
    names = named("late")
    names.need("here", "department", "late")
    await names.check(5)
    names = named("late")
    names.need("here", "department", "late")
    assert list(await refused(names)) == ["here"]
