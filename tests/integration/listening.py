"""Two processes of the gateway, and who listens to their streams: for tests of who is told what."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

from ledgerdesk.initialise import migration_folders
from services.gateway import stream
from services.gateway.place import place_of
from services.gateway.stream import FeedTail, Listener
from shared import db
from shared.http.caller import Again, Caller
from shared.testing.servers import PostgresAt, database
from shared.testing.stores import prepare
from shared.testing.wait import wait_until_async

Heard = list[dict[str, Any]]
Listen = Callable[..., Awaitable[tuple[Heard, asyncio.Task[None]]]]


class Connected:
    """A request of a client who stays."""

    async def is_disconnected(self) -> bool:
        return False


@asynccontextmanager
async def two_processes(server: PostgresAt) -> AsyncIterator[list[db.Pool]]:
    """Give the pools of two processes of the gateway, on one database."""
    async with database(server) as dsn:
        await prepare(dsn, {"gateway": migration_folders("gateway")})
        both = [await db.create_pool(dsn, "gateway", maximum=3) for _ in range(2)]
        yield both
        for pool in both:
            await pool.close()


@asynccontextmanager
async def listeners(pools: Sequence[db.Pool]) -> AsyncIterator[Listen]:
    """Give what opens somebody's stream, in a process: returns what he hears, and the task. Each process has a tail of its own."""
    tails = [FeedTail(pool) for pool in pools]
    opened: list[asyncio.Task[None]] = []

    async def of(
        caller: Caller, process: int = 0, again: Again | None = None, last: str | None = None
    ) -> tuple[Heard, asyncio.Task[None]]:
        async def same() -> Caller:
            return caller

        found: Heard = []
        listener = Listener(caller, again or same, place_of(last) if last is not None else None)

        async def read() -> None:
            events = stream._events(Connected(), pools[process], tails[process], listener, resumed=last is not None)
            async with aclosing(events):
                async for event in events:  # one by one: the test looks while it listens
                    found.append({"event": event.event, "id": event.id, **json.loads(event.data)})

        task = asyncio.create_task(read())
        opened.append(task)
        await wait_until_async(lambda: tails[process]._listeners or task.done(), message="the tail")
        return found, task

    yield of
    for task in opened:
        task.cancel()
    await asyncio.gather(*opened, return_exceptions=True)
    for tail in tails:
        await tail.stop()
