"""Parked events of a projection: looked at, folded once more, or given up; and events that could not be reacted to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from shared.contracts.event import Event, from_feed_line
from shared.db import Connection, Pool
from shared.projection import checkpoints
from shared.projection.projector import Projection

REACTION = "reaction"
"""Stands in the place of a view's name where an event was folded, but not reacted to."""


@dataclass(frozen=True, slots=True)
class Parked:
    """One event that a service has set aside.

    Attributes:
        view: The view's name, or `REACTION`.
        event: As in a feed: ``type``, ``stream_id``, ``source``, ``version``, ``data``, ``personal``, …
        reason: What went wrong.
        parked_at: When.
    """

    view: str
    event: dict[str, Any]
    reason: str
    parked_at: datetime


@dataclass(frozen=True, slots=True)
class Given:
    """One event that was given up: which, why it was parked, why it was given up, by whom and when."""

    view: str
    stream_id: UUID
    source: str
    version: int
    type: str
    reason: str
    why: str
    discarded_by: str
    discarded_at: datetime


async def listed(on: Pool | Connection, stream_id: UUID | None = None, limit: int | None = None) -> list[Parked]:
    """Return what a service has set aside, of one stream or of all, oldest first."""
    rows = await on.fetch(
        """
        SELECT view, event, reason, parked_at FROM projection_parked WHERE $2::uuid IS NULL OR stream_id = $2
        UNION ALL
        SELECT $1, event, reason, parked_at FROM reaction_parked WHERE $2 IS NULL OR event ->> 'stream_id' = $2::text
        ORDER BY parked_at LIMIT $3
        """,
        REACTION, stream_id, limit,
    )  # fmt: skip
    return [Parked(*row) for row in rows]


async def count(on: Pool | Connection) -> int:
    """Return how much a service has set aside."""
    return int(
        await on.fetchval("SELECT (SELECT count(*) FROM projection_parked) + (SELECT count(*) FROM reaction_parked)")
    )


async def given_up(on: Pool | Connection) -> list[Given]:
    """Return what was discarded in a service, oldest first."""
    rows = await on.fetch(
        """
        SELECT view, stream_id, source, version, type, reason, why, discarded_by, discarded_at FROM projection_discarded
        UNION ALL
        SELECT $1, stream_id, source, version, type, reason, why, discarded_by, discarded_at FROM reaction_discarded
        ORDER BY discarded_at
        """,
        REACTION,
    )
    return [Given(*row) for row in rows]


async def retry(projection: Projection, stream_id: UUID | None = None) -> int:
    """Fold what is parked (of one stream, or all) once more, oldest version first; what still fails stays.

    Returns:
        How many healed.
    """
    async with projection.pool.acquire() as connection, connection.transaction():
        await checkpoints.hold(connection, projection.name)
        return await _fold(projection, connection, stream_id)


async def react_again(on: Pool, stream_id: UUID | None = None) -> int:
    """Put what could not be reacted to, of one stream or of all, back into the inbox. Returns how many."""
    rows = await on.fetch(
        """
        WITH taken AS (
            DELETE FROM reaction_parked WHERE $1::text IS NULL OR event ->> 'stream_id' = $1 RETURNING id, event
        )
        INSERT INTO reaction_inbox (event) SELECT event FROM taken ORDER BY id RETURNING id
        """,
        str(stream_id) if stream_id else None,
    )
    return len(rows)


async def leave_undone(on: Pool, stream_id: UUID, why: str, by: str, events: Sequence[UUID] | None = None) -> int:
    """Give up the parked reactions to a stream's events, or to some of them. Returns how many."""
    rows = await on.fetch(
        """
        WITH taken AS (
            DELETE FROM reaction_parked
            WHERE event ->> 'stream_id' = $1 AND ($4::uuid[] IS NULL OR (event ->> 'event_id')::uuid = ANY ($4))
            RETURNING event, reason
        )
        INSERT INTO reaction_discarded (event_id, stream_id, source, version, type, reason, why, discarded_by)
        SELECT (event ->> 'event_id')::uuid, (event ->> 'stream_id')::uuid, event ->> 'source', (event ->> 'version')::int,
               event ->> 'type', reason, $2, $3
        FROM taken ON CONFLICT DO NOTHING RETURNING event_id
        """,
        str(stream_id), why, by, events,
    )  # fmt: skip
    return len(rows)


async def discard(
    projection: Projection,
    stream_id: UUID,
    why: str,
    by: str,
    *,
    every: bool = False,
    events: Sequence[UUID] | None = None,
) -> tuple[int, int]:
    """Give up what is parked of a stream: views pass over it from now on. What waited behind it is folded.

    Args:
        projection: Whose views.
        stream_id: The stream.
        why: Kept with each event that is given up, and
        by: who did it.
        every: All that is parked; otherwise of each view and owner the first, which holds up the others.
        events: These and no others, wherever they are parked: what somebody has looked at. Then `every` says nothing.

    Returns:
        How many were given up, and how many of the others are folded now.
    """
    async with projection.pool.acquire() as connection, connection.transaction():
        await checkpoints.hold(connection, projection.name)
        first = "" if every or events is not None else "DISTINCT ON (view, source)"
        rows = await connection.fetch(
            f"""
            INSERT INTO projection_discarded (view, stream_id, source, version, event_id, type, reason, why, discarded_by)
            SELECT {first} view, stream_id, source, version, (event ->> 'event_id')::uuid, event ->> 'type', reason, $3, $4
            FROM projection_parked WHERE view = ANY ($1) AND stream_id = $2
            AND ($5::uuid[] IS NULL OR (event ->> 'event_id')::uuid = ANY ($5)) ORDER BY view, source, version
            ON CONFLICT DO NOTHING RETURNING view
            """,
            [model.name for model in projection.models], stream_id, why, by, events,
        )  # fmt: skip
        passed = await _fold(projection, connection, stream_id) if rows else 0
        return len(rows), passed - len(rows)


async def _fold(projection: Projection, connection: Connection, stream_id: UUID | None) -> int:
    """Take what is parked and fold it, oldest version first; returns how many are parked no more."""
    names = [model.name for model in projection.models]
    before = await connection.fetch(
        """
        DELETE FROM projection_parked WHERE view = ANY ($1) AND ($2::uuid IS NULL OR stream_id = $2)
        RETURNING view, stream_id, source, version, event
        """,
        names, stream_id,
    )  # fmt: skip
    ordered = sorted(before, key=lambda row: (str(row["stream_id"]), row["source"], row["version"]))
    seen: dict[UUID, Event] = {}
    for row in ordered:
        event = from_feed_line(orjson.dumps(row["event"]))
        seen[event.event_id] = event
    await projection.fold_into(connection, list(seen.values()))
    left = await connection.fetchval(
        "SELECT count(*) FROM projection_parked WHERE view = ANY ($1) AND ($2::uuid IS NULL OR stream_id = $2)",
        names, stream_id,
    )  # fmt: skip
    return len(before) - int(left)
