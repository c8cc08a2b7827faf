"""A projection on a real broker: whatever happens to the log, the views end where the stores are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import reduce
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from ledgerdesk.initialise import migration_folders
from services.workflow.views import TicketView, audit_timeline
from shared.contracts.event import Event, NewEvent, to_record, watermark_record
from shared.contracts.ids import random_id
from shared.contracts.topic_names import PARTITIONS
from shared.embedded import temporary_broker
from shared.eventstore.store import EMPTY, EventStore
from shared.projection import parked as parked_events
from shared.projection.checkpoints import CheckpointLostError
from shared.projection.projector import Projection
from shared.projection.records import Record
from shared.projection.subscription import Subscription
from shared.relay import Relay, partition_of
from shared.testing.events import NOON, command, created, message
from shared.testing.servers import database
from shared.testing.stores import STORE, StoreFeed, Stores, prepare
from shared.testing.wait import wait_until_async
from shared.topics import prepare_log

OWNERS = ("intake", "routing", "workflow")
TICKETS = "ledgerdesk.tickets"
JOHN = "00000000-0000-0000-0000-000000000001"
WHY = {"by": "person", "reason": "test"}


def fact(name: str, **data: object) -> NewEvent:
    return NewEvent(f"ledgerdesk.ticket.{name}", data)


FACTS = {
    "intake": [created(), message("one"), message("two")],
    "routing": [
        fact("transferred", department="support", previous=None, why=WHY),
        fact("assigned", agent=JOHN, team=None, previous={"agent": None, "team": None}, why=WHY),
    ],
    "workflow": [fact("started"), NewEvent("ledgerdesk.ticket.noted", {}, {"body": "aha"}), fact("resolved")],
}


class Fragile(TicketView):
    """The workflow's view, unable to fold one event until it is healed."""

    poison: UUID | None = None

    def evolve(self, state, event):
        if event.event_id == self.poison:
            raise RuntimeError("poison")
        return TicketView.evolve(state, event)


class World:
    """Three owners' stores, and workflow's view of them."""

    def __init__(self, stores: Stores, owners: dict[str, EventStore], model: Fragile) -> None:
        self.stores, self.owners, self.model = stores, owners, model
        self.feed = StoreFeed(owners)
        self.projection = self.another()

    def another(self) -> Projection:
        """Return one more projection of the same name."""
        return Projection("workflow.views", self.owners["workflow"].pool, [self.model], self.feed)

    @property
    def pool(self):
        return self.owners["workflow"].pool

    async def write(self, tickets: int) -> list[UUID]:
        """Append tickets with facts of all owners; returns their streams."""
        streams = [random_id() for _ in range(tickets)]
        for owner, facts in FACTS.items():
            await self.owners[owner].append([command(owner, stream, EMPTY, facts)[0] for stream in streams])
        return streams

    async def stored(self) -> list[Event]:
        return [event for owner in OWNERS for event in await self.owners[owner].page(0, 100_000)]

    async def differences(self) -> list[str]:
        """Hold the view against a fresh fold of what the stores hold; returns what differs."""
        events = await self.stored()
        by_stream: dict[UUID, list[Event]] = {}
        for event in events:
            by_stream.setdefault(event.stream_id, []).append(event)
        async with self.pool.acquire() as connection:
            rows = await self.model.load(connection, list(by_stream))
            wrong = await audit_timeline(connection, list(by_stream), events)
        for stream, mine in by_stream.items():
            if rows.get(stream) != reduce(TicketView.evolve, mine, TicketView().initial(stream)):
                wrong.append(f"{stream} is {rows.get(stream)}")
        for table in ("projection_gap", "projection_parked"):
            wrong += [f"{table}: {dict(row)}" for row in await self.pool.fetch(f"SELECT * FROM {table}")]
        return wrong

    async def complete(self, message: str = "the view to be what the stores say") -> None:
        async def right() -> bool:
            return not await self.differences()

        try:
            await wait_until_async(right, timeout=30, message=message)
        except TimeoutError:
            raise AssertionError((await self.differences())[:3]) from None

    @asynccontextmanager
    async def following(self, bootstrap_servers: str) -> AsyncIterator[Subscription]:
        subscription = Subscription(f"tests-{random_id()}", bootstrap_servers, self.pool, [self.projection])
        subscription.start()
        try:
            await asyncio.wait_for(subscription.ready.wait(), 30)
            yield subscription
        finally:
            await subscription.stop()

    @asynccontextmanager
    async def relaying(self, bootstrap_servers: str) -> AsyncIterator[None]:
        def make() -> AIOKafkaProducer:
            return AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all", enable_idempotence=False)

        relays = [
            Relay(owner, lambda owner=owner: self.stores.connection(owner), make, asyncio.Event()) for owner in OWNERS
        ]
        for relay in relays:
            relay.start()
        try:
            yield
        finally:
            for relay in relays:
                await relay.stop()


@pytest.fixture
async def world(postgres_server_at) -> AsyncIterator[World]:
    async with database(postgres_server_at) as dsn:
        await prepare(dsn, {"intake": [STORE], "routing": [STORE], "workflow": migration_folders("workflow")})
        stores = Stores(dsn)
        yield World(stores, {owner: await stores.open(owner) for owner in OWNERS}, Fragile())
        await stores.close()


@pytest.fixture
async def log(world, own_kafka) -> str:
    """An empty log, marked as the one to follow; its bootstrap servers."""
    await prepare_log(world.stores.dsn, own_kafka.bootstrap_servers)
    return own_kafka.bootstrap_servers


async def publish(bootstrap_servers: str, records: list[tuple[bytes, bytes, list]]) -> None:
    """Send (key, value, headers) by hand, in this order per key."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, enable_idempotence=False)
    await producer.start()
    try:
        for key, value, headers in records:
            await producer.send_and_wait(TICKETS, value, key, partition_of(key, TICKETS), headers=headers)
    finally:
        await producer.stop()


async def test_what_is_appended_is_seen(world, log):
    await world.write(5)
    async with world.relaying(log), world.following(log):
        await world.complete()
        await world.write(20)
        await world.complete()
        assert world.feed.asked == [(owner, 0) for owner in OWNERS], "the feed is for the start, the topic for the rest"


async def test_a_restart_goes_on_where_it_stood(world, log):
    async with world.relaying(log):
        for _ in range(3):
            async with world.following(log):
                await world.write(5)
                await world.complete()
            await world.write(5)
        async with world.following(log):
            await world.complete()
    assert world.feed.asked == [(owner, 0) for owner in OWNERS], "the log is the same: nobody asks the owners again"


async def test_a_database_that_goes_back_in_time(world, log):
    """A standby that was behind takes over, or a backup is put back: what is missing is read again."""
    connection = await world.stores.connection("workflow")
    async with world.relaying(log), world.following(log):
        await world.write(10)
        await world.complete()
        await connection.execute("CREATE TABLE earlier AS TABLE projection_checkpoint")
        lost = await world.write(10)
        await world.complete()
        async with connection.transaction():
            await connection.execute("DELETE FROM ticket WHERE stream_id = ANY ($1)", lost)
            await connection.execute("DELETE FROM timeline WHERE ticket_id = ANY ($1)", lost)
            await connection.execute(
                """
                UPDATE projection_checkpoint c SET next_offset = e.next_offset, watermarks = e.watermarks FROM earlier e
                WHERE (c.consumer, c.topic, c.partition) = (e.consumer, e.topic, e.partition)
                """
            )
        async with world.pool.acquire() as reader:
            assert not await world.model.load(reader, lost)
        await world.write(1)  # what is noticed is the next batch
        await world.complete()


async def test_who_only_reads_makes_no_producer(world, log, monkeypatch):
    """FastStream's broker would start one beside the consumer, and leave it running when the log goes away just then."""
    async with world.relaying(log):
        await world.write(1)

        def none(**settings):
            raise AssertionError(f"a producer for {settings['client_id']}")

        monkeypatch.setattr("aiokafka.AIOKafkaProducer", none)
        async with world.following(log):
            await world.complete()


async def test_a_broker_that_forgets_everything(world):
    """Killed, restarted with a new cluster id and an empty log, events appended all the while: the feeds fill in."""
    dsn = world.stores.dsn
    with temporary_broker(topics=PARTITIONS) as broker:
        servers = broker.bootstrap_servers
        await prepare_log(dsn, servers)
        async with world.relaying(servers), world.following(servers) as subscription:
            await world.write(10)
            await world.complete()
            for _ in range(2):
                before = subscription.incarnation
                await world.write(10)  # on the topic or not, when it dies
                broker.process.kill()
                await world.write(10)
                await asyncio.to_thread(broker.process.start)
                await prepare_log(dsn, servers)
                await world.write(10)
                await world.complete("the view to catch up after the broker forgot")
                assert subscription.incarnation != before
            await world.write(5)
            await world.complete()


async def test_topics_made_anew_on_the_same_cluster(world, own_kafka):
    """Somebody deletes a topic: a new marker makes it a new log, and nothing is lost."""
    if own_kafka.kind == "embedded":
        pytest.skip("after a deletion the embedded broker gives two batches overlapping offsets now and then")
    servers = own_kafka.bootstrap_servers
    await prepare_log(world.stores.dsn, servers)
    async with world.relaying(servers):
        async with world.following(servers):
            await world.write(10)
            await world.complete()
        admin = AIOKafkaAdminClient(bootstrap_servers=servers)
        await admin.start()
        await admin.delete_topics([TICKETS])
        await admin.close()
        await world.write(10)
        await prepare_log(world.stores.dsn, servers)
        async with world.following(servers):
            await world.write(10)
            await world.complete()


# -- two at once -----------------------------------------------------------------------------------------------------


def records_of(events: list[Event], start: int = 0) -> list[Record]:
    """Return the records that a log would hold, one partition after the other."""
    offsets: dict[int, int] = {}
    found = []
    for event in events:
        partition = partition_of(str(event.stream_id).encode(), TICKETS)
        offset = offsets.setdefault(partition, start)
        offsets[partition] += 1
        found.append(Record(TICKETS, partition, offset, event))
    return found


async def test_two_projections_of_one_name_apply_the_same_batch(world):
    """A zombie: it waits for the checkpoint's lock and then finds its work done."""
    first, second = world.projection, world.another()
    assert await first.prepare("log") == await second.prepare("log")
    for start in (0, 1000):
        before = {event.event_id for event in await world.stored()}
        await world.write(10)
        fresh = records_of([event for event in await world.stored() if event.event_id not in before], start)
        await asyncio.gather(first.apply("log", fresh), second.apply("log", fresh))
        assert await world.differences() == []


async def test_two_projections_apply_overlapping_batches(world):
    first, second = world.projection, world.another()
    await first.prepare("log")
    await second.prepare("log")
    await world.write(12)
    records = records_of(await world.stored())
    for upto in (20, 50, 70, len(records)):
        results = await asyncio.gather(
            first.apply("log", records[:upto]), second.apply("log", records[: upto - 7]), return_exceptions=True
        )
        assert [r for r in results if r is not None and not isinstance(r, CheckpointLostError)] == []
    assert await world.differences() == []


async def test_who_follows_a_log_that_was_given_up_writes_nothing(world):
    zombie, new = world.projection, world.another()
    await zombie.prepare("old")
    await world.write(3)
    records = records_of(await world.stored())
    await new.prepare("new")  # catches up from the owners
    assert await world.differences() == []
    with pytest.raises(CheckpointLostError):
        await zombie.apply("old", records)
    assert await world.differences() == []


async def test_a_batch_that_fails_leaves_nothing_and_comes_again(world, monkeypatch):
    await world.projection.prepare("log")
    await world.write(3)
    records = records_of(await world.stored())
    real = world.model.save
    failing = [True]

    async def save(connection, rows, applied):
        await real(connection, rows, applied)
        if failing.pop():
            raise ConnectionResetError("the database went away before the commit")

    monkeypatch.setattr(world.model, "save", save)
    with pytest.raises(ConnectionResetError):
        await world.projection.apply("log", records)
    assert await world.pool.fetchval("SELECT count(*) FROM timeline") == 0
    failing.append(False)
    await world.projection.apply("log", records)
    assert await world.differences() == []


async def test_the_reactor_is_woken_once_something_is_in_its_inbox(world):
    await world.projection.prepare("log")
    inbox: list[int] = []
    woken = asyncio.Event()
    world.projection.on_work = woken.set
    await world.write(2)
    for record in records_of(await world.stored()):
        await world.projection.apply("log", [record])
        waiting = await world.pool.fetchval("SELECT count(*) FROM reaction_inbox")
        inbox.append(waiting)
        assert woken.is_set() == (waiting > sum(inbox[-2:-1])), record.content
        woken.clear()
    assert inbox[0] == 0 < inbox[-1], "some of these events ask for a reaction, and some do not"


# -- records that are none, and events that cannot be folded ---------------------------------------------------------


def _headers(headers: list, name: str, value: bytes | None) -> list:
    return [(key, value if key == name else old) for key, old in headers]


DAMAGE = {
    "a header that is no UTF-8": lambda key, value, headers: (key, value, _headers(headers, "ce_type", b"\xff\xfe")),
    "a null header": lambda key, value, headers: (key, value, _headers(headers, "ce_id", None)),
    "no JSON": lambda key, value, headers: (key, b"{", headers),
    "no value": lambda key, value, headers: (key, None, headers),
    "no headers": lambda key, value, headers: (key, value, []),
    "another's header that is no UTF-8": lambda key, value, headers: (key, value, [*headers, ("x", b"\xff")]),
}


@pytest.mark.parametrize("what", DAMAGE)
async def test_an_unreadable_record_is_survived_and_its_event_fetched_from_its_owner(world, log, what):
    async with world.following(log):
        await world.write(2)
        records = []
        for event in sorted(await world.stored(), key=lambda e: (e.version, e.source)):
            record = to_record(event)
            records.append(DAMAGE[what](*record) if (event.source, event.version) == ("intake", 2) else record)
        await publish(log, records)
        await world.complete()


async def test_a_gap_is_written_down_until_it_is_closed(world):
    (stream,) = await world.write(1)
    await world.projection.prepare("log")
    await world.pool.execute("TRUNCATE ticket, timeline")  # as if nothing had come yet
    events = await world.owners["intake"].page(0, 10)
    answers = world.feed.stream

    async def nothing(*_):
        return []

    world.feed.stream = nothing
    await world.projection.apply("log", [Record(TICKETS, 0, n, e) for n, e in enumerate([events[0], events[2]])])
    gap = await world.pool.fetchrow("SELECT stream_id, source, have, want FROM projection_gap")
    assert tuple(gap) == (stream, "intake", 1, 3)
    world.feed.stream = answers
    await world.projection.repair()
    assert await world.pool.fetchval("SELECT count(*) FROM projection_gap") == 0
    assert await world.pool.fetchval("SELECT versions ->> 'intake' FROM ticket") == "3"


async def test_a_repair_and_a_batch_do_not_overwrite_each_other(world):
    """Both load a ticket's row, fold something of their own into it, and save it whole."""
    stream = random_id()
    await world.projection.prepare("log")
    for owner in OWNERS:
        await world.owners[owner].append([command(owner, stream, EMPTY, FACTS[owner])[0]])
    intake, routing = [(await world.owners[owner].load(stream))[0] for owner in ("intake", "routing")]
    await world.projection.apply("log", [Record(TICKETS, 0, 0, intake[0]), Record(TICKETS, 0, 1, intake[2])])
    loaded, go_on = asyncio.Event(), asyncio.Event()
    load = world.model.load

    async def slowly(connection, ids):
        found = await load(connection, ids)
        if not loaded.is_set():
            loaded.set()
            await go_on.wait()
        return found

    world.model.load = slowly
    repairing = asyncio.create_task(world.projection.repair())
    await loaded.wait()
    batch = asyncio.create_task(world.another().apply("log", [Record(TICKETS, 0, 2, routing[0])]))

    async def waits_or_is_through() -> bool:
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        return batch.done() or await world.pool.fetchval(waiting) > 0

    await wait_until_async(waits_or_is_through, timeout=10, message="the batch to come to the repair")
    got_through = batch.done()
    go_on.set()
    await asyncio.gather(repairing, batch)
    assert not got_through, "the repair has overwritten what the batch had written"
    assert await world.pool.fetchval("SELECT versions FROM ticket") == {"intake": 3, "routing": 1}


async def test_poison_is_parked_the_rest_flows_and_a_retry_heals(world, log):
    async with world.relaying(log), world.following(log):
        await world.write(6)
        await world.complete()
        stream = random_id()
        wanted, _ = command("routing", stream, EMPTY, FACTS["routing"])
        world.model.poison = wanted.rows[0].event_id
        await world.owners["routing"].append([wanted])
        await world.owners["intake"].append([command("intake", stream, EMPTY, FACTS["intake"])[0]])
        await world.owners["workflow"].append([command("workflow", stream, EMPTY, FACTS["workflow"])[0]])
        more = await world.write(4)

        async def flowed() -> bool:
            rows = await world.pool.fetch("SELECT stream_id, versions FROM ticket WHERE number IS NOT NULL")
            versions = {row["stream_id"]: row["versions"] for row in rows}
            full = {"intake": 3, "routing": 2, "workflow": 3}
            return all(versions.get(s) == full for s in more) and versions.get(stream) == {"intake": 3, "workflow": 3}

        await wait_until_async(flowed, timeout=20, message="everything but the poisoned part")

        async def parked() -> bool:
            rows = await world.pool.fetch(
                "SELECT stream_id, source, version, reason FROM projection_parked ORDER BY version"
            )
            return [tuple(row) for row in rows] == [
                (stream, "routing", 1, "RuntimeError: poison"),
                (stream, "routing", 2, "an earlier event of this stream is parked"),
            ]

        await wait_until_async(parked, message="both events of the poisoned part to be parked")
        assert await parked_events.retry(world.projection) == 0, "still poisoned"
        assert await parked()
        world.model.poison = None
        assert await parked_events.retry(world.projection) == 2
        await world.complete()


async def test_what_comes_behind_a_parked_event_is_parked_in_a_later_batch_too(world):
    stream = random_id()
    await world.projection.prepare("log")
    await world.owners["intake"].append([command("intake", stream, EMPTY, FACTS["intake"])[0]])
    events, _ = await world.owners["intake"].load(stream)
    world.model.poison = events[0].event_id
    for number, event in enumerate(events):
        await world.projection.apply("log", [Record(TICKETS, 0, number, event)])
    parked = await world.pool.fetch("SELECT version FROM projection_parked ORDER BY version")
    assert [row["version"] for row in parked] == [1, 2, 3]
    assert await world.pool.fetchval("SELECT count(*) FROM projection_gap") == 0


async def test_an_unknown_type_is_skipped_and_its_version_counts(world):
    stream = random_id()
    await world.projection.prepare("log")
    await world.owners["routing"].append([command("routing", stream, EMPTY, FACTS["routing"])[0]])
    (one, two), _ = await world.owners["routing"].load(stream)
    unknown = replace(one, type="ledgerdesk.ticket.teleported", data={"to": "the moon"})
    await world.projection.apply("log", [Record(TICKETS, 0, 0, unknown), Record(TICKETS, 0, 1, two)])
    row = await world.pool.fetchrow("SELECT versions, agent, department FROM ticket")
    assert (row["versions"], str(row["agent"]), row["department"]) == ({"routing": 2}, JOHN, None)
    skipped = await world.pool.fetchrow("SELECT type, records FROM projection_unknown")
    assert tuple(skipped) == ("ledgerdesk.ticket.teleported", 1)


async def test_a_batch_moves_each_partition_behind_its_last_record(world):
    begun = await world.projection.prepare("log")
    await world.write(10)
    records = records_of(await world.stored())
    moved = dict(begun)
    for batch in (records[:50], records[30:]):  # the second begins with what is done
        await world.projection.apply("log", batch)
        for record in batch:
            place = (record.topic, record.partition)
            moved[place] = max(moved[place], record.offset + 1)
        assert await world.another().prepare("log") == moved


async def test_watermarks_are_kept_with_the_checkpoint(world, log):
    async with world.following(log):
        producer = AIOKafkaProducer(bootstrap_servers=log, enable_idempotence=False)
        await producer.start()
        try:
            for partition in range(PARTITIONS[TICKETS]):
                value, headers = watermark_record("intake", 10 + partition, NOON)
                await producer.send_and_wait(TICKETS, value, partition=partition, headers=headers)
        finally:
            await producer.stop()

        async def kept() -> bool:
            rows = await world.pool.fetch("SELECT partition, watermarks FROM projection_checkpoint ORDER BY partition")
            return [row["watermarks"].get("intake", {}).get("position") for row in rows] == list(range(10, 22))

        await wait_until_async(kept, message="the watermarks")
