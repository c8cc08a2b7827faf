"""A ladder that is being climbed when the ticket goes over to another plan: it goes on there, or ends; no timer is left behind."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.workflow import domain
from services.workflow.domain import sla
from services.workflow.domain.sla import Contract, story_of
from services.workflow.views.row import evolve as row_after
from services.workflow.views.row import initial
from shared.contracts.catalogue import check
from shared.contracts.event import NewEvent, rfc3339
from shared.hours import ALWAYS
from shared.testing.events import event_of_fact

OPENED = datetime(2026, 11, 23, 9, tzinfo=UTC)
TICKET = UUID(int=1)
MINUTE = timedelta(minutes=1)


def step(after: int) -> dict[str, Any]:
    return {"after": after, "notify": [], "raise_priority": False, "reassign": None}


def contract(key: str, *ladder: int, minutes: int = 60, version: int = 1) -> Contract:
    targets = {"own": None, "first_response": None, "next_update": None, "resolution": minutes}
    ways = {"warn_percent": 0, "pause_on_hold": True, "ladder": [step(after) for after in ladder]}
    return Contract({"key": key, "version": version, "targets": targets, **ways}, ALWAYS)


class Ticket:
    """A ticket of which a promise was broken an hour after it was opened; the ledger's state and the view's row go together."""

    def __init__(self, under: Contract, *, broken: bool = True) -> None:
        self.life, self.row = domain.Life(), initial(TICKET)
        self.steps: list[tuple[str, datetime, dict[str, Any]]] = [("created", OPENED, {})]
        self.looks(under, 0, timer=False)
        if broken:
            assert self.looks(under, 60) == ["sla_breached", "escalated"]

    def is_resolved(self, after: int) -> None:
        """Let it be resolved, of which everybody hears at once."""
        at = OPENED + after * MINUTE
        self.steps.append(("resolved", at, {}))
        self.happens(NewEvent("ledgerdesk.ticket.resolved", {}), at)

    def looks(self, under: Contract | None, after: int, *, timer: bool = True) -> list[str]:
        """Look at it so many minutes after it was opened; returns what was said."""
        now, said = OPENED + after * MINUTE, []
        story = story_of(self.steps)
        for fact in sla.review(self.life, story, under, now, priority="normal", reason="test", timer=timer):
            check(fact, "workflow")
            self.happens(fact)
            said.append(fact.type.rpartition(".")[2])
        return said

    def happens(self, fact: NewEvent, at: datetime = OPENED) -> None:
        event = event_of_fact(fact, "workflow", TICKET, self.life.version + 1, occurred_at=at)
        self.life, self.row = domain.evolve(self.life, event), row_after(self.row, event)

    @property
    def alarm(self) -> datetime | None:
        """When a timer is to wake it: what the ledger's own state says, the row says, too."""
        assert self.row.wake_at == sla.alarm_at(self.life.sla)
        return self.row.wake_at


STEEP = contract("gold", 0, 30, 60)


@pytest.mark.parametrize(
    "other",
    [contract("slow", minutes=10_000), contract("slow", 0, minutes=10_000), contract("gold", 0, minutes=10_000, version=2), None],
    ids=["no ladder", "fewer steps", "another version", "no plan"],
)  # fmt: skip
def test_a_plan_without_that_step_ends_it(other):
    ticket = Ticket(STEEP)
    assert ticket.alarm == OPENED + 90 * MINUTE
    assert ticket.looks(other, 70, timer=False) == ["sla_scheduled"]
    expected = OPENED + 10_000 * MINUTE if other is not None else None
    assert ticket.alarm == expected, "no moment that is past, and wakes it over and over"
    for after in (80, 90, 200):
        assert ticket.looks(other, after) == ticket.looks(other, after, timer=False) == []


def test_a_plan_with_that_step_goes_on():
    ticket, other = Ticket(STEEP), contract("other", 0, 45, 50, minutes=10_000)
    ticket.looks(other, 70, timer=False)
    assert ticket.alarm == OPENED + 90 * MINUTE, "when the old one said"
    assert ticket.looks(other, 120) == ["escalated", "escalated"]
    assert ticket.life.level == 3


def test_a_broken_promise_of_the_new_plan_begins_its_own_ladder():
    ticket, other = Ticket(STEEP), contract("strict", 0, minutes=80)
    ticket.looks(other, 70, timer=False)
    assert ticket.alarm == OPENED + 80 * MINUTE
    assert ticket.looks(other, 81) == ["sla_breached", "escalated"]
    assert ticket.alarm is None


def test_what_was_left_behind_once_ends_when_it_is_woken():
    """Tickets that went over to no plan before this was said are woken, and it is said."""
    ticket = Ticket(STEEP)
    ticket.happens(NewEvent("ledgerdesk.ticket.sla_scheduled", {"reason": "test", "clocks": []}))
    assert ticket.alarm == OPENED + 90 * MINUTE
    assert ticket.looks(None, 95) == ["sla_scheduled"]
    assert (ticket.alarm, ticket.looks(None, 96)) == (None, [])


@pytest.mark.parametrize("reviewed", [True, False])
def test_what_was_resolved_too_late_and_before_the_timer_looked_begins_no_ladder(reviewed):
    ticket = Ticket(STEEP, broken=False)
    ticket.is_resolved(61)
    if reviewed:
        assert ticket.looks(STEEP, 61, timer=False) == [], "it is left to the timer"
    assert ticket.looks(STEEP, 62) == ["sla_breached", "sla_met"]
    assert (ticket.life.level, ticket.alarm) == (0, None), "no moment that is past, and wakes it over and over"
    assert ticket.looks(STEEP, 200) == ticket.looks(STEEP, 200, timer=False) == []


def test_a_ladder_that_was_begun_for_what_was_resolved_already_ends_when_it_is_woken():
    """Of tickets from before that was seen to."""
    ticket = Ticket(STEEP, broken=False)
    ticket.is_resolved(61)
    due = rfc3339(OPENED + 60 * MINUTE)
    names = {"target": "resolution", "start": rfc3339(OPENED), "due": due}
    ticket.happens(NewEvent("ledgerdesk.ticket.sla_breached", {**names, "next_at": due}))
    assert ticket.alarm == OPENED + 60 * MINUTE
    assert ticket.looks(STEEP, 70) == ["sla_met", "sla_scheduled"]
    assert (ticket.alarm, ticket.looks(STEEP, 80)) == (None, [])


def test_a_second_broken_promise_goes_on_with_the_ladder_that_is_climbed():
    both = {"own": 70, "first_response": None, "next_update": None, "resolution": 60}
    under = Contract({**STEEP.plan, "targets": both}, ALWAYS)
    ticket = Ticket(under)
    assert ticket.looks(under, 75) == ["sla_breached"]
    assert ticket.alarm == OPENED + 90 * MINUTE, "counted from the first"
    assert ticket.looks(under, 90) == ["escalated"]
    assert ticket.life.level == 2
