"""The ladder of a broken promise: climbed by the clock, by timers alone, until somebody sees it."""

import pytest

from services.workflow.domain import sla
from tests.unit.sla.promised import AGENT, Ticket, at, contract

LADDER = [
    {"after": 0, "notify": [AGENT], "raise_priority": False, "reassign": None},
    {"after": 30, "notify": [], "raise_priority": True, "reassign": None},
    {"after": 60, "notify": [], "raise_priority": True, "reassign": "on-call"},
]


def test_the_ladder_is_climbed_by_the_clock():
    ticket, gold = Ticket(("created", "09:00")), contract(resolution=60, warn_percent=0, ladder=LADDER)
    ticket.review(gold, "09:00")
    assert ticket.review(gold, "10:00") == [
        ("sla_breached", "resolution", at("10:00")),
        ("escalated", None, at("10:00")),
    ]
    assert ticket.review(gold, "10:29") == []
    assert ticket.review(gold, "10:30") == [("escalated", None, at("10:30")), ("prioritised", None, at("10:30"))]
    assert ticket.life.priority == "high"
    told = ticket.review(gold, "20:00", priority="emergency")
    assert told == [("escalated", None, at("11:00"))], "and no higher than the highest"
    assert ticket.life.level == 3
    assert ticket.review(gold, "23:00", priority="emergency") == []


@pytest.mark.parametrize("what", ["acknowledged", "resolved"])
def test_the_ladder_ends_when_somebody_sees_it(what):
    ticket, gold = Ticket(("created", "09:00")), contract(resolution=60, warn_percent=0, ladder=LADDER)
    ticket.review(gold, "10:10")
    ticket.happens(what, at("10:20"), {})
    assert [said[0] for said in ticket.review(gold, "12:00")] == (["sla_met"] if what == "resolved" else [])
    assert sla.alarm_at(ticket.life.sla) is None


def test_the_ladder_begins_late_with_all_its_moments():
    ticket, gold = Ticket(("created", "09:00")), contract(resolution=60, warn_percent=0, ladder=LADDER)
    told = ticket.review(gold, "12:00")
    assert [(name, when) for name, _, when in told if name == "escalated"] == [
        ("escalated", at("10:00")), ("escalated", at("10:30")), ("escalated", at("11:00")),
    ]  # fmt: skip
    assert ticket.life.level == 3


def test_the_ladder_is_climbed_by_timers_alone():
    steep = contract(
        own=10, warn_percent=0, ladder=[{"after": 0, "notify": [], "raise_priority": False, "reassign": None}]
    )
    ticket = Ticket(("created", "09:00"))
    ticket.review(steep, "09:00", timer=False)
    assert ticket.review(steep, "09:20", timer=False) == []
    assert [name for name, *_ in ticket.review(steep, "09:20")] == ["sla_breached", "escalated"]
