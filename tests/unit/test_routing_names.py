"""What rules and topics of the routing configuration name: it must be there, in the file, in the view or in routing's own store."""

from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from services.routing.named import departments_there, need_names, teams_there
from services.routing.organisation import RoutingSection
from shared.contracts.ids import directory_id
from shared.http.problems import Problem

TESTS = [{"field": "subject", "op": "equals", "value": "x"}]


def rule(**actions: str) -> dict[str, Any]:
    return {"key": "r", "name": "r", "order": 1, "tests": TESTS, "actions": actions}


def section(**entries: Any) -> RoutingSection:
    return RoutingSection.model_validate(entries)


def desk(**written: str) -> Any:
    """Routing, whose view knows the department `seen` and the team `night`; what is `written` (kind to key) only its store has."""
    seen = {"department": [{"key": "seen"}], "team": [{"key": "night"}]}
    streams = {directory_id(kind, key) for kind, key in written.items()}
    found = Mock(spec=["directory", "entries"])
    found.directory.entries = AsyncMock(side_effect=seen.__getitem__)
    found.entries.store.load = AsyncMock(side_effect=lambda stream: (["configured"] * (stream in streams), None))
    return found


async def checked(body: RoutingSection, routing: Any) -> None:
    need_names(body, await departments_there(body, routing), await teams_there(body, routing))


@pytest.mark.parametrize(
    ("entries", "place"),
    [
        ({"rules": [rule(department="nowhere")]}, "rules.r.actions.department"),
        ({"rules": [rule(department="night")]}, "rules.r.actions.department"),
        ({"rules": [rule(team="nowhere")]}, "rules.r.actions.team"), ({"rules": [rule(team="seen")]}, "rules.r.actions.team"),
        ({"topic_routes": [{"topic": "vpn", "department": "nowhere"}]}, "topic_routes.vpn.department"),
    ],
)  # fmt: skip
async def test_what_is_not_there_is_refused_with_its_place(entries, place):
    with pytest.raises(Problem) as refused:
        await checked(section(**entries), desk())
    assert (refused.value.status, list(refused.value.fields)) == (422, [place])
    assert "must be one of: " in refused.value.fields[place]


async def test_every_place_is_named_at_once():
    body = section(rules=[rule(department="a", team="b")], topic_routes=[{"topic": "vpn", "department": "c"}])
    with pytest.raises(Problem) as refused:
        await checked(body, desk())
    assert len(refused.value.fields) == 3


@pytest.mark.parametrize("key", ["seen", "given", "written"])
async def test_a_department_of_the_view_the_section_or_the_store(key):
    body = section(
        departments=[{"key": "given", "name": "G"}], rules=[rule(department=key)], topic_routes=[{"topic": "*", "department": key}]
    )  # fmt: skip
    await checked(body, desk(department="written"))


@pytest.mark.parametrize("key", ["night", "given", "written"])
async def test_a_team_likewise(key):
    await checked(section(teams=[{"key": "given", "name": "G"}], rules=[rule(team=key)]), desk(team="written"))


async def test_what_was_just_written_is_there_for_agents_and_for_departments_within_it():
    agent = {
        "person_id": "00000000-0000-0000-0000-000000000001",
        "login": "x",
        "departments": ["one"],
        "roles": {"two": "r"},
    }
    for entries, key in (
        ({"agents": [agent]}, "one"), ({"agents": [agent]}, "two"),
        ({"departments": [{"key": "a", "name": "A", "parent": "three"}]}, "three"),
    ):  # fmt: skip
        assert key in await departments_there(section(**entries), desk(department=key))
        assert key not in await departments_there(section(**entries), desk())


async def test_what_names_nothing_is_fine():
    await checked(section(rules=[rule(priority="high")], topic_routes=[{"topic": "vpn", "skills": ["x"]}]), desk())
