"""A ticket as it was: its events up to a moment, folded by the view's own `evolve`. Pure."""

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from services.workflow.views.row import COLUMNS, TicketRow, evolve, initial
from services.workflow.views.timeline import event_of

Row = Any
"""A row of table `timeline`, with `ordered_at`: the largest `at` of its owner's events up to it."""
MERGING = frozenset({"merged", "unmerged"})
"""What a ticket's owner says of it: each later one makes the earlier one void."""


def until(rows: Sequence[Row], at: datetime | None) -> list[Row]:
    """Return what had happened by a moment: of each owner a beginning of its events, whatever an imported log says of times."""
    return [row for row in rows if at is None or row["ordered_at"] <= at]


def part_of(rows: Sequence[Row], ticket: UUID) -> set[UUID]:
    """Return the tickets that are merged into this one after these rows, by whatever way, and itself.

    Each ticket's last word counts: into which one it was merged, or that it stands for itself again.
    """
    into: dict[UUID, UUID | None] = {}
    for row in sorted((row for row in rows if row["type"] in MERGING), key=itemgetter("version")):
        into[row["ticket_id"]] = UUID(row["data"]["into"]) if row["type"] == "merged" else None
    found = {ticket}
    while more := {one for one, other in into.items() if other in found} - found:
        found |= more
    return found


def folded(ticket: UUID, rows: Sequence[Row]) -> TicketRow:
    """Return the ticket's row after these events of it."""
    state = initial(ticket)
    for row in sorted(rows, key=lambda one: (one["source"], one["version"])):
        state = evolve(state, event_of(row))
    return state


def row_of(state: TicketRow) -> dict[str, Any]:
    """Return a row as the table has it, with the columns that PostgreSQL derives (see migrations/0001_workflow.sql)."""
    return {
        **dict(zip(COLUMNS, state, strict=True)), "priority": state.set_priority or state.asked_priority or "normal",
        "severity": state.set_severity or state.asked_severity,
        "department": state.moved_department if state.moved else state.stated_department,
    }  # fmt: skip
