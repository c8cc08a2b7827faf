"""Whom a rule names, who is not there (any more): he is passed over, and the ticket goes where it would without."""

from typing import Any

import pytest

from services.routing import domain
from services.routing.domain import Config, Handling, Moment, NewTicket
from shared.contracts.event import NewEvent
from shared.rules import Held
from shared.testing.given import scenario

given = scenario("routing", Handling, domain.evolve)
JOHN, JANE, GONE, NOBODY = (f"00000000-0000-0000-0000-00000000000{n}" for n in (1, 2, 3, 4))
TICKET = NewTicket("s", "b", None, None, None, "api", None)


def agent(who: str, **more: Any) -> dict[str, Any]:
    return {"person_id": who, "departments": ["support"], "skills": [], "capacity": 0, "active": True, **more}


def team(key: str, *, active: bool = True) -> dict[str, Any]:
    return {"key": key, "members": [JANE], "active": active}


def named_by(*rules: dict[str, Any]) -> list[Held]:
    return [Held(one, [0]) for one in rules]


def rule(**actions: Any) -> dict[str, Any]:
    return {
        "key": "r", "name": "r", "order": 1, "version": 1, "tests": [{"field": "subject", "op": "equals", "value": "s"}],
        "actions": actions,
    }  # fmt: skip


def config(**actions: Any) -> Config:
    return Config(
        [agent(JOHN), agent(GONE, active=False)], {"support": {"key": "support", "active": True}},
        {one["key"]: one for one in (team("night"), team("retired", active=False))}, {"*": {"topic": "*", "department": "support"}},
        [rule(**actions)],
    )  # fmt: skip


@pytest.mark.parametrize("named", [{"team": "retired"}, {"team": "unheard-of"}, {"agent": GONE}, {"agent": NOBODY}])
def test_a_new_ticket_goes_to_whom_the_department_chooses(named):
    _, assigned = given().when(domain.route, TICKET, config(**named), {}, Moment()).then("transferred", "assigned")
    assert (assigned.data["agent"], assigned.data["team"], assigned.data["why"]["by"]) == (JOHN, None, "policy")


def test_one_of_two_who_is_there_gets_it():
    named = config(team="retired", agent=JOHN)
    _, assigned = given().when(domain.route, TICKET, named, {}, Moment()).then("transferred", "assigned")
    assert (assigned.data["agent"], assigned.data["team"], assigned.data["why"]["by"]) == (JOHN, None, "rule")
    named = config(team="night", agent=GONE)
    _, assigned = given().when(domain.route, TICKET, named, {}, Moment()).then("transferred", "assigned")
    assert (assigned.data["agent"], assigned.data["team"]) == (None, "night")


@pytest.mark.parametrize("named", [{"team": "retired"}, {"team": "unheard-of"}, {"agent": GONE}])
def test_of_a_ticket_under_way_nobody_takes_anything(named):
    has = {
        "agent": JOHN,
        "team": None,
        "previous": {"agent": None, "team": None},
        "why": {"by": "person", "reason": "x"},
    }
    under_way = given(NewEvent(domain.ASSIGNED, has))
    under_way.when(domain.handle, named_by(rule(**named)), config(), {}, Moment()).nothing()
    (event,) = under_way.when(domain.handle, named_by(rule(**named), rule(team="night")), config(), {}, Moment()).then(
        "assigned"
    )
    assert event.data["team"] == "night", "and the next rule has its say"


def test_an_escalation_gives_nothing_to_who_is_not_there_any_more():
    desk = Config(
        [agent(JOHN), agent(GONE, active=False)], teams={"night": {"key": "night", "members": [GONE, JOHN, NOBODY]}}
    )
    more = {"team": "night", "plan": "gold", "config": desk, "now": Moment()}
    (event,) = given().when(domain.reassign, load={JOHN: 9}, **more).then("assigned")
    assert event.data["agent"] == JOHN
    assert [one["agent"] for one in event.data["why"]["candidates"]] == [JOHN]
