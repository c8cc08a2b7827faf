"""What stands on a topic, read from its beginning."""

from collections.abc import Sequence
from uuid import UUID

from aiokafka import TopicPartition

from shared.contracts.event import Event
from shared.contracts.topic_names import PARTITIONS
from shared.kafka import AIOKafkaConsumer
from shared.projection.records import Record, Watermark, decode


async def read_topic(bootstrap_servers: str, topic: str, after: dict[int, int] | None = None) -> list[Record]:
    """Return the decoded records of every partition, from `after` (partition -> offset) up to the end as it is now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False, fetch_max_wait_ms=50)
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS[topic])]
    consumer.assign(partitions)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            consumer.seek(partition, (after or {}).get(partition.partition, 0))
        left = {p for p in partitions if (after or {}).get(p.partition, 0) < ends[p]}
        found: list[Record] = []
        while left:
            for partition, batch in (await consumer.getmany(*left, timeout_ms=200)).items():
                found += [decode(raw) for raw in batch]
                if batch and batch[-1].offset + 1 >= ends[partition]:
                    left.discard(partition)
        return found
    finally:
        await consumer.stop()


async def ends_of(bootstrap_servers: str, topic: str) -> dict[int, int]:
    """Return where each partition ends: the offset after its last record.

    Brokers are asked, and then read: the embedded one answers with the place after the first record of the last batch.
    """
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False, fetch_max_wait_ms=50)
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS[topic])]
    consumer.assign(partitions)
    await consumer.start()
    try:
        ends = dict(await consumer.end_offsets(partitions))
        left = {p for p in partitions if ends[p] > 0}
        for partition in partitions:
            consumer.seek(partition, max(ends[partition] - 1, 0))
        while left:
            for partition, batch in (await consumer.getmany(*left, timeout_ms=200)).items():
                if batch:
                    ends[partition] = batch[-1].offset + 1
                    left.discard(partition)
        return {p.partition: offset for p, offset in ends.items()}
    finally:
        await consumer.stop()


def events_of(records: Sequence[Record], source: str) -> list[Event]:
    """Return the events of one owner, in the order they stand in."""
    return [r.content for r in records if isinstance(r.content, Event) and r.content.source == source]


def watermarks_of(records: Sequence[Record], source: str) -> list[tuple[int, int]]:
    """Return (partition, position) of one owner's watermarks, in the order they stand in."""
    return [
        (r.partition, r.content.position)
        for r in records
        if isinstance(r.content, Watermark) and r.content.source == source
    ]


def first_occurrences(events: Sequence[Event]) -> dict[UUID, list[int]]:
    """Return each stream's versions in the order in which they first turned up."""
    found: dict[UUID, dict[int, None]] = {}
    for event in events:
        found.setdefault(event.stream_id, {}).setdefault(event.version)
    return {stream: list(versions) for stream, versions in found.items()}
