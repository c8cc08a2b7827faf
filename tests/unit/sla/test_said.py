"""What is said of promises, and when: what happens to a ticket, and what a look at it finds; whose plan it has."""

from uuid import UUID

import pytest

from services.workflow.domain import sla
from shared.contracts.event import rfc3339
from tests.unit.sla.promised import AGENT, PLAN, Ticket, at, contract


def test_a_new_ticket_is_promised_what_its_plan_says():
    ticket = Ticket(("created", "09:30"))
    assert [said[:2] for said in ticket.review(contract(first_response=60, resolution=480), "09:30")] == [
        ("sla_scheduled", None)
    ]
    assert ticket.clock("first_response")["due"] == rfc3339(at("10:30"))
    assert ticket.clock("first_response")["warn"] == rfc3339(at("10:18"))
    assert ticket.clock("resolution")["due"] == rfc3339(at("+1 09:30"))
    assert ticket.review(contract(first_response=60, resolution=480), "09:31") == [], "said once"


def test_what_is_answered_in_time_is_met():
    ticket, gold = Ticket(("created", "09:30")), contract(first_response=60, warn_percent=0)
    ticket.review(gold, "09:30")
    ticket.happens("replied", at("10:30"), {})  # at the very moment that it is due
    assert ticket.review(gold, "11:00") == [("sla_met", "first_response", at("10:30"))]
    assert ticket.clock("first_response")["late"] is False
    assert ticket.review(gold, "12:00") == []


def test_warned_breached_and_met_late_each_at_its_moment_however_late_one_looks():
    ticket, gold = Ticket(("created", "09:30")), contract(first_response=60)
    ticket.review(gold, "09:30")
    ticket.happens("replied", at("11:00"), {})
    assert ticket.review(gold, "+3 12:00") == [
        ("sla_warned", "first_response", at("10:18")), ("sla_breached", "first_response", at("10:30")),
        ("sla_met", "first_response", at("11:00")),
    ]  # fmt: skip
    assert ticket.clock("first_response")["late"] is True


def test_the_moment_before_nothing_is_said_and_at_it_everything_once():
    ticket, gold = Ticket(("created", "09:30")), contract(first_response=60, warn_percent=0)
    ticket.review(gold, "09:30")
    assert ticket.review(gold, "10:29") == []
    assert ticket.review(gold, "10:30") == [("sla_breached", "first_response", at("10:30"))]
    assert ticket.review(gold, "10:31") == []


def test_a_hold_stands_still_and_going_on_moves_the_moment():
    ticket, gold = Ticket(("created", "09:00")), contract(resolution=120, warn_percent=0)
    ticket.review(gold, "09:00")
    ticket.happens("held", at("10:00"), {})
    assert ticket.review(gold, "10:00") == [("sla_scheduled", None, at("10:00"))]
    assert (ticket.clock("resolution")["due"], ticket.clock("resolution")["left"]) == (None, 3600)
    assert ticket.review(gold, "16:00") == [], "nothing is overdue that stands still"
    ticket.happens("resumed", at("16:30"), {})
    ticket.review(gold, "16:30")
    assert ticket.clock("resolution")["due"] == rfc3339(at("+1 09:30"))


def test_a_plan_that_does_not_pause_does_not():
    ticket, gold = Ticket(("created", "09:00"), ("held", "09:30")), contract(resolution=120, pause_on_hold=False)
    ticket.review(gold, "10:00")
    assert ticket.clock("resolution")["due"] == rfc3339(at("11:00"))


def test_what_was_due_before_the_hold_is_breached_though_one_looks_after_it():
    ticket, gold = Ticket(("created", "09:00")), contract(resolution=60, warn_percent=0)
    ticket.review(gold, "09:00")
    ticket.happens("held", at("10:30"), {})
    assert ("sla_breached", "resolution", at("10:00")) in ticket.review(gold, "12:00")


def test_reopened_goes_on_where_it_stood():
    ticket, gold = Ticket(("created", "09:00"), ("resolved", "10:00")), contract(resolution=120, warn_percent=0)
    assert ("sla_met", "resolution", at("10:00")) in ticket.review(gold, "10:00")
    ticket.happens("reopened", at("14:00"), {})
    assert ticket.review(gold, "14:00") == [("sla_scheduled", None, at("14:00"))]
    assert ticket.clock("resolution")["due"] == rfc3339(at("15:00"))
    ticket.happens("resolved", at("15:30"), {})
    assert [said[0] for said in ticket.review(gold, "15:30")] == ["sla_breached", "sla_met"]


def test_each_later_message_is_promised_an_answer_of_its_own():
    gold = contract(first_response=60, next_update=30, warn_percent=0)
    ticket = Ticket(
        ("created", "09:00"), ("message_received", "09:10"), ("replied", "09:20"), ("message_received", "10:00"),
        ("message_received", "10:10"), ("replied", "10:45"), ("message_received", "11:00"),
    )  # fmt: skip
    assert [said for said in ticket.review(gold, "11:10") if said[0] != "sla_scheduled"] == [
        ("sla_met", "first_response", at("09:20")), ("sla_breached", "next_update", at("10:30")),
        ("sla_met", "next_update", at("10:45")),
    ]  # fmt: skip
    assert ticket.clock("next_update")["due"] == rfc3339(at("11:30")), "the last one's clock runs"
    assert ticket.review(gold, "11:10") == [], "and of the one before it nothing is said again"


def test_owning():
    gold = contract(own=15, warn_percent=0)
    ticket = Ticket(("created", "09:00"), ("assigned", "09:05", {"agent": None, "team": "x"}))
    ticket.review(gold, "09:05")
    assert ticket.clock("own")["due"] == rfc3339(at("09:15")), "a team is nobody"
    ticket.happens("assigned", at("09:10"), {"agent": AGENT})
    ticket.happens("assigned", at("09:50"), {"agent": AGENT})
    assert ticket.review(gold, "10:00") == [("sla_met", "own", at("09:10"))]


def test_merged_stands_still_and_unmerged_goes_on():
    ticket, gold = Ticket(("created", "09:00")), contract(resolution=120, warn_percent=0)
    ticket.review(gold, "09:00")
    ticket.happens("merged", at("10:00"), {"into": str(UUID(int=9)), "previous": "new"})
    ticket.review(gold, "10:00")
    assert ticket.clock("resolution")["due"] is None
    ticket.happens("unmerged", at("12:00"), {"into": str(UUID(int=9)), "status": "open"})
    ticket.review(gold, "12:00")
    assert ticket.clock("resolution")["due"] == rfc3339(at("13:00"))


def test_another_plan_counts_from_the_beginning():
    ticket = Ticket(("created", "09:00"))
    ticket.review(contract(resolution=480), "09:00")
    urgent = contract(key="urgent", resolution=60, warn_percent=0)
    assert [said[0] for said in ticket.review(urgent, "11:00")] == ["sla_breached", "sla_scheduled"]
    assert ticket.life.sla["plan"] == "urgent"
    assert ticket.review(urgent, "12:00") == []


def test_no_plan_any_more():
    ticket = Ticket(("created", "09:00"))
    ticket.review(contract(resolution=60), "09:00")
    assert [said[0] for said in ticket.review(None, "09:30")] == ["sla_scheduled"]
    assert ticket.life.sla["clocks"] == {}
    assert ticket.review(None, "12:00") == []


def test_an_imported_ticket_is_promised_nothing():
    ticket = Ticket(("created", "09:00", {"origin": {"log": "x"}}))
    ticket.review(contract(resolution=60), "18:00")
    assert ticket.life.sla["clocks"] == {}


def test_the_alarm_is_the_next_moment():
    ticket, gold = Ticket(("created", "09:30")), contract(first_response=60, resolution=480)
    ticket.review(gold, "09:30")
    assert sla.alarm_at(ticket.life.sla) == at("10:18")
    ticket.review(gold, "10:18")
    assert sla.alarm_at(ticket.life.sla) == at("10:30")
    ticket.review(gold, "10:30")
    assert sla.alarm_at(ticket.life.sla) == at("15:54"), "the resolution's warning: 80% of eight hours"
    assert sla.due_at(ticket.life.sla) == at("10:30"), "the first that is not kept, though it is past"


@pytest.mark.parametrize(
    ("wants", "ticket", "holds"),
    [
        ({}, {}, True), ({"priorities": ["high", "emergency"]}, {"priority": "high"}, True),
        ({"priorities": ["high"]}, {"priority": "low"}, False), ({"severities": ["Sev-A"]}, {}, False),
        ({"departments": ["support"], "topics": ["mail"]}, {"department": "support", "topic": "mail"}, True),
        ({"departments": ["support"], "topics": ["mail"]}, {"department": "support", "topic": "vpn"}, False),
        ({"active": False}, {}, False),
    ],
)  # fmt: skip
def test_which_plan_is_a_tickets(wants, ticket, holds):
    first, other = {**PLAN, **wants}, {**PLAN, "key": "other", "order": 2}
    row = {"priority": "normal", "severity": None, "department": None, "topic": None, **ticket}
    chosen = sla.choose([other, first], row)
    assert chosen is not None
    assert chosen["key"] == ("gold" if holds else "other")
    assert sla.choose([{**PLAN, "active": False}], row) is None
