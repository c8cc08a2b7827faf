"""The timeline of a ticket with what is merged into it: as it is now, and with all that was ever merged, for the past."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from shared.db import Pool
from shared.http.rights import Caller
from shared.http.tickets import ORGANISATION

_ROWS = """
SELECT o.*, max(coalesce(row_number, 0)) OVER (PARTITION BY ticket_id, source, ordered_at ORDER BY version) AS rank
FROM (SELECT t.*, max(at) OVER (PARTITION BY ticket_id, source ORDER BY version) AS ordered_at
      FROM timeline t JOIN part USING (ticket_id)) o
ORDER BY ordered_at, rank, source, version, ticket_id
"""
_NOW = f"""
WITH RECURSIVE part (ticket_id) AS (
    SELECT $1::uuid
    UNION SELECT m.stream_id FROM ticket m JOIN part p ON m.merged_into = p.ticket_id
    WHERE $2::uuid IS NULL OR m.requester_id = $2
) {_ROWS}
"""
"""Of a ticket and all that is merged into it; to a requester, of his own."""
_OF = f"WITH part (ticket_id) AS (SELECT unnest($1::uuid[])) {_ROWS}"
_EVER = f"""
WITH RECURSIVE part (ticket_id) AS (
    SELECT $1::uuid
    UNION SELECT m.ticket_id FROM part p JOIN timeline m ON m.type = 'merged' AND m.data ->> 'into' = p.ticket_id::text
    JOIN ticket o ON o.stream_id = m.ticket_id AND ($2::uuid IS NULL OR o.requester_id = $2)
)
SELECT t.*, {ORGANISATION} FROM part JOIN ticket t ON t.stream_id = part.ticket_id
"""
"""A ticket and all that is merged into it, or was once; likewise."""


async def rows_now(pool: Pool, row: asyncpg.Record, *, full: bool) -> list[asyncpg.Record]:
    """Return the entries of a ticket's timeline, oldest first; `full` for who sees all that is in it."""
    rows: list[asyncpg.Record] = await pool.fetch(_NOW, row["stream_id"], None if full else row["requester_id"])
    return rows


async def rows_ever(
    pool: Pool, row: asyncpg.Record, caller: Caller, *, full: bool
) -> tuple[list[asyncpg.Record], dict[UUID, str]]:
    """Return the entries of a ticket and of every ticket that was ever part of it, oldest first; and which of these to show: id to number.

    What is merged into it now is shown with it, as its timeline shows it without `at`. What was, and stands for itself again, is
    shown to who may see it today: of who sees the ticket inside, to who sees the other one inside, too.
    """
    tickets = await pool.fetch(_EVER, row["stream_id"], None if full else row["requester_id"])
    now = _reaching(tickets, row["stream_id"])
    sees = caller.sees_inside if full else caller.sees
    shown = {one["stream_id"]: one["number"] for one in tickets if one["stream_id"] in now or sees(one)}
    rows: list[asyncpg.Record] = await pool.fetch(_OF, [one["stream_id"] for one in tickets])
    return rows, shown


def _reaching(tickets: Sequence[asyncpg.Record], ticket: UUID) -> set[UUID]:
    """Return which of the tickets are merged into this one now, by whatever way, and itself."""
    found = {ticket}
    while more := {one["stream_id"] for one in tickets if one["merged_into"] in found} - found:
        found |= more
    return found
