"""Alarms: promises of many tickets that are broken at the same moment, each said once, at the exact moment, by two workers.

The view is projected beside them, as it is where they work: a timer goes away when the view shows what came of it, and one that
stays is taken again when its lease ends. Without, a machine that needs longer than the lease would never be done.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bench.figures import Figure
from ledgerdesk.initialise import migrate_all
from ledgerdesk.verify import models_of
from services.workflow import domain
from services.workflow.alarms import OTHERS, Alarms
from shared import db
from shared.configuration import entry_after, no_entry
from shared.contracts.catalogue import OWNERS
from shared.contracts.event import NewEvent, rfc3339
from shared.contracts.ids import directory_id
from shared.contracts.topic_names import TICKETS as TOPIC
from shared.directory.people import Directory
from shared.eventstore.appender import Appender
from shared.eventstore.ledger import Ledger
from shared.eventstore.store import EMPTY, EventStore
from shared.projection.projector import Projection
from shared.projection.records import Record
from shared.testing.events import command, created
from shared.testing.servers import KafkaAt, PostgresAt, database
from shared.testing.stores import StoreFeed
from shared.timers import Timers

TICKETS = 100_000
SECONDS = 60.0
BATCH = 500
WORKERS = 2
PLAN = {
    "key": "gold", "name": "Gold", "order": 1, "calendar": None, "priorities": [], "severities": [], "departments": [],
    "topics": [], "targets": {"own": None, "first_response": None, "next_update": None, "resolution": 60}, "warn_percent": 0,
    "pause_on_hold": True, "ladder": [], "active": True, "version": 1,
}  # fmt: skip


@asynccontextmanager
async def _worker(dsn: str) -> AsyncIterator[Timers]:
    """Give what a worker process has of alarms; the others' stores are asked themselves, without HTTP between."""
    pool = await db.create_pool(dsn, "workflow")
    others = {owner: await db.create_pool(dsn, owner, maximum=1) for owner in OTHERS}
    store = EventStore("workflow", pool)
    appender = Appender(store)
    appender.start()
    tickets = Ledger(store, appender, domain.Life, domain.evolve)
    feed = StoreFeed({owner: EventStore(owner, other) for owner, other in others.items()})
    alarms = Alarms(pool, Directory(pool), tickets, Ledger(store, appender, no_entry, entry_after), feed)
    yield Timers("workflow", pool, alarms.wake)
    await appender.stop()
    for one in (pool, *others.values()):
        await one.close()


async def _fill(dsn: str, tickets: int, opened: datetime) -> datetime:
    """Fill the stores with tickets that are all due at one moment, which is past; returns it."""
    due = opened + timedelta(hours=1)
    clock = {
        "target": "resolution", "start": rfc3339(opened), "minutes": 60, "due": rfc3339(due), "warn": None, "left": None,
    }  # fmt: skip
    pins = {"plan": "gold", "plan_version": 1, "calendar": None, "calendar_version": None}
    scheduled = NewEvent("ledgerdesk.ticket.sla_scheduled", {**pins, "reason": "created", "clocks": [clock]})
    pools = {owner: await db.create_pool(dsn, owner) for owner in ("intake", "workflow")}
    stores = {owner: EventStore(owner, pool) for owner, pool in pools.items()}
    plan = NewEvent("ledgerdesk.sla_plan.configured", {"new": PLAN, "old": None})
    await stores["workflow"].append([command("workflow", directory_id("sla_plan", "gold"), EMPTY, [plan])[0]])
    for begin in range(0, tickets, BATCH):
        ids = [UUID(int=number) for number in range(begin + 1, begin + BATCH + 1)]
        for owner, fact in (("intake", None), ("workflow", scheduled)):
            facts = [fact or created(str(100_000 + ticket.int)) for ticket in ids]
            await stores[owner].append(
                [command(owner, t, EMPTY, [f], moment=opened)[0] for t, f in zip(ids, facts, strict=True)]
            )
    for pool in pools.values():
        await pool.close()
    return due


@asynccontextmanager
async def _projected(dsn: str) -> AsyncIterator[asyncio.Task[None]]:
    """Fill workflow's views, and let them follow its store; gives the task that follows."""
    pools = {owner: await db.create_pool(dsn, owner, maximum=2) for owner in OWNERS}
    stores = {owner: EventStore(owner, pool) for owner, pool in pools.items()}
    projection = Projection("workflow.views", pools["workflow"], models_of("workflow"), StoreFeed(stores))
    await projection.prepare("log")
    last = await stores["workflow"].last_position()

    async def follow(after: int = last, offset: int = 0) -> None:
        while True:
            page = await stores["workflow"].page(after, 1000)
            if page:
                await projection.apply("log", [Record(TOPIC, 0, offset + n, event) for n, event in enumerate(page)])
                after, offset = page[-1].position, offset + len(page)
            else:
                await asyncio.sleep(0.01)

    following = asyncio.create_task(follow())
    try:
        yield following
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        for pool in pools.values():
            await pool.close()


async def measure(server: PostgresAt, kafka: KafkaAt, tickets: int = TICKETS) -> list[Figure]:
    """Measure how long it takes until each is said."""
    del kafka
    async with database(server) as dsn:
        await migrate_all(dsn)
        due = await _fill(dsn, tickets, datetime.now(UTC) - timedelta(hours=2))
        async with _projected(dsn) as following, _worker(dsn) as one, _worker(dsn) as other:
            started = time.perf_counter()

            async def drain(timers: Timers) -> None:
                while await timers.drain_once():
                    assert not following.done(), following

            await asyncio.gather(drain(one), drain(other))
            taken = time.perf_counter() - started
        connection = await db.connect(dsn, "workflow")
        said = await connection.fetchrow(
            "SELECT count(*) AS events, count(DISTINCT stream_id) AS tickets, count(*) FILTER (WHERE occurred_at = $1) AS exact "
            "FROM event WHERE type = 'ledgerdesk.ticket.sla_breached'",
            due,
        )
        await connection.close()
    holds = taken < SECONDS and tuple(said) == (tickets, tickets, tickets)
    return [
        Figure(
            f"alarms: {tickets:,} timers due at once, drained", taken, "s", None, f"under {SECONDS:.0f} s, each once", holds,
            {"said": said["events"], "tickets": said["tickets"], "at the exact moment": said["exact"],
             "a second": round(tickets / taken)},
        )
    ]  # fmt: skip
