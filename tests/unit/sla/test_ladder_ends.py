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
from shared.contracts.event import NewEvent
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

    def __init__(self, under: Contract) -> None:
        self.life, self.row = domain.Life(), initial(TICKET)
        self.looks(under, 0, timer=False)
        assert self.looks(under, 60) == ["sla_breached", "escalated"]

    def looks(self, under: Contract | None, after: int, *, timer: bool = True) -> list[str]:
        """Look at it so many minutes after it was opened; returns what was said."""
        now, said = OPENED + after * MINUTE, []
        story = story_of([("created", OPENED, {})])
        for fact in sla.review(self.life, story, under, now, priority="normal", reason="test", timer=timer):
            check(fact, "workflow")
            self.happens(fact)
            said.append(fact.type.rpartition(".")[2])
        return said

    def happens(self, fact: NewEvent) -> None:
        event = event_of_fact(fact, "workflow", TICKET, self.life.version + 1)
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
