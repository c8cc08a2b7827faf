"""A process that hosts services: which ones, and which of their parts. `up`, `serve`, compose and tests all come through here."""

import asyncio
import gc
import importlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from ledgerdesk.audit.daily import DailySeals
from shared import db
from shared.projection.deadletters import DeadLetters
from shared.projection.subscription import Subscription
from shared.service import PARTS, Kernel, Service, producer_of
from shared.settings import Settings

log = structlog.get_logger("host")


def module_of(service: str) -> Any:
    """Return the composition root of a service."""
    return importlib.import_module(f"services.{service}.app")


def routes_of(service: str) -> Any:
    """Return what a service answers by HTTP: `ROUTERS` below the API, and the gateway's `PAGES`; `prepare` is called before either."""
    return importlib.import_module(f"services.{service}.routes")


@dataclass
class Host:
    """Services in this process, with those of their parts that run here."""

    settings: Settings
    names: Sequence[str]
    parts: Mapping[str, Sequence[str]]
    services: dict[str, Service] = field(default_factory=dict)
    kernel: Kernel | None = None
    subscription: Subscription | None = None
    seals: DailySeals | None = None

    @classmethod
    def of(cls, settings: Settings, names: Sequence[str], parts: Sequence[str] = PARTS, moved: str = "") -> "Host":
        """Return a host of these parts of these services; `moved` (``routing.relay``) makes exceptions, ``-`` before one takes it out."""
        chosen: dict[str, list[str]] = {name: list(parts) for name in names}
        for item in filter(None, moved.split(",")):
            service, _, part = item.removeprefix("-").partition(".")
            if item.startswith("-"):
                chosen[service].remove(part)
            else:
                chosen[service].append(part)
        return cls(settings, names, chosen)

    async def start(self) -> None:
        """Wait for the servers and the init step, then start everything."""
        await db.wait_until_up(self.settings.database_url, 60)
        kernel = self.kernel = Kernel.of(self.settings)
        if any("http" in parts for parts in self.parts.values()):
            await kernel.seen.start()
        for name in self.names:
            self.services[name] = await module_of(name).build(kernel)
        projecting = [s for n, s in self.services.items() if "projector" in self.parts[n]]
        if projecting:
            name = "ledgerdesk-" + "-".join(service.name for service in projecting)
            self.subscription = Subscription(
                name, self.settings.kafka_bootstrap_servers, projecting[0].pool, [service.projection for service in projecting],
                group=self.settings.consumer_groups, instance=self.settings.consumer_instance or None,
                dead_letters=DeadLetters(producer_of(self.settings)),
            )  # fmt: skip
        for name, service in self.services.items():
            if service.reactor is not None and "reactor" in self.parts[name]:
                service.projection.on_work = service.reactor.wake.set
            await service.start(self.parts[name])
        if self.subscription is not None:
            self.subscription.start()
        if self.settings.audit_key_file is not None and "http" in self.parts.get("gateway", ()):
            self.seals = DailySeals(self.settings, self.settings.audit_key_file)
            self.seals.start()

    async def stop(self) -> None:
        """Stop in the order that loses nothing: projectors, then services (reactors, appenders, relays, pools)."""
        if self.kernel is not None:
            await self.kernel.seen.stop()
        if self.seals is not None:
            await self.seals.stop()
        if self.subscription is not None:
            await self.subscription.stop()
        for service in self.services.values():
            await service.stop()
        for service in self.services.values():
            await service.kernel.feed.close()

    def ready(self) -> bool:
        """Whether this process accepts commands and its subscriptions are assigned. Lag is a metric, no condition."""
        following = self.subscription is None or self.subscription.ready.is_set()
        others = all(
            s.ready.is_set() for n, service in self.services.items() if "reactor" in self.parts[n]
            for s in service.subscriptions
        )  # fmt: skip
        return bool(self.services) and following and others

    def state(self) -> str:
        """Return whether it is ready, in words; `catching up` where the log lacks what the owners have, which takes long for a large store."""
        if self.ready():
            return "ready"
        read = sum(service.projection.caught_up for service in self.services.values())
        return f"catching up: {read:,} events read" if read else "starting"


def load(host: Host) -> None:
    """Load the services, and the routes of those that answer requests: most of what a start takes.

    The garbage collector rests meanwhile, since what is loaded stays; `collect_seldom` wakes it.
    """
    gc.disable()
    for name, parts in host.parts.items():
        module_of(name)
        if "http" in parts:
            prepare = getattr(routes_of(name), "prepare", None)
            if prepare is not None:
                prepare(host.settings)


def collect_seldom() -> None:
    """Let the garbage collector look seldom: what is imported stays, and what comes and goes is events, thousands at a time, hardly ever in cycles."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()


def _say(ready_file: Path, state: str) -> None:
    ready_file.parent.mkdir(parents=True, exist_ok=True)
    ready_file.write_text(f"{state} {os.getpid()}")


async def work(host: Host, ready_file: Path | None = None) -> None:
    """Run projectors, reactors and relays without HTTP until told to stop; says in a file whether it is ready."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await host.start()
    said = ""
    try:
        while not stopping.is_set():
            now = host.state()
            if ready_file is not None and now != said:
                _say(ready_file, now)
                said = now
            try:
                await asyncio.wait_for(stopping.wait(), 0.1)
            except TimeoutError:
                continue
    finally:
        await host.stop()
