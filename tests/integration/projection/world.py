"""Three owners' stores with a view of them that can be made to fail, and a log that one can follow or make up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import reduce
from uuid import UUID

from aiokafka import AIOKafkaProducer

from services.workflow.views import TicketView, audit_timeline
from shared.contracts.event import Event, NewEvent
from shared.contracts.ids import random_id
from shared.eventstore.store import EMPTY, EventStore
from shared.projection.projector import Projection
from shared.projection.records import Record
from shared.projection.subscription import Subscription
from shared.relay import Relay, partition_of
from shared.testing.events import command, created, message
from shared.testing.stores import StoreFeed, Stores
from shared.testing.wait import wait_until_async

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


async def publish(bootstrap_servers: str, records: list[tuple[bytes, bytes, list]]) -> None:
    """Send (key, value, headers) by hand, in this order per key."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, enable_idempotence=False)
    await producer.start()
    try:
        for key, value, headers in records:
            await producer.send_and_wait(TICKETS, value, key, partition_of(key, TICKETS), headers=headers)
    finally:
        await producer.stop()


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
