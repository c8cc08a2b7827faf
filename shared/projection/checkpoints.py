"""How far a consumer has come, per log incarnation and partition, kept beside what it has written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.contracts.catalogue import CATALOGUE, EVERY
from shared.db import Connection

Place = tuple[str, int]
"""(topic, partition)"""


class CheckpointLostError(RuntimeError):
    """The checkpoint is not where this consumer left it: what is in flight must be dropped, and the place looked up anew.

    Another consumer has moved it, or moved on to a newer incarnation of the log, or the database went back in time.
    """


@dataclass(slots=True)
class Checkpoint:
    """Where one partition stands: the offset to read next, and what each owner's watermark says is before it."""

    next_offset: int
    watermarks: dict[str, dict[str, Any]] = field(default_factory=dict)


def places(topics: Iterable[str], partitions: dict[str, int]) -> list[Place]:
    """Return every partition of these topics."""
    return [(topic, number) for topic in sorted(topics) for number in range(partitions[topic])]


def publishers(topics: Iterable[str]) -> list[str]:
    """Return the owners that publish to these topics."""
    wanted = set(topics)
    return sorted({spec.owner for spec in CATALOGUE.values() if spec.topic in wanted} - {EVERY})


def topics_read(owner: str, topics: Iterable[str]) -> list[str]:
    """Return those of these topics that the owner publishes to."""
    return sorted({s.topic for s in CATALOGUE.values() if s.owner == owner and s.topic and s.topic in set(topics)})


def floor(checkpoints: dict[Place, Checkpoint], topics: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return, per owner, the least watermark over the partitions it publishes to: all up to there has been applied."""
    least: dict[str, dict[str, Any]] = {}
    for owner in publishers(topics):
        mine = set(topics_read(owner, topics))
        marks = [c.watermarks.get(owner) for (topic, _), c in checkpoints.items() if topic in mine]
        found = [mark for mark in marks if mark is not None]
        if found and len(found) == len(marks):
            least[owner] = min(found, key=lambda mark: int(mark["position"]))
    return least


async def load(connection: Connection, consumer: str) -> dict[str, dict[Place, Checkpoint]]:
    """Return a consumer's checkpoints of every incarnation it remembers."""
    rows = await connection.fetch(
        "SELECT incarnation, topic, partition, next_offset, watermarks FROM projection_checkpoint WHERE consumer = $1",
        consumer,
    )
    found: dict[str, dict[Place, Checkpoint]] = {}
    for row in rows:
        place = (row["topic"], row["partition"])
        found.setdefault(row["incarnation"], {})[place] = Checkpoint(row["next_offset"], row["watermarks"])
    return found


async def lock(
    connection: Connection, consumer: str, incarnation: str, wanted: Sequence[Place]
) -> tuple[dict[Place, Checkpoint], bool]:
    """Lock and return these checkpoints until the transaction ends; a zombie waits here and then finds its work done.

    With them it says whether any event was parked or discarded when that began: every batch asks, and mostly none was.

    Raises:
        CheckpointLostError: One of them is gone.
    """
    rows = await connection.fetch(
        """
        SELECT topic, partition, next_offset, watermarks,
            EXISTS (SELECT FROM projection_parked) OR EXISTS (SELECT FROM projection_discarded) AS aside
        FROM projection_checkpoint WHERE consumer = $1 AND incarnation = $2 AND (topic, partition) IN (SELECT * FROM unnest($3::text[], $4::int[]))
        ORDER BY topic, partition FOR UPDATE
        """,
        consumer, incarnation, [topic for topic, _ in wanted], [number for _, number in wanted],
    )  # fmt: skip
    if len(rows) != len(wanted):
        raise CheckpointLostError(f"{consumer}: the log {incarnation} is not the one that is being followed any more")
    found = {(r["topic"], r["partition"]): Checkpoint(r["next_offset"], r["watermarks"]) for r in rows}
    return found, any(r["aside"] for r in rows)


async def hold(connection: Connection, consumer: str) -> None:
    """Keep every batch of a consumer out until the transaction ends.

    Whoever folds outside a batch (a repair, a retry, catching up) must: two that load the same row and save it one after the
    other would lose what the first has written.
    """
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('ledgerdesk.projection.' || current_schema() || '.' || $1, 0))",
        consumer,
    )
    await connection.execute(
        "SELECT 1 FROM projection_checkpoint WHERE consumer = $1 ORDER BY topic, partition FOR UPDATE", consumer
    )


async def move(
    connection: Connection, consumer: str, incarnation: str, before: dict[Place, int], after: dict[Place, Checkpoint]
) -> None:
    """Move checkpoints by compare-and-set.

    Raises:
        CheckpointLostError: One of them stands elsewhere than `before` says.
    """
    status = await connection.execute(
        """
        UPDATE projection_checkpoint c SET next_offset = n.next_offset, watermarks = n.watermarks
        FROM unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::jsonb[])
             AS n (topic, partition, old_offset, next_offset, watermarks)
        WHERE c.consumer = $1 AND c.incarnation = $2 AND c.topic = n.topic AND c.partition = n.partition
          AND c.next_offset = n.old_offset
        """,
        consumer, incarnation, [topic for topic, _ in after], [number for _, number in after],
        [before[place] for place in after], [c.next_offset for c in after.values()],
        [c.watermarks for c in after.values()],
    )  # fmt: skip
    if status != f"UPDATE {len(after)}":
        raise CheckpointLostError(f"{consumer}: somebody else has moved the checkpoint")


async def begin(
    connection: Connection,
    consumer: str,
    incarnation: str,
    wanted: Sequence[Place],
    watermarks: dict[str, dict[str, Any]],
) -> None:
    """Start following an incarnation of the log from its beginning, knowing everything up to `watermarks`."""  # fmt: skip
    async with connection.transaction():
        await connection.execute("DELETE FROM projection_checkpoint WHERE consumer = $1", consumer)
        await connection.executemany(
            "INSERT INTO projection_checkpoint VALUES ($1, $2, $3, $4, 0, $5)",
            [(consumer, incarnation, topic, number, watermarks) for topic, number in wanted],
        )
