"""The gateway, wired."""

import asyncio

from argon2 import PasswordHasher

from services.gateway import api, domain, pages, presence, stream
from services.gateway.reactions import AccountForgetting
from services.gateway.views import TicketView
from shared import db
from shared.configuration import entry_after, no_entry
from shared.contracts.event import Event
from shared.eventstore.appender import Appender
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Ledger
from shared.eventstore.store import EventStore
from shared.http.internal import internal_router
from shared.projection.reactor import Reactor
from shared.service import Kernel, Service, common_parts, projection_of, relay_of

VIEWS = (TicketView(),)
ROUTERS = (*api.ROUTERS, stream.router, presence.router, internal_router("gateway"))
PAGES = (pages.router,)
"""At the root of the origin, not below /api/v1."""


def _nothing() -> None:
    return None


def _same(state: None, event: Event) -> None:
    del event
    return state


async def build(kernel: Kernel) -> Service:
    """Return the service."""
    parts = await common_parts(kernel, "gateway")
    store = EventStore("gateway", parts.pool)
    appender = Appender(store)
    gateway = api.Gateway(
        kernel.settings, parts.pool, parts.directory, kernel.tokens,
        Ledger(store, appender, domain.Account, domain.evolve_account), Ledger(store, appender, _nothing, _same),
        Ledger(store, appender, domain.Key, domain.evolve_key),
        Ledger(store, appender, domain.Session, domain.evolve_session), Ledger(store, appender, no_entry, entry_after),
        PasswordHasher(),
    )  # fmt: skip
    forgetting = AccountForgetting(parts.pool, Eraser(store, appender), gateway.keys, gateway.sessions)
    dsn = kernel.settings.database_url
    reactor = Reactor("gateway", lambda: db.connect(dsn, "gateway"), parts.pool, {"forgotten": forgetting.on_forgotten})
    tail = stream.FeedTail(parts.pool)

    async def sweep() -> None:
        await parts.pool.execute(f"DELETE FROM feed WHERE added_at < now() - interval '{stream.KEPT}'")
        await presence.sweep(parts.pool)

    async def sweep_hourly() -> None:
        while True:
            await asyncio.sleep(3600)
            await sweep()

    sweeper: list[asyncio.Task[None]] = []

    async def start() -> None:
        await sweep()
        sweeper.append(asyncio.create_task(sweep_hourly(), name="feed-sweeper"))

    async def stop() -> None:
        await tail.stop()
        for task in sweeper:
            task.cancel()

    return Service(
        name="gateway", kernel=kernel, pool=parts.pool, directory=parts.directory, authenticator=parts.authenticator,
        routers=ROUTERS, projection=projection_of(kernel, "gateway", parts.pool, VIEWS), store=store,
        appender=appender, relay=relay_of(kernel, "gateway", parts.pool, appender), components=gateway,
        extras={"tail": tail}, reactor=reactor,
        on_start=[start], on_stop=[stop],
    )  # fmt: skip
