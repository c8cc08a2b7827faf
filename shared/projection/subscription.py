"""One Kafka subscription for all the read models of a process.

FastStream delivers batches; everything about acknowledging, seeking and retrying is ours, because every other setting
of the client loses or reorders records (see docs/adr/0006-consuming.md).
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import structlog
from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka import TopicPartition as DeclaredPartition
from faststream.kafka.message import KafkaMessage

from shared import failpoints
from shared.contracts.topic_names import PARTITIONS
from shared.db import LOST_CONNECTION, Pool
from shared.incarnation import IncarnationWatch, LogNotReadyError
from shared.kafka import AIOKafkaConsumer
from shared.projection.checkpoints import CheckpointLostError, Place, places
from shared.projection.deadletters import DeadLetters
from shared.projection.records import Record, Unreadable, decode

INCARNATION_POLL = 1.0
BEGINNING_POLL = 5.0
"""Seconds between two looks at where the log begins."""
log = structlog.get_logger("subscription")

Batch = tuple["ConsumerRecord[bytes, bytes]", ...]


class Target(Protocol):
    """What a subscription feeds: a projection."""

    name: str

    @property
    def topics(self) -> frozenset[str]:
        """Return the topics it wants."""
        ...

    async def prepare(self, incarnation: str, *, afresh: bool = False) -> dict[Place, int]:
        """Return the offsets to go on from; `afresh`: those it knows lie outside the log."""
        ...

    async def apply(self, incarnation: str, records: Sequence[Record]) -> None:
        """Apply a batch, checkpoint included; offsets done already are dropped."""
        ...

    async def tend(self) -> None:
        """Do what is to be done between batches; called about once a second."""
        ...


class LogChangedError(Exception):
    """The cluster is not the one that was being followed: offsets mean nothing any more."""


async def seek_to_checkpoints(
    consumer: AIOKafkaConsumer, assigned: Iterable[TopicPartition], offsets: Callable[[], Any]
) -> None:
    """Make a consumer go on where the checkpoints say.

    The client fetches as soon as a partition is assigned, before any listener has run: what it fetched would be
    delivered ahead of the records that the checkpoint asks for. So the pause comes first, before anything is awaited.
    """
    assigned = list(assigned)
    if not assigned:
        return
    consumer.pause(*assigned)
    failpoints.hit("on-assign")
    wanted: Mapping[Place, int] = await offsets()
    for partition in assigned:
        consumer.seek(partition, wanted[partition.topic, partition.partition])
    consumer.resume(*assigned)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka ships no types
    def __init__(self, subscription: "Subscription") -> None:
        self._subscription = subscription

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Nothing to do: batches in flight are fenced by their checkpoints."""

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        await self._subscription.on_assigned(assigned)


class Subscription:
    """Follows the log for some targets, through broker restarts, lost logs and rebalances.

    Args:
        name: Client id, and the group's name where one is used.
        bootstrap_servers: The cluster.
        pool: Where the log's marker is looked up.
        targets: Who gets the records.
        group: Whether to share partitions with other processes of this name; otherwise all are read here.
        instance: Static membership id within the group.
        decode: Reads one record; must not raise.
        dead_letters: Where records go that cannot be read.
    """

    def __init__(
        self, name: str, bootstrap_servers: str, pool: Pool, targets: Sequence[Target], *, group: bool = False,
        instance: str | None = None, decode: Callable[["ConsumerRecord[bytes, bytes]"], Record] = decode,
        dead_letters: DeadLetters | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self._decode = decode
        self._dead_letters = dead_letters
        self.ready = asyncio.Event()
        self.incarnation = ""
        self._targets = list(targets)
        self._topics = sorted({topic for target in targets for topic in target.topics})
        self._servers = bootstrap_servers
        self._watch = IncarnationWatch(bootstrap_servers, pool)
        self._group = group
        self._instance = instance
        self._subscriber: Any = None
        self._broken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._afresh = False
        self._next: dict[Place, int] = {}
        """The offset to come next, by partition."""
        self._looked = 0.0

    def start(self) -> None:
        """Begin to follow, in the running event loop."""
        self._task = asyncio.create_task(self._run(), name=f"subscription-{self.name}")

    async def stop(self) -> None:
        """Stop; what is not checkpointed comes again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._watch.close()
        if self._dead_letters is not None:
            await self._dead_letters.close()

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except (LogChangedError, LogNotReadyError, CheckpointLostError) as error:
                await log.awarning("log changed", subscription=self.name, reason=str(error))
            except (KafkaError, *LOST_CONNECTION) as error:
                await log.awarning("subscription interrupted", subscription=self.name, error=repr(error))
            except Exception:
                await log.aexception("subscription failed", subscription=self.name)
            self.ready.clear()
            await asyncio.sleep(0.2)

    async def _follow(self) -> None:
        """Follow one incarnation of the log until it changes or something breaks."""
        self._broken.clear()
        self.incarnation = await self._watch.current()
        await self._offsets()  # catches up from the owners' feeds before the topic is read
        broker = KafkaBroker(
            [server.strip() for server in self._servers.split(",")],  # it takes a text for one server
            client_id=self.name, apply_types=False, allow_auto_create_topics=False, logger=None,
            log_level=logging.ERROR, graceful_timeout=None,
            consumer_only=True,  # else it starts a producer, too, and leaks it when its admin client cannot connect any more
        )  # fmt: skip
        self._subscriber = self._declare(broker)
        self._subscriber(self._handle)
        try:
            await broker.connect()
            await self._subscriber.start()
            if not self._group:
                consumer = self._subscriber.consumer
                await seek_to_checkpoints(consumer, consumer.assignment(), self._checked_offsets)
                self.ready.set()
            while not self._broken.is_set():
                try:
                    await asyncio.wait_for(self._broken.wait(), INCARNATION_POLL)
                except TimeoutError:
                    await self._check_incarnation()
                    await self._look_at_the_beginning()
                    await asyncio.gather(*(target.tend() for target in self._targets))
        finally:
            await broker.stop()

    def _declare(self, broker: KafkaBroker) -> Any:
        common: dict[str, Any] = {
            "batch": True, "ack_policy": AckPolicy.MANUAL, "auto_offset_reset": "earliest", "fetch_max_wait_ms": 35,
            "batch_timeout_ms": 10, "max_records": 2000, "no_reply": True, "parser": _lenient, "decoder": _raw,
        }  # fmt: skip
        if self._group:
            return broker.subscriber(
                *self._topics, group_id=self.name, group_instance_id=self._instance, listener=_Listener(self),
                max_poll_interval_ms=15 * 60 * 1000, **common,
            )  # fmt: skip
        declared = [DeclaredPartition(topic, number) for topic, number in places(self._topics, PARTITIONS)]
        return broker.subscriber(partitions=declared, **common)

    async def on_assigned(self, assigned: set[TopicPartition]) -> None:
        """Take over partitions from a rebalance. Retries inside: if this raised, they would stay paused for ever."""
        consumer = self._subscriber.consumer
        if assigned:
            consumer.pause(*assigned)
        while not self._broken.is_set():
            try:
                await self._check_incarnation()
                await seek_to_checkpoints(consumer, assigned, self._checked_offsets)
            except LogChangedError as error:  # this subscription is broken, and begins anew
                self._broken.set()
                await log.awarning("assignment dropped", subscription=self.name, reason=str(error))
            except (KafkaError, CheckpointLostError, *LOST_CONNECTION) as error:
                await log.awarning("assignment delayed", subscription=self.name, error=repr(error))
                await asyncio.sleep(0.2)
            except Exception:  # an owner's feed that does not answer, …: the client would swallow it
                await log.aexception("assignment failed", subscription=self.name)
                await asyncio.sleep(1)
            else:
                self.ready.set()
                return

    async def _offsets(self) -> dict[Place, int]:
        """Return the least offset that any target still wants, per partition."""
        wanted: dict[Place, int] = {}
        for target in self._targets:
            for place, offset in (await target.prepare(self.incarnation, afresh=self._afresh)).items():
                wanted[place] = min(offset, wanted.get(place, offset))
        self._afresh = False
        return wanted

    async def _checked_offsets(self) -> dict[Place, int]:
        """Return where to go on, having made sure that the log still holds it.

        Raises:
            LogChangedError: A partition ends before the checkpoint (the topic was made anew) or begins after it (what
                lay between has expired): the owners' feeds must fill in.
        """
        wanted = await self._offsets()
        consumer: AIOKafkaConsumer = self._subscriber.consumer
        partitions = [TopicPartition(topic, number) for topic, number in wanted]
        ends = dict(await consumer.end_offsets(partitions))
        begins = await consumer.beginning_offsets(partitions)
        doubtful = [p for p in partitions if wanted[p.topic, p.partition] > ends[p] > 0]
        if doubtful:
            ends |= await _read_ends(self._servers, {partition: ends[partition] for partition in doubtful})
        for partition in partitions:
            offset = wanted[partition.topic, partition.partition]
            if offset > ends[partition] or 0 < offset < begins[partition]:
                self._afresh = True
                self._broken.set()
                raise LogChangedError(
                    f"{partition}: offset {offset} lies outside {begins[partition]}..{ends[partition]}"
                )
        self._next = {place: max(offset, begins[TopicPartition(*place)]) for place, offset in wanted.items()}
        return dict(self._next)

    async def _refuse_a_jump(self, batch: Batch) -> None:
        """Notice that records were deleted before they were read: the client goes on with the first there is, and says nothing.

        Raises:
            LogChangedError: What lay between is gone: the owners' feeds must fill in.
        """
        expected = dict(self._next)
        jumped: dict[TopicPartition, int] = {}
        for raw in batch:
            place = (raw.topic, raw.partition)
            if raw.offset > expected.get(place, raw.offset):
                jumped[TopicPartition(*place)] = expected[place]
            expected[place] = raw.offset + 1
        await self._refuse_lost(jumped)
        self._next = expected

    async def _refuse_lost(self, expected: Mapping[TopicPartition, int]) -> None:
        """Notice that a partition begins after the offset that is to come.

        Raises:
            LogChangedError: One does.
        """
        begins = await self._subscriber.consumer.beginning_offsets(list(expected)) if expected else {}
        for partition, offset in expected.items():
            if begins[partition] > offset:
                self._afresh = True
                raise LogChangedError(f"{partition}: {offset} was to come, and the log begins at {begins[partition]}")

    async def _look_at_the_beginning(self) -> None:
        """The same, now and then: where nothing comes any more, nothing jumps."""
        now = asyncio.get_running_loop().time()
        if now - self._looked < BEGINNING_POLL:
            return
        self._looked = now
        mine = {(p.topic, p.partition) for p in self._subscriber.consumer.assignment()}
        await self._refuse_lost({TopicPartition(*p): offset for p, offset in self._next.items() if p in mine})

    async def _check_incarnation(self) -> None:
        if (now := await self._watch.current()) != self.incarnation:
            raise LogChangedError(f"the cluster was {self.incarnation} and is {now}")

    async def _handle(self, batch: Batch) -> None:
        """Apply one batch to every target; return only when all have committed it, or this subscription is broken.

        The cluster's id is asked for with every batch: records of a log that was made anew while the client had
        reconnected by itself would otherwise be taken for the continuation of the old one.
        """
        while not self._broken.is_set():
            try:
                check = asyncio.create_task(self._check_incarnation())
                records = [self._decode(raw) for raw in batch]
                await check
                await self._refuse_a_jump(batch)
                await self._bury(records)
                await asyncio.gather(*(target.apply(self.incarnation, records) for target in self._targets))
                failpoints.hit("after-commit")
                if self._group:
                    await self._subscriber.consumer.commit()
            except (LogChangedError, LogNotReadyError, CheckpointLostError) as error:
                await log.awarning("batch dropped", subscription=self.name, reason=str(error))
                self._broken.set()
            except (KafkaError, *LOST_CONNECTION) as error:
                await log.awarning("batch delayed", subscription=self.name, error=repr(error))
                await asyncio.sleep(0.1)
            except Exception:
                await log.aexception("batch failed", subscription=self.name)
                await asyncio.sleep(1)
            else:
                return

    async def _bury(self, records: Sequence[Record]) -> None:
        """Send unreadable records to the dead-letter topic, before the checkpoint passes them."""
        for record in records:
            if isinstance(record.content, Unreadable) and self._dead_letters is not None:
                bad = record.content
                await self._dead_letters.send(record, bad.value, bad.key, bad.headers, bad.reason)


async def _read_ends(bootstrap_servers: str, said: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Return where partitions really end, by reading what stands last.

    The embedded broker says where the first record of the last batch ends. Taken at its word, every restart of a consumer
    after a batch of several records would look like a log that was made anew.
    """
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False, fetch_max_wait_ms=50)
    consumer.assign(list(said))
    await consumer.start()
    try:
        ends = dict(said)
        for partition, end in said.items():
            consumer.seek(partition, end - 1)
        left = set(said)
        async with asyncio.timeout(10):
            while left:
                for partition, batch in (await consumer.getmany(*left, timeout_ms=200)).items():
                    if batch:
                        ends[partition] = batch[-1].offset + 1
                        left.discard(partition)
        return ends
    finally:
        await consumer.stop()


async def _lenient(message: Batch, original: Callable[[Batch], Any]) -> KafkaMessage:
    """Wrap a batch up, its headers unread: one that is null or no UTF-8 must not make the client drop the batch.

    The records are decoded by ourselves, and reading every header twice is what the client would spend most time on.
    """
    parsed: KafkaMessage = await original((_without_headers(message[0]),))
    parsed.raw_message = message
    return parsed


def _without_headers(record: "ConsumerRecord[bytes, bytes]") -> "ConsumerRecord[bytes, bytes]":
    return ConsumerRecord(
        record.topic, record.partition, record.offset, record.timestamp, record.timestamp_type, record.key,
        record.value, record.checksum, record.serialized_key_size, record.serialized_value_size, (),
    )  # fmt: skip


async def _raw(message: KafkaMessage) -> Any:
    """Hand over the records themselves; they are decoded one by one, each in its own try."""
    return message.raw_message
