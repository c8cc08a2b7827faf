"""A ticket's timeline, and what each event on it counts as in the reports. Pure.

A ticket's events come from several stores in any interleaving. They are put into *timeline order*: by the largest
``occurred_at`` so far in their stream (per ticket and source), the imported row's number if any (the largest so far at that
time), the source, the version: so each source's events keep their own order.
Folding them in that order gives every event its `Counts`: department, topic, agent, priority and status as they stood just
after it, and what it adds to each report. Total: any fact in any state; what changes nothing counts as nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.reporting.domain.ticket import (
    AWAY,
    NO_WORK,
    SEVERAL,
    Slots,
    Ticket,
    advance,
    as_uuid,
    initial,
    kind_of,
    name_of,
    reopened_from,
    sets_of,
    step,
)
from shared.contracts.event import Event

Place = tuple[str, int]
"""(source, version)"""


class Entry(NamedTuple):
    """One event on a ticket's timeline: what it says by itself, which nothing that comes later changes.

    Attributes:
        at: Its time on the timeline: the largest `occurred_at` so far in its stream.
        rank: Its place among what has the same time: the largest imported row so far in its stream, 0 for none.
        row, log: The imported row it states, 0 and None for what happened here.
        activity: The row's own word for what happened; the event's name where it happened here.
        actor: The person who did it, if it was one (of an imported event, the log's).
        starts_command: First event of a command; never of a reaction, which is not the person's act.
        sets: See `sets_of`.
    """

    ticket_id: UUID
    source: str
    version: int
    name: str
    occurred_at: datetime
    recorded_at: datetime
    at: datetime
    rank: int
    row: int
    log: str | None
    activity: str
    actor: UUID | None
    starts_command: bool
    sets: dict[str, Any] | None

    @property
    def place(self) -> Place:
        """Its name within its ticket."""
        return (self.source, self.version)

    @property
    def key(self) -> tuple[datetime, int, str, int]:
        """Its place on the timeline."""
        return (self.at, self.rank, self.source, self.version)


class Counts(NamedTuple):
    """What an entry adds to the reports, and the ticket just after it.

    Attributes:
        kind: What it counts as; None: as nothing but an entry of the timeline.
        counts_row: It counts as an activity: one per row of a log, one per event of our own.
        counts_act: It counts as an act of its actor: one per row of a log, one per command of our own.
        reopened_from: See `reopened_from`.
        status: None before the ticket's creation.
        open_delta, unresolved_delta, on_hold_delta: Change of the number of such tickets, -1 to 1.
    """

    kind: str | None
    counts_row: bool
    counts_act: bool
    reopened_from: str | None
    department: str | None
    topic: str | None
    agent: UUID | None
    priority: str
    status: str | None
    open_delta: int
    unresolved_delta: int
    on_hold_delta: int


def entries_of(before: Ticket, events: Iterable[Event]) -> list[Entry]:
    """Return the entries of events that follow on a row, in timeline order.

    Args:
        before: The row before them.
        events: Of this ticket; each owner's in its order.
    """
    heads = dict(before.heads)
    entries = []
    for event in events:
        head = heads.get(event.source)
        now = heads[event.source] = advance(head, event)
        origin, actor = event.origin or {}, event.actor
        person = actor.get("id") if actor.get("kind") == "person" else None
        repeated = head is not None and (head.actor, head.correlation) == (now.actor, now.correlation)
        entry = Entry(
            event.stream_id, event.source, event.version, name_of(event), event.occurred_at, event.recorded_at, now.at,
            now.rank, int(origin.get("row") or 0), origin.get("log"), str(origin.get("activity") or name_of(event)),
            as_uuid(origin.get("actor") or person), not repeated and event.via.get("kind") != "reaction", sets_of(event),
        )  # fmt: skip
        entries.append(entry)
    entries.sort(key=lambda entry: entry.key)
    return entries


def follows(before: Ticket, entries: Sequence[Entry]) -> bool:
    """Whether these entries (in timeline order) can be folded onto the row as it is.

    They must stand after all that was folded, the creation must be known (nothing counts before it), and which rows of the
    log were counted must be plain from the largest one: otherwise the ticket's whole timeline is folded again.
    """
    if not before.heads:
        return True
    if not before.slots.created:
        return False
    last = max((head.at, head.rank, source, before.versions[source]) for source, head in before.heads.items())
    if entries[0].key <= last:
        return False
    top = max(head.top for head in before.heads.values())
    logs = {head.log for head in before.heads.values()} | {entry.log for entry in entries}
    return SEVERAL not in logs and len(logs - {None}) <= 1 and all(entry.row >= top for entry in entries if entry.log)


def _standing(slots: Slots) -> tuple[int, int, int]:
    """Return whether the ticket is open, unresolved, on hold: 0 or 1 each."""
    if not slots.created:
        return (0, 0, 0)
    gone = slots.status in {"closed", "merged"}
    return (int(not gone), int(slots.status not in AWAY), int(slots.status == "on_hold"))


def count(before: Ticket, entries: Sequence[Entry], *, shown: bool) -> list[Counts]:
    """Fold entries, in timeline order, onto a row, and return what each counts as.

    Args:
        before: The row they follow on; the initial one for a ticket's whole timeline.
        entries: See `entries_of` and `follows`.
        shown: Whether the ticket's creation is known, be it among these: a ticket without is in no report.
    """
    slots, was = before.slots, _standing(before.slots)
    rows = {(head.log, head.top) for head in before.heads.values() if head.log}
    result = []
    for entry in entries:
        after = step(slots, entry.name, entry.sets)
        kind = kind_of(entry.name, slots, after) if shown else None
        left = reopened_from(slots, after) if shown else None
        counts_row = shown and entry.name != NO_WORK
        counts_act = counts_row and entry.starts_command
        if entry.log is not None:
            counts_row = counts_act = shown and (entry.log, entry.row) not in rows
            rows.add((entry.log, entry.row))
        now = was if after is slots else _standing(after)
        counts = Counts(
            kind, counts_row, counts_act, left, after.department, after.topic, after.agent, after.priority,
            after.status if after.created else None, now[0] - was[0], now[1] - was[1], now[2] - was[2],
        )  # fmt: skip
        result.append(counts)
        slots, was = after, now
    return result


Written = tuple[Entry, Counts]


def refold(
    ticket: Ticket, known: Mapping[Place, Written], late: Iterable[Entry]
) -> tuple[list[Written], list[Written]]:
    """Fold a ticket's whole timeline anew.

    Args:
        ticket: Its row after all of it.
        known: What was written of it before.
        late: Entries that came since, at any place of the timeline.

    Returns:
        What is new, and what is known and counts otherwise now.
    """
    ordered = sorted([*(entry for entry, _ in known.values()), *late], key=lambda entry: entry.key)
    written = list(zip(ordered, count(initial(ticket.stream_id), ordered, shown=ticket.slots.created), strict=True))
    new = [(entry, counts) for entry, counts in written if entry.place not in known]
    return new, [(e, c) for e, c in written if e.place in known and known[e.place][1] != c]
