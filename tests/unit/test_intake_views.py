"""Intake's view of tickets: since when one is closed, whatever it is merged into meanwhile."""

from datetime import timedelta
from uuid import UUID

from services.intake.views import TicketView
from shared.contracts.event import NewEvent
from shared.testing.events import NOON, event_of_fact

TICKET, OTHER = UUID(int=1), str(UUID(int=2))
CLOSED, MERGED = ("closed", {}), ("merged", {"into": OTHER, "previous": "closed"})


def unmerged(status: str) -> tuple[str, dict[str, str]]:
    return "unmerged", {"into": OTHER, "status": status}


def after(*facts: tuple[str, dict[str, str]]):
    """Return (since which second it is closed, what it is merged into), one fact a second."""
    view = TicketView()
    state = view.initial(TICKET)
    for version, (name, data) in enumerate(facts, 1):
        state = view.evolve(
            state, event_of_fact(NewEvent(f"ledgerdesk.ticket.{name}", data), "workflow", TICKET, version)
        )
    closed = (state.closed_at - NOON) // timedelta(seconds=1) if state.closed_at else None
    return closed, state.merged_into


def test_it_is_closed_until_it_is_reopened():
    assert after(CLOSED) == (1, None)
    assert after(CLOSED, ("reopened", {})) == (None, None)


def test_a_merge_does_not_make_it_forget_since_when():
    assert after(CLOSED, MERGED) == (1, UUID(OTHER))
    assert after(CLOSED, MERGED, unmerged("closed")) == (1, None)
    assert after(CLOSED, MERGED, unmerged("open")) == (None, None)
    assert after(("merged", {"into": OTHER, "previous": "open"}), unmerged("closed")) == (2, None), "as imports may say"
