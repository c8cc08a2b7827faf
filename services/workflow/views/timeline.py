"""The timeline: every event of every ticket, as people read them. The thread is the part of it that has words."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from shared.contracts.erasing import erased, named
from shared.contracts.event import Event
from shared.contracts.public import is_public
from shared.db import Connection


async def audit_timeline(connection: Connection, ids: Sequence[UUID], events: Sequence[Event]) -> list[str]:
    """Hold the timeline of these tickets against their events, both ways; returns what differs."""
    rows = await connection.fetch(
        "SELECT ticket_id, source, version, event_id, type, at, data, personal FROM timeline WHERE ticket_id = ANY ($1)",
        ids,
    )
    stored = {(r["ticket_id"], r["source"], r["version"]): r for r in rows}
    blank = {(event.stream_id, *place) for event in events for place in erased([event])}
    found = []
    for event in events:
        personal = None if (event.stream_id, event.source, event.version) in blank else event.personal
        row = stored.pop((event.stream_id, event.source, event.version), None)
        if row is None:
            found.append(f"the timeline of {event.stream_id} lacks {event.source} {event.version}")
        elif (row["event_id"], row["type"], row["at"], row["data"], row["personal"]) != (
            event.event_id, event.name, event.occurred_at, event.data, personal,
        ):  # fmt: skip
            found.append(f"the timeline of {event.stream_id} says something else of {event.source} {event.version}")
    return found + [f"the timeline of {t} has {s} {v}, which no store holds" for t, s, v in stored]


_TIMELINE = (
    "ticket_id", "source", "version", "event_id", "type", "at", "recorded_at", "row_number", "actor", "via", "cause", "data",
    "personal", "public",
)  # fmt: skip


async def add(connection: Connection, events: Sequence[Event]) -> None:
    """Write entries."""
    await connection.copy_records_to_table(
        "timeline", columns=_TIMELINE,
        records=[
            (e.stream_id, e.source, e.version, e.event_id, e.name, e.occurred_at, e.recorded_at,
             (e.origin or {}).get("row"), e.actor, e.via, e.cause, e.data, e.personal, is_public(e))
            for e in events
        ],
    )  # fmt: skip


async def blank(connection: Connection, events: Sequence[Event]) -> None:
    """Blank the entries that these events say are blank."""
    places = [(event.stream_id, event.source, version) for event in events for version in named(event)]
    if places:
        await connection.execute(
            """
            UPDATE timeline t SET personal = NULL
            FROM unnest($1::uuid[], $2::text[], $3::int[]) AS n (ticket_id, source, version)
            WHERE (t.ticket_id, t.source, t.version) = (n.ticket_id, n.source, n.version)
            """,
            *([place[n] for place in places] for n in range(3)),
        )


def event_of(row: Any) -> Event:
    """Return a timeline's row as the event that it was made of; what was erased since is blank."""
    return Event(
        event_id=row["event_id"], type=f"ledgerdesk.ticket.{row['type']}", schema_version=1, source=row["source"],
        stream_id=row["ticket_id"], version=row["version"], position=0, data=row["data"], personal=row["personal"], actor=row["actor"],
        via=row["via"], cause=row["cause"], correlation=row["event_id"], occurred_at=row["at"], recorded_at=row["recorded_at"],
    )  # fmt: skip
