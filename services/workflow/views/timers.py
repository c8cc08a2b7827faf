"""When tickets are to be woken: table `timer`, which follows `wake_at` of their rows."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.workflow.views.row import TIMED, TicketRow
from shared.contracts.event import Event
from shared.db import Connection


async def follow(connection: Connection, rows: Mapping[UUID, TicketRow], applied: Sequence[Event]) -> None:
    """Set, move and take away the alarms of the tickets whose events may have changed them."""
    touched = {event.stream_id for event in applied if event.name in TIMED}
    waking = [(ticket, rows[ticket].wake_at) for ticket in touched if rows[ticket].wake_at is not None]
    asleep = [
        ticket
        for ticket in touched
        if rows[ticket].wake_at is None and sum(rows[ticket].versions.values()) > 1  # one that is just opened has none
    ]
    if asleep:
        await connection.execute("DELETE FROM timer WHERE ticket_id = ANY ($1)", asleep)
    if waking:
        await connection.execute(
            "INSERT INTO timer (ticket_id, at, try_at) SELECT n.ticket_id, n.at, n.at FROM unnest($1::uuid[], $2::timestamptz[]) "
            "AS n (ticket_id, at) ON CONFLICT (ticket_id) DO UPDATE SET at = excluded.at, try_at = excluded.try_at",
            *map(list, zip(*waking, strict=True)),
        )


async def audit_timers(connection: Connection, ids: Sequence[UUID]) -> list[str]:
    """Hold the alarms of these tickets against their rows; returns what differs."""
    rows = await connection.fetch(
        "SELECT stream_id, wake_at, at FROM ticket LEFT JOIN timer ON ticket_id = stream_id "
        "WHERE stream_id = ANY ($1) AND at IS DISTINCT FROM wake_at",
        ids,
    )
    return [f"the alarm of {row['stream_id']} is set for {row['at']}, and not for {row['wake_at']}" for row in rows]
