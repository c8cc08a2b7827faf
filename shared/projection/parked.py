"""Parked events of a projection: folded once more, or given up."""

from uuid import UUID

import orjson

from shared.contracts.event import Event, from_feed_line
from shared.db import Connection
from shared.projection import checkpoints
from shared.projection.projector import Projection


async def retry(projection: Projection, stream_id: UUID | None = None) -> int:
    """Fold what is parked (of one stream, or all) once more, oldest version first; what still fails stays.

    Returns:
        How many healed.
    """
    async with projection.pool.acquire() as connection, connection.transaction():
        await checkpoints.hold(connection, projection.name)
        return await _fold(projection, connection, stream_id)


async def discard(
    projection: Projection, stream_id: UUID, why: str, by: str, *, every: bool = False
) -> tuple[int, int]:
    """Give up what is parked of a stream: views pass over it from now on. What waited behind it is folded.

    Args:
        projection: Whose views.
        stream_id: The stream.
        why: Kept with each event that is given up, and
        by: who did it.
        every: All that is parked; otherwise of each view and owner the first, which holds up the others.

    Returns:
        How many were given up, and how many of the others are folded now.
    """
    async with projection.pool.acquire() as connection, connection.transaction():
        await checkpoints.hold(connection, projection.name)
        first = "" if every else "DISTINCT ON (view, source)"
        rows = await connection.fetch(
            f"""
            INSERT INTO projection_discarded (view, stream_id, source, version, event_id, type, reason, why, discarded_by)
            SELECT {first} view, stream_id, source, version, (event ->> 'event_id')::uuid, event ->> 'type', reason, $3, $4
            FROM projection_parked WHERE view = ANY ($1) AND stream_id = $2 ORDER BY view, source, version
            ON CONFLICT DO NOTHING RETURNING view
            """,
            [model.name for model in projection.models], stream_id, why, by,
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
