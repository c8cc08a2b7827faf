"""The projectors: from the topic into the views, beside a bare consumer that decodes and upserts in one process."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from aiokafka import TopicPartition
from pydantic import SecretStr

from bench import history
from bench.figures import Figure, rate_figure
from bench.relaying import producer
from ledgerdesk.host import Host, collect_seldom
from ledgerdesk.initialise import migrate_all
from ledgerdesk.verify import models_of
from services.workflow import views
from shared import db
from shared.contracts.catalogue import OWNERS
from shared.contracts.event import Event, to_record, watermark_record
from shared.contracts.topic_names import PARTITIONS, TICKETS
from shared.eventstore.store import COLUMNS, event_of
from shared.kafka import AIOKafkaConsumer
from shared.projection import checkpoints
from shared.projection.projector import Projection
from shared.projection.records import decode
from shared.projection.subscription import Subscription
from shared.relay import topics_of
from shared.settings import SERVICES, Settings
from shared.testing.servers import KafkaAt, PostgresAt, database
from shared.testing.stores import StoreFeed
from shared.topics import marker_of, prepare_log

ALONE = "bench.state"
BATCH = 2000


class TicketState(views.TicketView):
    """Workflow's tickets without their timeline."""

    async def save(
        self, connection: db.Connection, rows: Mapping[UUID, views.TicketRow], applied: Sequence[Event]
    ) -> None:
        del applied
        await views.TABLE.write(connection, [], list(rows.values()))


@dataclass
class Topic:
    """A database with stores, and a topic that holds their events in time order."""

    dsn: str
    kafka: KafkaAt
    incarnation: str
    events: int
    ends: dict[str, int]

    async def start_over(self, consumer: str, topics: Sequence[str]) -> None:
        """Put a consumer before the first record."""
        marks = {owner: {"position": 0, "time": "2026-01-01T00:00:00Z"} for owner in OWNERS}
        connection = await db.connect(self.dsn, consumer.partition(".")[0])
        await checkpoints.begin(connection, consumer, self.incarnation, checkpoints.places(topics, PARTITIONS), marks)
        await connection.close()


async def _all_events(dsn: str) -> tuple[list[Event], dict[str, int]]:
    """Return the tickets' events of every store in time order, and where the stores end."""
    events: list[Event] = []
    ends: dict[str, int] = {}
    for owner in OWNERS:
        connection = await db.connect(dsn, owner)
        rows = await connection.fetch(f"SELECT {COLUMNS} FROM event ORDER BY position")
        ends[owner] = rows[-1]["position"] if rows else 0
        events += [event_of(row, owner) for row in rows]
        await connection.close()
    events.sort(key=lambda event: (event.occurred_at, event.position))
    return events, ends


@asynccontextmanager
async def topic(server: PostgresAt, kafka: KafkaAt, tickets: int) -> AsyncIterator[Topic]:
    """Fill stores and topic. The topic must be empty."""
    async with database(server) as dsn:
        await migrate_all(dsn)
        await prepare_log(dsn, kafka.bootstrap_servers)
        await history.fill(dsn, tickets, live=True)
        events, ends = await _all_events(dsn)
        bare = producer(kafka)
        await bare.start()
        for begin in range(0, len(events), BATCH):
            records = map(to_record, events[begin : begin + BATCH])
            await asyncio.gather(*[await bare.send(TICKETS, value, key, headers=h) for key, value, h in records])
        for owner in OWNERS:
            value, headers = watermark_record(owner, ends[owner], datetime.now(UTC))
            for name in topics_of(owner):
                for partition in range(PARTITIONS[name]):
                    await bare.send_and_wait(name, value, partition=partition, headers=headers)
        await bare.stop()
        count = len(events)
        del events  # what made the topic is no part of what reads it, for the garbage collector either
        gc.collect()
        collect_seldom()
        connection = await db.connect(dsn, "intake")
        cluster_id = await connection.fetchval("SELECT cluster_id FROM ledgerdesk.log")
        marker = await marker_of(connection, cluster_id)
        await connection.close()
        yield Topic(dsn, kafka, f"{cluster_id}/{marker}", count, ends)


async def _reached(place: Topic, consumers: dict[str, list[str]]) -> None:
    """Wait until these consumers (by their service) have every watermark."""
    for consumer, topics in consumers.items():
        connection = await db.connect(place.dsn, consumer.partition(".")[0])
        while True:
            floors = [
                checkpoints.floor(rows, topics) for rows in (await checkpoints.load(connection, consumer)).values()
            ]
            marks = floors[0] if floors else {}
            if all(marks.get(o, {"position": -1})["position"] >= place.ends[o] for o in checkpoints.publishers(topics)):
                break
            await asyncio.sleep(0.01)
        await connection.close()


async def bare(place: Topic) -> float:
    """Consume, decode and upsert the tickets' rows, and nothing else; returns the seconds."""
    connection = await db.connect(place.dsn, "workflow")
    await connection.execute("CREATE TEMPORARY TABLE ticket (LIKE workflow.ticket INCLUDING ALL)")
    consumer = AIOKafkaConsumer(
        bootstrap_servers=place.kafka.bootstrap_servers, enable_auto_commit=False, fetch_max_wait_ms=50
    )
    partitions = [TopicPartition(TICKETS, number) for number in range(PARTITIONS[TICKETS])]
    consumer.assign(partitions)
    await consumer.start()
    await consumer.seek_to_beginning(*partitions)
    view = views.TicketView()
    seen = 0
    started = time.perf_counter()
    while seen < place.events:
        for records in (await consumer.getmany(timeout_ms=200, max_records=BATCH)).values():
            events = [one.content for one in map(decode, records) if isinstance(one.content, Event)]
            rows = {e.stream_id: view.initial(e.stream_id)._replace(versions={e.source: e.version}) for e in events}
            if rows:
                async with connection.transaction():
                    await views.TABLE.write(connection, [], list(rows.values()))
            seen += len(events)
    taken = time.perf_counter() - started
    await consumer.stop()
    await connection.close()
    return taken


async def alone(place: Topic) -> float:
    """Project the tickets' state alone; returns the seconds."""
    pool = await db.create_pool(place.dsn, "workflow")
    await pool.execute("TRUNCATE ticket, timeline")
    await place.start_over("workflow.bench", [TICKETS])
    projection = Projection("workflow.bench", pool, [TicketState()], StoreFeed({}))
    subscription = Subscription("bench", place.kafka.bootstrap_servers, pool, [projection])
    subscription.start()
    await subscription.ready.wait()
    started = time.perf_counter()
    await _reached(place, {"workflow.bench": [TICKETS]})
    taken = time.perf_counter() - started
    await subscription.stop()
    await pool.execute("TRUNCATE ticket, timeline")
    await pool.close()
    return taken


async def every_view(place: Topic) -> float:
    """Project everything that the embedded stack's worker does; returns the seconds."""
    settings = Settings(
        database_url=place.dsn, kafka_bootstrap_servers=place.kafka.bootstrap_servers,
        kafka_idempotence=place.kafka.idempotent, secret_key=SecretStr("bench" * 10),
    )  # fmt: skip
    consumers = {
        f"{service}.views": sorted({topic for model in models_of(service) for topic in model.topics})
        for service in SERVICES
    }
    for consumer, topics in consumers.items():
        await place.start_over(consumer, topics)
    host = Host.of(settings, SERVICES, ["projector"])
    await host.start()
    assert host.subscription is not None
    await host.subscription.ready.wait()
    started = time.perf_counter()
    await _reached(place, consumers)
    taken = time.perf_counter() - started
    await host.stop()
    return taken


async def measure(server: PostgresAt, kafka: KafkaAt, tickets: int = 3000) -> list[Figure]:
    """Measure the bare consumer, the state alone, and all views on one topic."""
    async with topic(server, kafka, tickets) as place:
        await bare(place)  # warms the broker's and the server's caches
        plain = place.events / await bare(place)
        state = place.events / await alone(place)
        whole = place.events / await every_view(place)
    return [
        rate_figure("projector, ticket state alone", state, plain, share=0.5, least=10_000, events=place.events),
        rate_figure("projectors, all views of the stack", whole, plain, least=7_000, events=place.events),
    ]
