"""The gateway, wired."""

import asyncio

from services.gateway import api, domain, presence, stream
from services.gateway.brand_images import MOST_IMAGE
from services.gateway.domain import credentials
from services.gateway.domain import guests as guest_links
from services.gateway.guests import GuestAccess
from services.gateway.linking import Linking, registering
from services.gateway.oidc import Providers
from services.gateway.passwords import Passwords
from services.gateway.reactions import AccountForgetting
from services.gateway.second_factor import SecondFactor
from services.gateway.signing_in import SignIns
from services.gateway.throttle import Throttle
from services.gateway.views import TicketView
from shared import db
from shared.configuration import entry_after, no_entry
from shared.eventstore.appender import Appender
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Ledger
from shared.eventstore.store import EventStore
from shared.files import Files
from shared.projection.reactor import Reactor
from shared.service import Kernel, Service, common_parts, projection_of, relay_of

VIEWS = (TicketView(),)


async def build(kernel: Kernel) -> Service:
    """Return the service."""
    parts = await common_parts(kernel, "gateway")
    store = EventStore("gateway", parts.pool)
    appender = Appender(store)
    settings, pool = kernel.settings, parts.pool
    accounts = Ledger(store, appender, domain.Account, domain.evolve_account)
    secrets = Ledger(store, appender, credentials.Credentials, credentials.evolve)
    keys = Ledger(store, appender, domain.Key, domain.evolve_key)
    sessions = Ledger(store, appender, domain.Session, domain.evolve_session)
    sign_ins = SignIns(
        settings, pool, parts.directory, kernel.tokens, accounts, secrets, sessions, Passwords(), SecondFactor(settings),
        Throttle(pool, settings.derived_key("sign-in")),
    )  # fmt: skip
    identities = Ledger(store, appender, credentials.Identity, credentials.evolve_identity)
    providers = Providers(settings.oidc_providers)
    guests = GuestAccess(
        settings, pool, parts.directory, kernel.tokens, Ledger(store, appender, guest_links.Guests, guest_links.evolve)
    )
    gateway = api.Gateway(
        settings, pool, parts.directory, kernel.tokens, accounts, secrets, identities, keys, sessions,
        Ledger(store, appender, no_entry, entry_after), sign_ins,
        Linking(sign_ins, identities, registering(settings, kernel.tokens, providers.client)), providers, guests,
        Files(settings.files_at, MOST_IMAGE),
    )  # fmt: skip
    forgetting = AccountForgetting(pool, Eraser(store, appender), keys, sessions, guests.ledger)
    dsn = kernel.settings.database_url
    reactor = Reactor("gateway", lambda: db.connect(dsn, "gateway"), parts.pool, {"forgotten": forgetting.on_forgotten})
    tail = stream.FeedTail(parts.pool)

    async def sweep() -> None:
        await parts.pool.execute(f"DELETE FROM feed WHERE added_at < now() - interval '{stream.KEPT}'")
        await parts.pool.execute("DELETE FROM session_seen WHERE seen_at < now() - interval '2 days'")
        await sign_ins.throttle.sweep()
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
        await guests.stop()
        await providers.close()
        for task in sweeper:
            task.cancel()

    return Service(
        name="gateway", kernel=kernel, pool=parts.pool, directory=parts.directory, authenticator=parts.authenticator,
        projection=projection_of(kernel, "gateway", parts.pool, VIEWS), store=store,
        appender=appender, relay=relay_of(kernel, "gateway", parts.pool, appender), components=gateway,
        extras={"tail": tail}, reactor=reactor,
        on_start=[start], on_stop=[stop],
    )  # fmt: skip
