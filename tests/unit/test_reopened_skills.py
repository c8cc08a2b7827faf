"""A ticket that is reopened while its agent is away asks for the skills that it was opened for."""

import pytest

from services.routing import domain
from services.routing.domain import Config, Handling, Moment
from shared.contracts.event import NewEvent
from shared.testing.given import scenario

given = scenario("routing", Handling, domain.evolve)
GONE, VIC, JOHN = (f"00000000-0000-0000-0000-00000000000{n}" for n in (1, 2, 3))
WHY = {"by": "person", "reason": "x"}


def agent(who: str, *skills: str, active: bool = True) -> dict[str, object]:
    return {"person_id": who, "departments": ["net", "help"], "skills": list(skills), "capacity": 0, "active": active}


CONFIG = Config(
    [agent(GONE, "vpn", active=False), agent(VIC, "vpn"), agent(JOHN)],
    {key: {"key": key, "active": True} for key in ("net", "help")},
    topic_routes={
        "*": {"topic": "*", "department": "help", "skills": []},
        "vpn": {"topic": "vpn", "department": "net", "skills": ["vpn"]},
    },
)  # fmt: skip


@pytest.mark.parametrize(
    ("department", "topic", "expected"),
    [
        ("net", "vpn", VIC),
        ("help", "vpn", JOHN),
        ("net", None, JOHN),
        ("net", "unheard-of", JOHN),
        ("help", None, JOHN),
    ],
)
def test_who_gets_it(department, topic, expected):
    moved = NewEvent("ledgerdesk.ticket.transferred", {"department": department, "previous": None, "why": WHY})
    had = NewEvent(
        domain.ASSIGNED, {"agent": GONE, "team": None, "previous": {"agent": None, "team": None}, "why": WHY}
    )
    load = {VIC: 5}
    _, assigned = (
        given(moved, had).when(domain.taken_up_again, CONFIG, load, Moment(), topic).then("unassigned", "assigned")
    )
    assert assigned.data["agent"] == expected


def test_nobody_who_knows_it_is_there():
    moved = NewEvent("ledgerdesk.ticket.transferred", {"department": "net", "previous": None, "why": WHY})
    had = NewEvent(
        domain.ASSIGNED, {"agent": GONE, "team": None, "previous": {"agent": None, "team": None}, "why": WHY}
    )
    without = Config(
        [agent(GONE, "vpn", active=False), agent(JOHN)], CONFIG.departments, topic_routes=CONFIG.topic_routes
    )
    _, waits = given(moved, had).when(domain.taken_up_again, without, {}, Moment(), "vpn").then("unassigned", "queued")
    assert waits.data["skills"] == ["vpn"]
