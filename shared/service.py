"""What a service is made of, and how it starts and stops. Each service's `app.py` fills one of these; nothing else wires."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from fastapi import Request

from shared import db
from shared.contracts.catalogue import OWNERS
from shared.directory import views as directory_views
from shared.directory.people import Directory
from shared.eventstore.appender import Appender
from shared.eventstore.store import EventStore
from shared.http.caller import Authenticator
from shared.http.seen import Seen
from shared.incarnation import IncarnationWatch
from shared.kafka import AIOKafkaProducer
from shared.projection.feed import HttpFeed
from shared.projection.model import AnyModel
from shared.projection.projector import Projection
from shared.projection.reactor import Reactor
from shared.projection.subscription import Subscription
from shared.relay import BATCH_BYTES, Relay
from shared.settings import Settings
from shared.tokens import Tokens

PARTS = ("http", "relay", "projector", "reactor")
"""What a process may run of a service."""


@dataclass(slots=True)
class Kernel:
    """What every service is given."""

    settings: Settings
    tokens: Tokens
    feed: HttpFeed
    seen: Seen

    @classmethod
    def of(cls, settings: Settings) -> "Kernel":
        """Return the kernel for these settings."""
        tokens = Tokens(settings)
        seen = Seen(lambda: settings.url_of("gateway"), tokens.internal)
        return cls(settings, tokens, HttpFeed(settings.url_of, tokens.internal), seen)


class Helper(Protocol):
    """Something that acts by itself, beside the reactor: timers, regular looks."""

    def start(self) -> None:
        """Begin, in the running event loop."""
        ...

    async def stop(self) -> None:
        """Stop."""
        ...


@dataclass(slots=True)
class Service:
    """A service, wired. `components` is what its own routes work with."""

    name: str
    kernel: Kernel
    pool: db.Pool
    directory: Directory
    authenticator: Authenticator
    projection: Projection
    store: EventStore | None = None
    appender: Appender | None = None
    relay: Relay | None = None
    reactor: Reactor | None = None
    helpers: Sequence[Helper] = ()
    components: Any = None
    subscriptions: Sequence[Subscription] = ()
    on_start: Sequence[Callable[[], Awaitable[None]]] = ()
    on_stop: Sequence[Callable[[], Awaitable[None]]] = ()
    extras: dict[str, Any] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)

    async def start(self, parts: Sequence[str]) -> None:
        """Start these parts. The projection is started by the process's one subscription."""
        self.started = set(parts)
        if self.appender is not None and self.started & {"http", "reactor"}:
            self.appender.start()
        if self.relay is not None and "relay" in self.started:
            self.relay.start()
        if "reactor" in self.started:
            if self.reactor is not None:
                self.reactor.start()
            for helper in self.helpers:
                helper.start()
            for subscription in self.subscriptions:
                subscription.start()
        if "http" in self.started:
            for hook in self.on_start:
                await hook()

    async def stop(self) -> None:
        """Stop: first what acts by itself, then what answers, then the connections."""
        for subscription in self.subscriptions:
            await subscription.stop()
        for hook in self.on_stop:
            await hook()
        for helper in self.helpers:
            await helper.stop()
        if self.reactor is not None:
            await self.reactor.stop()
        if self.appender is not None:
            await self.appender.stop()
        if self.relay is not None:
            await self.relay.stop()
        await self.pool.close()


def producer_of(settings: Settings) -> Callable[[], AIOKafkaProducer]:
    """Return a maker of producers as the relay wants them: acknowledged by all, no lingering."""

    def make() -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap_servers, acks="all", linger_ms=0, max_batch_size=BATCH_BYTES,
            max_request_size=BATCH_BYTES + 100_000, enable_idempotence=settings.kafka_idempotence,
            request_timeout_ms=10_000,
        )  # fmt: skip

    return make


@dataclass(slots=True)
class Parts:
    """The parts every service has in common, before its own are added."""

    pool: db.Pool
    directory: Directory
    authenticator: Authenticator


async def common_parts(kernel: Kernel, name: str) -> Parts:
    """Open the service's pool and what reads its directory."""
    pool = await db.create_pool(kernel.settings.database_url, name)
    directory = Directory(pool)
    return Parts(pool, directory, Authenticator(kernel.settings, pool, directory, kernel.tokens, kernel.seen))


def projection_of(kernel: Kernel, name: str, pool: db.Pool, models: Sequence[AnyModel]) -> Projection:
    """Return the service's projection: its own views and its copy of the directory."""
    return Projection(f"{name}.views", pool, [*directory_views.models(reacts=name in OWNERS), *models], kernel.feed)


def relay_of(kernel: Kernel, name: str, pool: db.Pool, appender: Appender) -> Relay:
    """Return the relay of an owner."""
    settings = kernel.settings
    watch = IncarnationWatch(settings.kafka_bootstrap_servers, pool) if settings.kafka_republish else None
    return Relay(
        name, lambda: db.connect(settings.database_url, name), producer_of(settings), appender.appended,
        watch,
    )  # fmt: skip


def component(service: str) -> Callable[[Request], Any]:
    """Return a FastAPI dependency that gives a route its own service's components."""

    async def of(request: Request) -> Any:  # not awaiting anything, but a plain function would cost a thread each time
        return request.app.state.services[service].components

    return of
