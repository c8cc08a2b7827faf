"""The relay: what an owner's store holds goes to Kafka, in position order, at least once.

One is active per owner: it holds a session advisory lock on a connection of its own, and the cursor is moved on that
same connection by compare-and-set. Losing the connection loses the lock, so sending stops at once and a standby takes
over. A page is sent as one batch per partition and awaited whole before the cursor moves; never is a second batch
queued behind one that is not acknowledged, because the client would send it after a failure of the first, and the
order of a ticket would be lost.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

import structlog
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from shared import failpoints
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.event import Event, to_record, watermark_record
from shared.contracts.topic_names import PARTITIONS
from shared.db import LOST_CONNECTION, Connection, OwnConnection
from shared.eventstore.store import COLUMNS, event_of
from shared.incarnation import LogNotReadyError
from shared.kafka import AIOKafkaProducer
from shared.topics import RETENTION_MS

PAGE = 1000
RETENTION = timedelta(milliseconds=RETENTION_MS)
BATCH_BYTES = 900_000
PAUSE = 0.005
PAUSE_WHEN_BUSY = 0.015
BUSY = 250.0
"""Events a second above which a page is waited for longer: it costs everybody behind it, however little it holds."""
RATE_OVER = 0.25
"""Seconds over which events a second are counted. By the events of the last page it would swing: short pages keep the pauses short."""
BUSY_POLL = 0.02
IDLE_POLL = 0.25
WATERMARK_EVERY = 1.0
WATERMARK_WHEN_DRAINED = 0.25
"""Seconds between watermarks, while there is more to send and when all is sent: then readers are waiting for it."""

_partitioner = DefaultPartitioner()
log = structlog.get_logger("relay")


LOOK_AT_LOG_EVERY = 1.0
"""Seconds between two looks at which log there is."""


class CursorMovedError(RuntimeError):
    """Somebody else moved the cursor: this relay is no longer the active one."""


class AnotherLogError(RuntimeError):
    """The topics were made anew: what was sent to the old ones is gone, and is sent again."""


class LogWatch(Protocol):
    """Says which log there is; see `shared.incarnation`."""

    async def current(self) -> str:
        """Return its name."""
        ...

    async def close(self) -> None:
        """Close the connection."""
        ...


def topics_of(owner: str) -> list[str]:
    """Return the topics an owner publishes to."""
    return sorted({spec.topic for spec in CATALOGUE.values() if spec.owner == owner and spec.topic})


@lru_cache(maxsize=50_000)
def partition_of(key: bytes, topic: str) -> int:
    """Return the partition of a key: the same that any Kafka client's keyed send would choose."""
    partitions = list(range(PARTITIONS[topic]))
    chosen: int = _partitioner(key, partitions, partitions)
    return chosen


class Relay:
    """Publishes one owner's events.

    Args:
        owner: Whose.
        connect: Opens a connection of its own as the owner (never one from a pool).
        producer: Makes a producer, not started; one is made anew after every error.
        appended: Set when something was appended in this process.
        watch: Names the log there is; None where a broker's log is empty after every start, and its consumers do not mind.
    """

    def __init__(
        self, owner: str, connect: Callable[[], Awaitable[OwnConnection]], producer: Callable[[], AIOKafkaProducer],
        appended: asyncio.Event, watch: LogWatch | None = None,
    ) -> None:  # fmt: skip
        self.owner = owner
        self.active = False
        self.position = 0
        self._connect = connect
        self._new_producer = producer
        self._appended = appended
        self._watch = watch
        self._log = ""
        self._looked = 0.0
        self._task: asyncio.Task[None] | None = None
        self._topics = topics_of(owner)
        self._watermarked = 0.0
        self._watermark_due = True
        self._rate = 0.0
        self._counted = 0.0

    def start(self) -> None:
        """Begin to relay in the running event loop."""
        self._task = asyncio.create_task(self._run(), name=f"relay-{self.owner}")

    async def stop(self) -> None:
        """Stop sending. What was not acknowledged is sent again by the next relay."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._watch is not None:
            await self._watch.close()

    async def _run(self) -> None:
        while True:
            try:
                await self._reign()
            except (*LOST_CONNECTION, KafkaError, CursorMovedError, AnotherLogError, LogNotReadyError) as error:
                await log.awarning("relay interrupted", owner=self.owner, error=repr(error))
            except Exception:  # a relay that ended here would stop an owner's events for ever, unnoticed
                await log.aexception("relay failed", owner=self.owner)
            finally:
                self.active = False
            await asyncio.sleep(0.2)

    async def _reign(self) -> None:
        """Hold the lock and send until something breaks."""
        connection = await self._connect()
        try:
            lock = f"ledgerdesk.relay.{self.owner}"
            while not await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", lock):
                await asyncio.sleep(0.25)
            # The page query, planned while the table was empty, would stay a sequential scan.
            await connection.execute("SET enable_seqscan = off")
            producer = self._new_producer()
            try:
                await producer.start()
                await self._begin_anew_on_another_log(connection)
                await self._send_pages(connection, producer)
            finally:
                await _abandon(producer)
        finally:
            connection.terminate()

    async def _begin_anew_on_another_log(self, connection: Connection) -> None:
        """Put the cursor back if the log is not the one it speaks of: to the first event that such a log would still hold.

        Consumers of ours skip what they know by its version; others find there what they would have found.
        """
        if self._watch is None:
            return
        self._log, self._looked = await self._watch.current(), asyncio.get_running_loop().time()
        known = await connection.fetchval("SELECT log FROM relay_cursor WHERE name = 'kafka'")
        if known == self._log:
            return
        first = (
            0
            if known is None
            else await connection.fetchval(
                "SELECT coalesce(max(position), 0) FROM event WHERE recorded_at < now() - $1::interval", RETENTION
            )
        )
        await connection.execute(
            "UPDATE relay_cursor SET log = $1, position = CASE WHEN log IS NULL THEN position ELSE $2 END WHERE name = 'kafka'",
            self._log, first,
        )  # fmt: skip
        if known is not None:
            await log.awarning("log was made anew, publishing again", owner=self.owner, after=first)

    async def _look_at_log(self) -> None:
        """Notice that the topics were deleted and made anew: a client that reconnects by itself does not.

        Raises:
            AnotherLogError: They were.
        """
        now = asyncio.get_running_loop().time()
        if self._watch is None or now - self._looked < LOOK_AT_LOG_EVERY:
            return
        self._looked = now
        if (found := await self._watch.current()) != self._log:
            raise AnotherLogError(f"the log was {self._log} and is {found}")

    async def _send_pages(self, connection: Connection, producer: AIOKafkaProducer) -> None:
        self.position = await connection.fetchval("SELECT position FROM relay_cursor WHERE name = 'kafka'")
        self.active = True
        loop = asyncio.get_running_loop()
        moved = loop.time()
        while True:
            await self._look_at_log()
            self._appended.clear()
            rows = await connection.fetch(
                f"SELECT {COLUMNS} FROM event WHERE position > $1 ORDER BY position LIMIT {PAGE}", self.position
            )
            if rows:
                await self._send(connection, producer, [event_of(row, self.owner) for row in rows])
                moved = loop.time()
            every = WATERMARK_EVERY if rows else WATERMARK_WHEN_DRAINED
            if self._watermark_due and loop.time() - self._watermarked >= every:
                await self._send_watermarks(producer)
                self._watermarked, self._watermark_due = loop.time(), False
            if len(rows) == PAGE:
                continue
            poll = BUSY_POLL if loop.time() - moved < 1 else IDLE_POLL
            try:
                await asyncio.wait_for(self._appended.wait(), poll)
                await asyncio.sleep(self._pause(len(rows), loop.time()))  # let a few more commits join the page
            except TimeoutError:
                continue

    def _pause(self, sent: int, now: float) -> float:
        """Return how long to wait for the next page, having sent so many."""
        since = max(now - self._counted, 0.001)
        self._counted = now
        self._rate += (sent / since - self._rate) * min(1.0, since / RATE_OVER)
        return PAUSE_WHEN_BUSY if self._rate > BUSY else PAUSE

    async def _send(self, connection: Connection, producer: AIOKafkaProducer, events: Sequence[Event]) -> None:
        """Send one page and move the cursor to the last event that was acknowledged."""
        builders: dict[tuple[str, int], BatchBuilder] = {}
        last = self.position
        for event in events:
            spec = CATALOGUE.get(event.type)
            if spec is not None and spec.topic is not None:
                key, value, headers = to_record(event)
                place = (spec.topic, partition_of(key, spec.topic))
                builder = builders.get(place)
                if builder is None:
                    builder = builders[place] = producer.create_batch()
                if builder.append(key=key, value=value, timestamp=None, headers=headers) is None:
                    break  # full: what comes after waits for the next page, so that positions stay in order
            last = event.position
        await _send_all(producer, builders)
        failpoints.hit("before-cursor-move")
        moved = await connection.execute(
            "UPDATE relay_cursor SET position = $1 WHERE name = 'kafka' AND position = $2", last, self.position
        )
        if moved != "UPDATE 1":
            raise CursorMovedError(f"the cursor of {self.owner} is no longer at {self.position}")
        self.position = last
        self._watermark_due = True

    async def _send_watermarks(self, producer: AIOKafkaProducer) -> None:
        value, headers = watermark_record(self.owner, self.position, datetime.now(UTC))
        builders: dict[tuple[str, int], BatchBuilder] = {}
        for topic in self._topics:
            for partition in range(PARTITIONS[topic]):
                builder = producer.create_batch()
                builder.append(key=None, value=value, timestamp=None, headers=headers)
                builders[topic, partition] = builder
        await _send_all(producer, builders)


async def _send_all(producer: AIOKafkaProducer, builders: dict[tuple[str, int], BatchBuilder]) -> None:
    """Send one batch to each partition at once and wait for every acknowledgement."""
    sent = [
        await producer.send_batch(builder, topic, partition=partition)
        for (topic, partition), builder in builders.items()
    ]
    failpoints.hit("after-send")
    results = await asyncio.gather(*sent, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Close a producer without letting it send what is still queued.

    ``stop()`` flushes: after an error that would put later events in front of those that failed. Ending its sender
    task first leaves nothing that could be sent.
    """
    producer._closed = True  # noqa: SLF001 -- aiokafka offers no close without flush; this is stop() less the flush
    await asyncio.gather(producer._sender.close(), return_exceptions=True)  # noqa: SLF001 -- same
    await producer.client.close()
