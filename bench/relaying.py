"""The relay: a store's events to Kafka, beside a bare producer that is handed the same records."""

import asyncio
import time

from aiokafka import AIOKafkaProducer

from bench.appending import commands, store
from bench.figures import Figure, rate_figure
from shared import db
from shared.contracts.event import to_record
from shared.contracts.topic_names import TICKETS
from shared.relay import BATCH_BYTES, Relay
from shared.testing.servers import KafkaAt, PostgresAt

Record = tuple[bytes, bytes, list[tuple[str, bytes]]]


def producer(kafka: KafkaAt) -> AIOKafkaProducer:
    """Return a producer with the relay's own guarantees."""
    return AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers, acks="all", linger_ms=0, enable_idempotence=kafka.idempotent,
        max_batch_size=BATCH_BYTES, max_request_size=BATCH_BYTES + 100_000,
    )  # fmt: skip


async def relayed(dsn: str, kafka: KafkaAt, upto: int) -> float:
    """Relay everything up to a position; returns the seconds from the first page on."""
    relay = Relay("intake", lambda: db.connect(dsn, "intake"), lambda: producer(kafka), asyncio.Event())
    relay.start()
    while not relay.active:
        await asyncio.sleep(0.0005)
    started = time.perf_counter()
    while relay.position < upto:
        await asyncio.sleep(0.002)
    taken = time.perf_counter() - started
    await relay.stop()
    return taken


async def sent(records: list[Record], kafka: KafkaAt) -> float:
    """Send the same records with a bare producer, keyed, and wait for every acknowledgement; returns the seconds."""
    bare = producer(kafka)
    await bare.start()
    try:
        started = time.perf_counter()
        waiting = [await bare.send(TICKETS, value, key, headers=headers) for key, value, headers in records]
        await asyncio.gather(*waiting)
        return time.perf_counter() - started
    finally:
        await bare.stop()


async def measure(server: PostgresAt, kafka: KafkaAt, events: int = 20_000, rounds: int = 3) -> list[Figure]:
    """Relay a store that is full, in turns with the bare producer."""
    ours, bare = 0.0, 0.0
    async with store(server) as (filled, dsn):
        for turn in range(rounds):
            wanted = commands(events)
            for begin in range(0, events, 400):
                await filled.append(wanted[begin : begin + 400])
            end = await filled.last_position()
            records = [to_record(event) for event in await filled.page(end - events, events)]
            if turn:  # the first round warms
                bare += await sent(records, kafka)
            taken = await relayed(dsn, kafka, end)
            ours += taken if turn else 0.0
    count = events * (rounds - 1)
    return [rate_figure("relay", count / ours, count / bare, share=0.6, events=count)]
