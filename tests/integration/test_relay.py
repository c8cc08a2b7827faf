"""The relay: at least once, in order per ticket, by one relay at a time, whatever breaks."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

import shared.relay
from shared.contracts.ids import random_id
from shared.contracts.topic_names import PARTITIONS
from shared.embedded import free_port
from shared.embedded.temporary import TemporaryBroker
from shared.eventstore.appender import Appender
from shared.eventstore.store import EMPTY
from shared.relay import BATCH_BYTES, CursorMovedError, Relay, partition_of
from shared.testing.events import command, created, message
from shared.testing.proxy import Proxy, proxy
from shared.testing.topic import ends_of, events_of, first_occurrences, read_topic, watermarks_of
from shared.testing.wait import wait_until_async
from shared.topics import create_topics

TICKETS = "ledgerdesk.tickets"


def producers(bootstrap_servers: str, idempotent: bool = False, **options) -> Callable[[], AIOKafkaProducer]:
    def make() -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers, acks="all", linger_ms=0, enable_idempotence=idempotent,
            **{"max_batch_size": BATCH_BYTES, "max_request_size": BATCH_BYTES + 100_000, "request_timeout_ms": 5000, **options},
        )  # fmt: skip

    return make


class Tap:
    """Opens a relay's connections, knows their backends, and can keep a relay from coming back."""

    def __init__(self, stores) -> None:
        self._stores = stores
        self.pids: list[int] = []
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self):
        await self.open.wait()
        connection = await self._stores.connection("intake")
        self.pids.append(connection.get_server_pid())
        return connection


async def append(store, tickets: int, versions: int) -> dict:
    """Append tickets of so many events each, a commit per round; returns what must come: stream -> 1..n."""
    heads = {random_id(): EMPTY for _ in range(tickets)}
    for version in range(versions):
        batch = []
        for stream, head in heads.items():
            wanted, heads[stream] = command("intake", stream, head, [message() if version else created()])
            batch.append(wanted)
        await store.append(batch)
    return {stream: list(range(1, versions + 1)) for stream in heads}


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[Relay]:
    relay.start()
    try:
        yield relay
    finally:
        await relay.stop()


async def caught_up(relay: Relay, store) -> None:
    async def there() -> bool:
        return relay.active and relay.position == await store.last_position()

    await wait_until_async(there, timeout=30, message="the relay to come to the end of its store")


def missing_or_disordered(expected: dict, found: dict) -> list[str]:
    """Return what is wrong: each ticket's events must first turn up as 1..n."""
    return [
        f"{stream}: {found.get(stream, [])}" for stream, versions in expected.items() if found.get(stream) != versions
    ]


async def on_topic(kafka, after=None) -> dict:
    return first_occurrences(events_of(await read_topic(kafka.bootstrap_servers, TICKETS, after), "intake"))


async def test_every_ticket_arrives_in_order_under_load(stores, kafka):
    store = await stores.open(connections=2)
    appender = Appender(store)
    relay = Relay("intake", Tap(stores), producers(kafka.bootstrap_servers, kafka.idempotent), appender.appended)
    start = await ends_of(kafka.bootstrap_servers, TICKETS)
    appender.start()
    expected: dict = {}

    async def ticket(number: int) -> None:
        stream, head = random_id(), EMPTY
        for version in range(1, 16):
            wanted, head = command("intake", stream, head, [message() if version > 1 else created(str(number))])
            assert (await appender.append(wanted)).kind == "appended"
        expected[stream] = list(range(1, 16))

    async with running(relay):
        await asyncio.gather(*(ticket(number) for number in range(100)))
        await caught_up(relay, store)
    await appender.stop()
    records = await read_topic(kafka.bootstrap_servers, TICKETS, start)
    events = events_of(records, "intake")
    assert missing_or_disordered(expected, first_occurrences(events)) == []
    assert len(events) == 1500, "nothing is sent twice when nothing breaks"
    for record in records:
        if getattr(record.content, "stream_id", None) in expected:
            assert record.partition == partition_of(str(record.content.stream_id).encode(), TICKETS)


async def test_watermarks_say_what_stands_before_them(stores, kafka):
    store = await stores.open()
    start = {topic: await ends_of(kafka.bootstrap_servers, topic) for topic in (TICKETS, "ledgerdesk.directory")}
    relay = Relay("intake", Tap(stores), producers(kafka.bootstrap_servers, kafka.idempotent), asyncio.Event())
    async with running(relay):
        await append(store, 20, 3)
        await caught_up(relay, store)
        last = await store.last_position()
        for topic, begin in start.items():

            async def marked(topic=topic, begin=begin) -> bool:
                found = watermarks_of(await read_topic(kafka.bootstrap_servers, topic, begin), "intake")
                return {partition for partition, position in found if position == last} == set(range(PARTITIONS[topic]))

            await wait_until_async(marked, timeout=10, message=f"watermarks on every partition of {topic}")
    upto: dict[int, int] = {}
    for record in await read_topic(kafka.bootstrap_servers, TICKETS, start[TICKETS]):
        position = getattr(record.content, "position", 0)
        if watermarks_of([record], "intake"):
            upto[record.partition] = position
        elif events_of([record], "intake"):
            assert position > upto.get(record.partition, 0), "an event behind a watermark that covers it"


async def test_the_cursor_moves_only_from_where_the_relay_left_it(stores, kafka):
    store = await stores.open()
    expected = await append(store, 5, 2)
    start = await ends_of(kafka.bootstrap_servers, TICKETS)
    relay = Relay("intake", Tap(stores), producers(kafka.bootstrap_servers, kafka.idempotent), asyncio.Event())
    async with running(relay):
        await caught_up(relay, store)
        await store.pool.execute("UPDATE relay_cursor SET position = 3")  # somebody else's doing
        expected |= await append(store, 5, 2)
        await caught_up(relay, store)
        assert await store.pool.fetchval("SELECT position FROM relay_cursor") == await store.last_position()
    events = events_of(await read_topic(kafka.bootstrap_servers, TICKETS, start), "intake")
    assert missing_or_disordered(expected, first_occurrences(events)) == []
    assert len(events) > 20, "it went back to where the cursor was put"


async def test_a_zombie_is_told_so_by_the_cursor(stores, kafka):
    """Two relays that both believe they are the active one (a lock lost unnoticed): one of them stops."""
    store = await stores.open()
    expected = await append(store, 5, 4)
    start = await ends_of(kafka.bootstrap_servers, TICKETS)
    make = producers(kafka.bootstrap_servers, kafka.idempotent)
    relays = [Relay("intake", Tap(stores), make, asyncio.Event()) for _ in range(2)]

    async def reign(relay: Relay) -> None:
        producer = make()
        await producer.start()
        try:
            await relay._send_pages(await stores.connection("intake"), producer)
        finally:
            await producer.stop()

    tasks = [asyncio.create_task(reign(relay)) for relay in relays]
    rounds = 0
    while not any(task.done() for task in tasks) and rounds < 100:
        rounds += 1
        expected |= await append(store, 3, 2)
    done, rest = await asyncio.wait(tasks, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    assert len(done) >= 1
    for task in done:
        assert isinstance(task.exception(), CursorMovedError)
    async with running(Relay("intake", Tap(stores), make, asyncio.Event())) as relay:
        await caught_up(relay, store)
    assert missing_or_disordered(expected, await on_topic(kafka, start)) == []


async def test_a_standby_waits_and_takes_over_when_the_connection_is_lost(stores, kafka):
    store = await stores.open()
    start = await ends_of(kafka.bootstrap_servers, TICKETS)
    make = producers(kafka.bootstrap_servers, kafka.idempotent)
    taps = [Tap(stores), Tap(stores)]
    first, second = (Relay("intake", tap, make, asyncio.Event()) for tap in taps)
    async with running(first):
        expected = await append(store, 10, 2)
        await caught_up(first, store)
        async with running(second):
            await wait_until_async(lambda: bool(taps[1].pids), message="the second relay to ask for the lock")
            expected |= await append(store, 10, 2)
            await caught_up(first, store)
            assert not second.active
            taps[0].open.clear()  # the first does not come back: its host is gone
            killer = await asyncpg.connect(stores.dsn)
            assert await killer.fetchval("SELECT pg_terminate_backend($1)", taps[0].pids[-1])
            await killer.close()
            expected |= await append(store, 10, 2)
            await wait_until_async(lambda: second.active and not first.active, message="the takeover")
            expected |= await append(store, 10, 2)
            await caught_up(second, store)
    assert missing_or_disordered(expected, await on_topic(kafka, start)) == []


async def test_what_does_not_fit_into_a_batch_waits_for_the_next_page(stores, kafka):
    store = await stores.open()
    start = await ends_of(kafka.bootstrap_servers, TICKETS)
    make = producers(kafka.bootstrap_servers, kafka.idempotent, max_batch_size=8_000)
    async with running(Relay("intake", Tap(stores), make, asyncio.Event())) as relay:
        expected = await append(store, 30, 10)
        await caught_up(relay, store)
    assert missing_or_disordered(expected, await on_topic(kafka, start)) == []


async def test_a_relay_outlives_what_nobody_expected(stores, kafka):
    store = await stores.open()
    start = await ends_of(kafka.bootstrap_servers, TICKETS)
    makers = [
        producers(kafka.bootstrap_servers, kafka.idempotent),
        producers(kafka.bootstrap_servers, no_such_option=1),
    ]

    def make() -> AIOKafkaProducer:
        return makers.pop()()

    expected = await append(store, 3, 2)
    async with running(Relay("intake", Tap(stores), make, asyncio.Event())) as relay:
        await caught_up(relay, store)
    assert missing_or_disordered(expected, await on_topic(kafka, start)) == []


async def test_stopping_sends_nothing_more_and_the_next_relay_goes_on(stores, kafka):
    store = await stores.open()
    start = await ends_of(kafka.bootstrap_servers, TICKETS)
    make = producers(kafka.bootstrap_servers, kafka.idempotent)
    expected: dict = {}
    for _ in range(8):
        async with running(Relay("intake", Tap(stores), make, asyncio.Event())) as relay:
            await wait_until_async(lambda relay=relay: relay.active)
            expected |= await append(store, 10, 3)  # stopped wherever it stands
    async with running(Relay("intake", Tap(stores), make, asyncio.Event())) as relay:
        await caught_up(relay, store)
    assert missing_or_disordered(expected, await on_topic(kafka, start)) == []


# -- a network that fails --------------------------------------------------------------------------------------------


class ProxiedBroker(TemporaryBroker):
    """A broker that tells clients to come through the proxy's port."""

    def __init__(self, directory, port, advertised) -> None:
        self._advertised = f"tcp://127.0.0.1:{advertised}"
        super().__init__(directory, port)

    def _argv(self) -> list[str]:
        argv = super()._argv()
        argv[argv.index("--advertised-listener-url") + 1] = self._advertised
        return argv


@pytest.fixture
async def bad_network(tmp_path) -> AsyncIterator[tuple[Proxy, str]]:
    """A broker behind a proxy, and the address to reach it through."""
    outside, inside = free_port(), free_port()
    broker = ProxiedBroker(tmp_path, inside, outside)
    broker.process.start()
    try:
        async with proxy(outside, inside) as between:
            await create_topics(f"127.0.0.1:{outside}")
            yield between, f"127.0.0.1:{outside}"
    finally:
        broker.process.kill()


async def relayed_over(stores, bad_network, faults: int) -> list[str]:
    """Relay while the network stalls and breaks in the middle of pages; returns what is wrong on the topic."""
    between, address = bad_network
    store = await stores.open("intake", 2)
    relay = Relay("intake", Tap(stores), producers(address, request_timeout_ms=250), asyncio.Event())
    expected: dict = {}
    async with running(relay):
        await wait_until_async(lambda: relay.active, timeout=20)
        for _ in range(faults):
            before = between.forwarded
            filling = asyncio.create_task(append(store, 20, 8))
            await wait_until_async(
                lambda before=before: between.forwarded > before + 2_000, message="a page to be under way"
            )
            between.stall()
            expected |= await filling
            await asyncio.sleep(0.4)  # the fault itself: long enough for a batch to expire
            between.cut()
            await wait_until_async(lambda: relay.active, timeout=20)
        expected |= await append(store, 20, 2)
        await caught_up(relay, store)
        await asyncio.sleep(0.5)  # what a mutant still has queued comes through
    found = first_occurrences(events_of(await read_topic(address, TICKETS), "intake"))
    return missing_or_disordered(expected, found)


async def test_order_survives_a_network_that_cuts_pages_in_the_middle(stores, bad_network, monkeypatch):
    monkeypatch.setattr(shared.relay, "PAGE", 25)
    assert await relayed_over(stores, bad_network, faults=4) == []


async def test_the_check_notices_a_relay_that_does_not_wait_for_acknowledgements(stores, bad_network, monkeypatch):
    async def hasty(producer, builders):
        for (topic, partition), builder in builders.items():
            sent = await producer.send_batch(builder, topic, partition=partition)
            sent.add_done_callback(lambda future: future.exception())  # nobody waits for it

    monkeypatch.setattr(shared.relay, "PAGE", 25)
    monkeypatch.setattr(shared.relay, "_send_all", hasty)
    for _ in range(5):
        wrong = await relayed_over(stores, bad_network, faults=2)
        if wrong:
            return
    pytest.fail("a relay that does not wait was not noticed in five rounds")


async def test_a_re_sent_page_is_whole(stores, bad_network, monkeypatch):
    """What is sent again after a failure begins where the cursor stands: duplicates, never holes."""
    monkeypatch.setattr(shared.relay, "PAGE", 25)
    assert await relayed_over(stores, bad_network, faults=1) == []
    _, address = bad_network
    versions = Counter((e.stream_id, e.version) for e in events_of(await read_topic(address, TICKETS), "intake"))
    assert max(versions.values()) <= 3
