"""Going on from a checkpoint: what lies before it is never delivered, although the client fetches before anybody can say so.

The same check, run on `seek_to_checkpoints` without its first line, sees records from before the checkpoint.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition

from shared.contracts.ids import random_id
from shared.contracts.topic_names import PARTITIONS
from shared.projection.subscription import Subscription, seek_to_checkpoints
from shared.testing.mutants import mutant
from shared.testing.topic import ends_of
from shared.testing.wait import wait_until_async
from shared.topics import prepare_log

TOPIC = "ledgerdesk.ingress"
PARTS = [TopicPartition(TOPIC, number) for number in range(PARTITIONS[TOPIC])]
OLD, NEW = 30, 20
SLOW = 0.3
"""Seconds that loading the checkpoints takes: long enough for a fetch to have come back."""

Seek = Callable[..., Awaitable[None]]
WITHOUT_PAUSE = mutant(seek_to_checkpoints, ("    consumer.pause(*assigned)\n", ""))


async def fill(kafka) -> dict[tuple[str, int], int]:
    """Write old and new records to every partition; returns the checkpoints that stand between the two."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers, enable_idempotence=kafka.idempotent)
    await producer.start()
    try:
        for count in (OLD, NEW):
            between = await ends_of(kafka.bootstrap_servers, TOPIC)
            for partition in PARTS:
                for _ in range(count):
                    await producer.send(TOPIC, b"{}", partition=partition.partition)
            await producer.flush()
    finally:
        await producer.stop()
    return {(TOPIC, partition): offset for partition, offset in between.items()}


def consumer_of(kafka, **options) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap_servers, auto_offset_reset="earliest", enable_auto_commit=False,
        fetch_max_wait_ms=50, **options,
    )  # fmt: skip


async def collect(consumer: AIOKafkaConsumer, found: dict[int, list[int]]) -> None:
    """Take whatever is delivered, from the start on: as a framework does that polls before it is told where."""
    while True:
        for partition, batch in (await consumer.getmany(timeout_ms=20)).items():
            found[partition.partition] += [record.offset for record in batch]


async def read_from_checkpoints(consumer, checkpoints, start) -> list[str]:
    """Start, collect until every partition's end has come, and return what should not have been delivered."""
    found: dict[int, list[int]] = defaultdict(list)
    last = {place[1]: offset + NEW - 1 for place, offset in checkpoints.items()}
    collecting = asyncio.create_task(collect(consumer, found))
    try:
        await start()
        await wait_until_async(
            lambda: all(found[number] and found[number][-1] == offset for number, offset in last.items()),
            timeout=40, message="the end of every partition",
        )  # fmt: skip
    finally:
        collecting.cancel()
        await asyncio.gather(collecting, return_exceptions=True)
    wrong = []
    for (_, number), checkpoint in checkpoints.items():
        if found[number] != list(range(checkpoint, checkpoint + NEW)):
            wrong.append(f"partition {number}: from {checkpoint} on, and {found[number][:5]}… were delivered")
    return wrong


async def by_assignment(kafka, seek: Seek) -> list[str]:
    """Follow explicit partitions: no group, no listener; the seek comes after the start."""
    checkpoints = await fill(kafka)
    consumer = consumer_of(kafka)
    consumer.assign(PARTS)
    await consumer.start()

    async def slowly():
        await asyncio.sleep(SLOW)
        return checkpoints

    try:
        return await read_from_checkpoints(consumer, checkpoints, lambda: seek(consumer, PARTS, slowly))
    finally:
        await consumer.stop()


class Listener(ConsumerRebalanceListener):
    def __init__(self, consumer, seek: Seek, offsets) -> None:
        self._seek, self._consumer, self._offsets = seek, consumer, offsets
        self.assigned = asyncio.Event()

    async def on_partitions_revoked(self, revoked) -> None:
        pass

    async def on_partitions_assigned(self, assigned) -> None:
        await self._seek(self._consumer, assigned, self._offsets)
        self.assigned.set()


async def by_group(kafka, seek: Seek) -> list[str]:
    """Follow as the only member of a new group: the listener seeks."""
    checkpoints = await fill(kafka)
    consumer = consumer_of(kafka, group_id=f"tests-{random_id()}")

    async def slowly():
        await asyncio.sleep(SLOW)
        return checkpoints

    listener = Listener(consumer, seek, slowly)
    consumer.subscribe([TOPIC], listener=listener)
    await consumer.start()
    try:
        return await read_from_checkpoints(
            consumer, checkpoints, lambda: asyncio.wait_for(listener.assigned.wait(), 40)
        )
    finally:
        await consumer.stop()


def need_quick_groups(kafka) -> None:
    if not kafka.quick_groups:
        pytest.skip(f"joining a group takes 18 s on the {kafka.kind} broker; run with LEDGERDESK_TEST_KAFKA=apache")


async def test_explicit_partitions_go_on_from_their_checkpoints(kafka):
    for _ in range(3):
        assert await by_assignment(kafka, seek_to_checkpoints) == []


async def test_the_check_notices_a_seek_without_pause_on_explicit_partitions(kafka):
    assert await caught(by_assignment, kafka), "a seek without pause was not noticed"


async def test_a_group_goes_on_from_its_checkpoints(kafka):
    need_quick_groups(kafka)
    for _ in range(3):
        assert await by_group(kafka, seek_to_checkpoints) == []


async def test_the_check_notices_a_seek_without_pause_in_a_group(kafka):
    need_quick_groups(kafka)
    assert await caught(by_group, kafka), "a seek without pause was not noticed"


async def caught(follow, kafka) -> list[str]:
    for _ in range(5):
        if wrong := await follow(kafka, WITHOUT_PAUSE):
            return wrong
    return []


class Target:
    """A subscription's target that knows its checkpoints, takes its time to load them, and keeps what it is given."""

    name = "tests"
    topics = frozenset({TOPIC})

    def __init__(self, checkpoints) -> None:
        self._checkpoints = checkpoints
        self.found: dict[int, list[int]] = defaultdict(list)

    async def prepare(self, incarnation, *, afresh=False):
        del incarnation, afresh
        await asyncio.sleep(SLOW)
        return dict(self._checkpoints)

    async def apply(self, incarnation, records):
        del incarnation
        for record in records:
            self.found[record.partition].append(record.offset)


@pytest.mark.parametrize("group", [False, True], ids=["explicit partitions", "group"])
async def test_a_subscription_goes_on_from_its_checkpoints(stores, kafka, group):
    if group:
        need_quick_groups(kafka)
    await prepare_log(stores.dsn, kafka.bootstrap_servers)
    checkpoints = await fill(kafka)
    target = Target(checkpoints)
    pool = (await stores.open()).pool
    subscription = Subscription(f"tests-{random_id()}", kafka.bootstrap_servers, pool, [target], group=group)
    subscription.start()
    try:
        await wait_until_async(
            lambda: sum(map(len, target.found.values())) >= NEW * len(PARTS), timeout=60, message="all new records"
        )
        assert subscription.ready.is_set()
    finally:
        await subscription.stop()
    assert dict(sorted(target.found.items())) == {
        number: list(range(offset, offset + NEW)) for (_, number), offset in checkpoints.items()
    }
