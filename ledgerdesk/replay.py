"""`ledgerdesk replay`: events of the stores onto a topic, again. Who knows them skips them by their versions.

For other systems that have lost something, or want the past in a topic of their own. Our views need no replay: they ask the
owners' feeds; nothing is reacted to twice.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from uuid import UUID

from shared import db
from shared.contracts.catalogue import CATALOGUE, OWNERS
from shared.contracts.event import Event, to_record
from shared.contracts.topic_names import TICKETS
from shared.eventstore.store import COLUMNS, PRIVATE, event_of
from shared.kafka import AIOKafkaProducer
from shared.service import producer_of
from shared.settings import Settings

PAGE = 1000
Say = Callable[[int, int], None]
"""Told (events sent, events in all)."""


class NoTopicError(RuntimeError):
    """The topic to replay into is not there; the message says so."""


async def replay(
    settings: Settings, stream_id: UUID | None, into: str | None = None, say: Say = lambda *_: None
) -> int:
    """Send events to their topics again, or tickets' events into another topic. Returns how many.

    Args:
        settings: Where database and brokers are.
        stream_id: One ticket; None for all.
        into: A topic that exists, for tickets' events alone; each event's own topic unless given.
        say: Shows progress.

    Raises:
        NoTopicError: There is no such topic.
    """
    producer = producer_of(settings)()
    await producer.start()
    try:
        if into is not None and into not in (await producer.client.fetch_all_metadata()).topics():
            raise NoTopicError(f"there is no topic {into}: make it first, with as many partitions as {TICKETS} has")
        total = sum([await _count(settings.database_url, owner, stream_id) for owner in OWNERS])
        done = 0
        for owner in OWNERS:
            async for events in _pages(settings.database_url, owner, stream_id):
                done += await _send(producer, events, into)
                say(done, total)
        return done
    finally:
        await producer.stop()


async def _count(dsn: str, owner: str, stream_id: UUID | None) -> int:
    connection = await db.connect(dsn, owner)
    try:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM event WHERE ($1::uuid IS NULL OR stream_id = $1) AND type <> ALL ($2)",
            stream_id,
            PRIVATE,
        )
        return count
    finally:
        await connection.close()


async def _pages(dsn: str, owner: str, stream_id: UUID | None) -> AsyncIterator[Sequence[Event]]:
    """Yield an owner's published events in position order, in pages."""
    connection = await db.connect(dsn, owner)
    try:
        after = 0
        while True:
            rows = await connection.fetch(
                f"SELECT {COLUMNS} FROM event WHERE position > $1 AND ($2::uuid IS NULL OR stream_id = $2) "
                f"AND type <> ALL ($3) ORDER BY position LIMIT {PAGE}",
                after, stream_id, PRIVATE,
            )  # fmt: skip
            if not rows:
                return
            after = rows[-1]["position"]
            yield [event_of(row, owner) for row in rows]
    finally:
        await connection.close()


async def _send(producer: AIOKafkaProducer, events: Sequence[Event], into: str | None) -> int:
    """Send a page and wait for every acknowledgement: what comes after must not overtake it."""
    waiting = []
    for event in events:
        topic = CATALOGUE[event.type].topic
        if topic is None or (into is not None and topic != TICKETS):
            continue
        key, value, headers = to_record(event)
        waiting.append(await producer.send(into or topic, value, key, headers=headers))
    await asyncio.gather(*waiting)
    return len(waiting)
