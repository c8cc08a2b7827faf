"""Reporting's view: every ticket event with what it counts as, and every ticket."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.reporting import days
from services.reporting.domain import (
    Counts,
    Entry,
    Head,
    Place,
    Slots,
    Ticket,
    Written,
    count,
    entries_of,
    evolve,
    follows,
    initial,
    refold,
)
from shared.contracts.event import Event, rfc3339
from shared.contracts.topic_names import TICKETS
from shared.contracts.upcast import upcast
from shared.db import Connection
from shared.projection.model import told_apart

_ENTRY = (
    "ticket_id", "source", "version", "name", "occurred_at", "recorded_at", "at", "rank", "row_number", "log", "activity",
    "actor", "starts_command", "sets",
)  # fmt: skip
_COUNTS = Counts._fields
_TYPES = {
    "kind": "text", "counts_row": "bool", "counts_act": "bool", "reopened_from": "text", "department": "text",
    "topic": "text", "agent": "uuid", "priority": "text", "status": "text", "open_delta": "int2",
    "unresolved_delta": "int2", "on_hold_delta": "int2",
}  # fmt: skip
_TICKET = (
    "stream_id", "versions", "heads", "number", "topic", "stated_department", "asked_priority", "created_at", "moved", "moved_department", "agent", "status", "set_priority", "first_resolved_at", "first_closed_at", "reopened_from_resolved", "reopened_from_closed", "first_at", "last_at",
)  # fmt: skip


def _heads_as_json(heads: Mapping[str, Head]) -> dict[str, list[Any]]:
    return {source: [rfc3339(head.at), *head[1:]] for source, head in heads.items()}


def _heads_of(raw: Mapping[str, list[Any]]) -> dict[str, Head]:
    return {
        source: Head(datetime.fromisoformat(at), rank, log, top, actor, UUID(correlation))
        for source, (at, rank, log, top, actor, correlation) in raw.items()
    }


def _ticket_of(row: asyncpg.Record) -> Ticket:
    slots = Slots(
        row["created_at"] is not None, row["topic"], row["stated_department"], row["asked_priority"], row["moved"],
        row["moved_department"], row["agent"], row["status"], row["set_priority"],
    )  # fmt: skip
    return Ticket(
        row["stream_id"], row["versions"], row["number"], slots, row["created_at"], row["first_at"], row["last_at"],
        row["first_resolved_at"], row["first_closed_at"], row["reopened_from_resolved"], row["reopened_from_closed"],
        _heads_of(row["heads"]),
    )  # fmt: skip


def _by_ticket(events: Iterable[Event]) -> dict[UUID, list[Event]]:
    grouped: dict[UUID, list[Event]] = {}
    for event in events:
        grouped.setdefault(event.stream_id, []).append(event)
    return grouped


class ReportView:
    """Tables `ticket`, `entry` and `day_sum`. The rows are the same for any interleaving of the sources' events."""

    name = "reporting.ticket"
    topics = frozenset({TICKETS})
    table = "ticket"
    tables = ("ticket", "entry", "day_sum")
    effects = ()
    initial = staticmethod(initial)
    evolve = staticmethod(evolve)

    def wants(self, event_type: str) -> bool:
        """Whether it is a ticket's event."""
        return event_type.startswith("ledgerdesk.ticket.")

    async def load(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Ticket]:
        """Return the rows of those of these tickets that have one."""
        rows = await connection.fetch(f"SELECT {', '.join(_TICKET)} FROM ticket WHERE stream_id = ANY ($1)", ids)
        return {row["stream_id"]: _ticket_of(row) for row in rows}

    async def save(self, connection: Connection, rows: Mapping[UUID, Ticket], applied: Sequence[Event]) -> None:
        """Write tickets, and the entries of the events that brought them here.

        Events that stand after all that their ticket's timeline holds are folded onto it. Where one comes late (another
        source was faster), the ticket's entries are read back and folded anew, and those that count otherwise now are
        rewritten: the outcome does not depend on who was faster.
        """
        added, known = told_apart(rows, applied)
        before = await self.load(connection, [ticket.stream_id for ticket in known]) if known else {}
        late: dict[UUID, list[Entry]] = {}
        fresh: list[Written] = []
        changed: list[Written] = []
        for ticket_id, events in _by_ticket(applied).items():
            was = before.get(ticket_id) or initial(ticket_id)
            entries = entries_of(was, events)
            if follows(was, entries):
                fresh += zip(entries, count(was, entries, shown=rows[ticket_id].slots.created), strict=True)
            else:
                late[ticket_id] = entries
        stored = await _stored(connection, list(late))
        for ticket_id, entries in late.items():
            new, otherwise = refold(rows[ticket_id], stored[ticket_id], entries)
            fresh += new
            changed += otherwise
        await _insert(connection, fresh)
        await _rewrite(connection, changed)
        was_counted = [stored[entry.ticket_id][entry.place] for entry, _ in changed]
        await days.add(connection, [*fresh, *changed], was_counted)
        await _add(connection, added)
        await _update(connection, known)

    async def tend(self, connection: Connection) -> None:
        """Keep the sums by day few."""
        await days.draw_together(connection)

    async def audit_whole(self, connection: Connection) -> list[str]:
        """Hold what is summed over all tickets against their entries."""
        return await days.audit(connection)

    async def audit(self, connection: Connection, ids: Sequence[UUID], events: Sequence[Event]) -> list[str]:
        """Fold these tickets afresh and return how the tables differ, a line for each difference; both ways.

        Args:
            connection: Acts as the service, or may read its tables.
            ids: The tickets to look at.
            events: All their events up to their rows' versions, each owner's in order.
        """
        grouped = _by_ticket(upcast(event) for event in events)
        tickets = await self.load(connection, ids)
        stored = await _stored(connection, ids)
        found = []
        for ticket_id in ids:
            whole = initial(ticket_id)
            for event in grouped.get(ticket_id, []):
                whole = evolve(whole, event)
            row = tickets.get(ticket_id) or initial(ticket_id)
            found += [
                f"ticket {ticket_id}: {name} is {getattr(row, name)!r}, should be {getattr(whole, name)!r}"
                for name in Ticket._fields
                if getattr(row, name) != getattr(whole, name)
            ]
            entries = entries_of(initial(ticket_id), grouped.get(ticket_id, []))
            expected, _ = refold(whole, {}, entries)
            found += _differences(
                ticket_id, stored[ticket_id], {entry.place: (entry, counts) for entry, counts in expected}
            )
        return found


def _differences(ticket_id: UUID, have: dict[Place, Written], want: dict[Place, Written]) -> list[str]:
    """Return how a ticket's entries differ from what they should be."""
    found = []
    for place in sorted(have.keys() | want.keys()):
        label = f"entry {ticket_id} {place[0]}.{place[1]}"
        if place not in want:
            found.append(f"{label}: is there, should not be")
        elif place not in have:
            found.append(f"{label}: is missing")
        else:
            for names, is_, should in zip((_ENTRY, _COUNTS), have[place], want[place], strict=True):
                pairs = zip(names, is_, should, strict=True)
                found += [f"{label}: {name} is {a!r}, should be {b!r}" for name, a, b in pairs if a != b]
    return found


async def _stored(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, dict[Place, Written]]:
    """Return all entries of these tickets."""
    found: dict[UUID, dict[Place, Written]] = {ticket_id: {} for ticket_id in ids}
    if not ids:
        return found
    rows = await connection.fetch(f"SELECT {', '.join(_ENTRY + _COUNTS)} FROM entry WHERE ticket_id = ANY ($1)", ids)
    for row in rows:
        values = tuple(row)
        entry = Entry(*values[: len(_ENTRY)])
        found[entry.ticket_id][entry.place] = (entry, Counts(*values[len(_ENTRY) :]))
    return found


async def _insert(connection: Connection, written: Sequence[Written]) -> None:
    if written:
        await connection.copy_records_to_table(
            "entry", records=[entry + counts for entry, counts in written], columns=[*_ENTRY, *_COUNTS]
        )


async def _rewrite(connection: Connection, written: Sequence[Written]) -> None:
    if not written:
        return
    arrays = ", ".join(f"${i}::{_TYPES[name]}[]" for i, name in enumerate(_COUNTS, 4))
    entries = [entry for entry, _ in written]
    await connection.execute(
        f"""
        UPDATE entry e SET {", ".join(f"{name} = n.{name}" for name in _COUNTS)}
        FROM unnest($1::uuid[], $2::text[], $3::int[], {arrays}) AS n (ticket_id, source, version, {", ".join(_COUNTS)})
        WHERE e.ticket_id = n.ticket_id AND e.source = n.source AND e.version = n.version
        """,
        [e.ticket_id for e in entries], [e.source for e in entries], [e.version for e in entries],
        *map(list, zip(*(counts for _, counts in written), strict=True)),
    )  # fmt: skip


async def _add(connection: Connection, tickets: Sequence[Ticket]) -> None:
    if tickets:
        records = [
            (t.stream_id, t.versions, _heads_as_json(t.heads), t.number, t.slots.topic, t.slots.stated_department,
             t.slots.asked_priority, t.created_at, t.slots.moved, t.slots.moved_department, t.slots.agent, t.slots.status,
             t.slots.set_priority, t.first_resolved_at, t.first_closed_at, t.reopened_from_resolved, t.reopened_from_closed,
             t.first_at, t.last_at)
            for t in tickets
        ]  # fmt: skip
        await connection.copy_records_to_table("ticket", columns=_TICKET, records=records)


async def _update(connection: Connection, tickets: Sequence[Ticket]) -> None:
    if not tickets:
        return
    await connection.execute(
        f"""
        INSERT INTO ticket ({", ".join(_TICKET)})
        SELECT * FROM unnest($1::uuid[], $2::jsonb[], $3::jsonb[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::timestamptz[], $9::bool[], $10::text[], $11::uuid[], $12::text[], $13::text[], $14::timestamptz[],
            $15::timestamptz[], $16::int[], $17::int[], $18::timestamptz[], $19::timestamptz[])
        ON CONFLICT (stream_id) DO UPDATE SET versions = excluded.versions, heads = excluded.heads, number = excluded.number,
            topic = excluded.topic, stated_department = excluded.stated_department, asked_priority = excluded.asked_priority,
            created_at = excluded.created_at, moved = excluded.moved, moved_department = excluded.moved_department,
            agent = excluded.agent, status = excluded.status, set_priority = excluded.set_priority,
            first_resolved_at = excluded.first_resolved_at, first_closed_at = excluded.first_closed_at,
            reopened_from_resolved = excluded.reopened_from_resolved, reopened_from_closed = excluded.reopened_from_closed,
            first_at = excluded.first_at, last_at = excluded.last_at
        """,
        [t.stream_id for t in tickets], [t.versions for t in tickets],
        [_heads_as_json(t.heads) for t in tickets],
        [t.number for t in tickets], [t.slots.topic for t in tickets], [t.slots.stated_department for t in tickets],
        [t.slots.asked_priority for t in tickets], [t.created_at for t in tickets], [t.slots.moved for t in tickets],
        [t.slots.moved_department for t in tickets], [t.slots.agent for t in tickets], [t.slots.status for t in tickets],
        [t.slots.set_priority for t in tickets], [t.first_resolved_at for t in tickets],
        [t.first_closed_at for t in tickets], [t.reopened_from_resolved for t in tickets],
        [t.reopened_from_closed for t in tickets], [t.first_at for t in tickets], [t.last_at for t in tickets],
    )  # fmt: skip
