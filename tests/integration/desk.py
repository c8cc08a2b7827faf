"""Stores, projections and what reacts, moved by hand: what comes when is the test's to say."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import orjson

from ledgerdesk.initialise import migrate_all
from ledgerdesk.verify import models_of
from shared import db
from shared.contracts.catalogue import OWNERS
from shared.contracts.event import Actor, Event, NewEvent, from_feed_line
from shared.contracts.topic_names import DIRECTORY, TICKETS
from shared.eventstore.appender import Appender
from shared.eventstore.store import EMPTY, EventStore
from shared.projection.projector import Projection
from shared.projection.records import Record
from shared.settings import SERVICES
from shared.testing.events import NOON, SYSTEM, command
from shared.testing.stores import StoreFeed

Handler = Callable[[Event], Awaitable[None]]


class Desk:
    """Every service's stores and views in one database."""

    def __init__(self, dsn: str, pools: dict[str, db.Pool]) -> None:
        self.dsn, self.pools = dsn, pools
        self.stores = {owner: EventStore(owner, pools[owner]) for owner in OWNERS}
        self.appenders = {owner: Appender(store) for owner, store in self.stores.items()}
        self.projections = {
            s: Projection(f"{s}.views", pools[s], models_of(s), StoreFeed(self.stores)) for s in SERVICES
        }
        self.offsets = {TICKETS: 0, DIRECTORY: 0}

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        """(service, event name) to what reacts."""
        return {}

    async def write(
        self, owner: str, stream: UUID, *facts: NewEvent, moment: datetime = NOON, actor: Actor = SYSTEM
    ) -> list[Event]:
        head = (await self.stores[owner].heads([stream])).get(stream, EMPTY)
        await self.stores[owner].append([command(owner, stream, head, facts, moment=moment, actor=actor)[0]])
        return (await self.stores[owner].load(stream))[0][head.version :]

    async def take(self, topic: str, events: list[Event]) -> None:
        """Let every service's projection read these."""
        start = self.offsets[topic]
        self.offsets[topic] += len(events)
        for projection in self.projections.values():
            await projection.apply("log", [Record(topic, 0, start + n, event) for n, event in enumerate(events)])

    async def told(self, owner: str, stream: UUID, topic: str = TICKETS, after: int = 0) -> None:
        """Let every projection read an owner's part of a stream."""
        await self.take(topic, (await self.stores[owner].load(stream, after))[0])

    async def inbox(self, service: str) -> list[Event]:
        rows = await self.pools[service].fetch("SELECT event FROM reaction_inbox ORDER BY id")
        return [from_feed_line(orjson.dumps(row["event"])) for row in rows]

    async def ends(self) -> dict[str, int]:
        """Return how far each store has come."""
        return {owner: await store.last_position() for owner, store in self.stores.items()}

    async def read_on(self, known: Mapping[str, int]) -> list[Event]:
        """Let everybody read what the stores have about tickets since then; returns it."""
        fresh = [e for owner, store in self.stores.items() for e in await store.page(known[owner], 1000)]
        about = [event for event in fresh if event.type.startswith("ledgerdesk.ticket.")]
        await self.take(TICKETS, about)
        return about

    async def react(self) -> None:
        """Do what the inboxes ask for, and let everybody read what comes of it, until nothing is asked."""
        while True:
            known = await self.ends()
            for service in OWNERS:
                for event in await self.inbox(service):
                    if (service, event.name) in self.handlers:
                        await self.handlers[service, event.name](event)
                await self.pools[service].execute("DELETE FROM reaction_inbox")
            if not await self.read_on(known):
                return


D = TypeVar("D", bound=Desk)


@asynccontextmanager
async def opened(kind: Callable[[str, dict[str, db.Pool]], D], dsn: str) -> AsyncIterator[D]:
    """Open a desk in an empty database."""
    await migrate_all(dsn)
    pools = {service: await db.create_pool(dsn, service, maximum=3) for service in SERVICES}
    desk = kind(dsn, pools)
    for appender in desk.appenders.values():
        appender.start()
    for projection in desk.projections.values():
        await projection.prepare("log")
    try:
        yield desk
    finally:
        for appender in desk.appenders.values():
            await appender.stop()
        for pool in pools.values():
            await pool.close()
