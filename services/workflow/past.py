"""A ticket as it was: its events up to a moment, folded by the view's own `evolve`. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
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


@dataclass(frozen=True, slots=True)
class Step:
    """A moment at which a ticket's timeline became another.

    Attributes:
        at: When.
        apart: Tickets that were part of it until then, and stand for themselves again (or moved on into another).
    """

    at: datetime
    apart: frozenset[UUID] = frozenset()


def steps_of(rows: Sequence[Row], ticket: UUID, shown: Collection[UUID], told: Collection[UUID]) -> list[Step]:
    """Return the steps of a ticket's history: where something was told in its timeline, was merged into it or came apart from it.

    They begin when it was opened: before, there is nothing to show.

    Args:
        rows: Of the ticket and of every ticket that was ever part of it.
        ticket: It.
        shown: The tickets of which the reader is shown something.
        told: The events that he is shown, where their ticket is part of it.
    """
    steps: list[Step] = []
    merging: list[Row] = []
    part, is_open = {ticket}, False
    when = itemgetter("ordered_at")
    for at, together in groupby(sorted(rows, key=when), key=when):
        happened, before = list(together), part
        merges = [row for row in happened if row["type"] in MERGING]
        if merges:
            merging += merges
            part = part_of(merging, ticket) & {ticket, *shown}
        is_open = is_open or any(row["type"] == "created" and row["ticket_id"] == ticket for row in happened)
        is_told = any(row["ticket_id"] in part and row["event_id"] in told for row in happened)
        if is_open and (is_told or part != before):
            steps.append(Step(at, frozenset(before - part)))
    return steps


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
