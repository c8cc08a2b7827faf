"""A rebuild from beginning to end: the bulk, catching up, the flip."""

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from ledgerdesk.rebuild import shadow
from ledgerdesk.rebuild.plan import Plan, plan_of
from ledgerdesk.rebuild.slices import (
    Ends,
    Job,
    fold_parts,
    fold_parts_in_process,
    parts,
    read_connection,
    types_of,
)
from services.reporting.analytics import renew_analytics
from shared import db
from shared.contracts.catalogue import OWNERS
from shared.contracts.event import rfc3339
from shared.contracts.topic_names import PARTITIONS
from shared.eventstore.store import COLUMNS, event_of
from shared.projection import checkpoints
from shared.projection.checkpoints import Checkpoint, Place
from shared.projection.feed import NoFeed
from shared.projection.projector import Projection

PROCESSES = 2
PARTS_AT_ONCE = 4
ALONE = 50_000
"""Events up to which one process does it: another takes as long to start."""
PAGE = 2000
FEW = 500
"""Events left over with which the flip is tried."""
LOCK_MS = 300
"""How long readers may have to queue behind a flip that waits for a long query; then it steps back."""
PATIENCE = 600.0

Say = Callable[[int, int], None]
"""Told (events folded, events in all)."""


class RebuildError(RuntimeError):
    """The rebuild cannot be done now; the live view is as it was."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild came to: the new version, events folded, seconds, and how long the flip kept batches out."""

    version: int
    events: int
    seconds: float
    flip_seconds: float


async def rebuild(dsn: str, name: str, say: Say = lambda *_: None) -> Rebuilt:
    """Make a view, or all of a service's, anew from the stores and put it in the live one's place.

    Args:
        dsn: The database, as a user that may create schemas and act as the services' roles.
        name: See `plan_of`.
        say: Shows progress.

    Raises:
        UnknownViewError: No such view.
        RebuildError: Another rebuild of this service is under way, or readers did not let go for ten minutes.
    """
    plan = plan_of(name)
    started = time.monotonic()
    admin = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"}, statement_cache_size=0)
    stores = await read_connection(dsn)
    try:
        await db.prepare_connection(admin)
        if not await admin.fetchval(
            "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", f"ledgerdesk.rebuild.{plan.service}"
        ):
            raise RebuildError(f"another rebuild of {plan.service} is under way: wait for it to end")
        await shadow.drop_leftovers(admin, plan.service)
        version = 1 + await _version(admin, plan)
        schema = shadow.name_of(plan.service, version)
        try:
            await shadow.create(admin, plan, schema)
            made = await _Making(dsn, name, plan, schema, admin, stores, say).make(version)
        except BaseException:
            await _leave(admin, plan)
            raise
        return Rebuilt(version, made.folded, time.monotonic() - started, made.flip_seconds)
    finally:
        await stores.close()
        await admin.close()


async def _leave(admin: db.OwnConnection, plan: Plan) -> None:
    """Leave nothing behind, if the server still answers; the next rebuild drops it otherwise."""
    if not admin.is_closed():
        await admin.execute("RESET ROLE")
        await shadow.drop_leftovers(admin, plan.service)


async def _version(connection: db.Connection, plan: Plan) -> int:
    """Return the largest live version of these views."""
    names = [model.name for model in plan.models]
    found: int | None = await connection.fetchval(
        f'SELECT max(version) FROM "{plan.service}".view_version WHERE view = ANY ($1)', names
    )
    return found or 1


class _Making:
    """One new version while it is made."""

    def __init__(
        self, dsn: str, name: str, plan: Plan, schema: str, admin: db.OwnConnection, stores: db.OwnConnection, say: Say
    ) -> None:
        self.folded = 0
        self.flip_seconds = 0.0
        self._job = Job(dsn, [name], schema, {})
        self._plan, self._admin, self._stores, self._say = plan, admin, stores, say
        self._total = 0
        self._types: dict[str, list[str]] = {}
        self._at: Ends = {}

    async def make(self, version: int) -> "_Making":
        """Fill the shadow and flip."""
        owners = [owner for owner in OWNERS if owner in checkpoints.publishers(self._plan.topics)]
        self._at = {owner: await self._end(owner) for owner in owners}
        self._types = {owner: await types_of(self._stores, self._plan, owner) for owner in owners}
        for owner, types in self._types.items():
            self._total += await self._stores.fetchval(
                f'SELECT count(*) FROM "{owner}".event WHERE type = ANY ($1)', types
            )
        await self._bulk()
        async with self._admin.transaction():  # most of what the flip would keep batches out for
            await shadow.look_into(self._admin, self._plan, self._job.schema)
            await self._finish_views()
        await shadow.add_indexes(self._admin, self._plan, self._job.schema)
        pool = await db.create_pool(self._job.dsn, self._plan.service, maximum=1)
        try:
            projection = Projection(self._plan.consumer, pool, self._plan.models, NoFeed())
            while await self._catch_up(pool, projection) > FEW:
                pass
            await self._flip(projection, version)
        finally:
            await pool.close()
        return self

    async def _end(self, owner: str) -> int:
        position: int | None = await self._stores.fetchval(f'SELECT max(position) FROM "{owner}".event')
        return position or 0

    async def _bulk(self) -> None:
        job = Job(self._job.dsn, self._job.names, self._job.schema, dict(self._at))
        wanted = list(parts(self._total))
        if self._total <= ALONE:
            self._tell(await fold_parts(job, self._types, wanted))
            return
        loop = asyncio.get_running_loop()
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(PROCESSES, mp_context=context) as processes:
            work = [
                loop.run_in_executor(processes, fold_parts_in_process, job, self._types, some)
                for some in (wanted[at : at + PARTS_AT_ONCE] for at in range(0, len(wanted), PARTS_AT_ONCE))
            ]
            try:
                for done in asyncio.as_completed(work):
                    self._tell(await done)
            except BaseException:
                processes.shutdown(wait=False, cancel_futures=True)
                raise

    def _tell(self, count: int) -> None:
        self.folded += count
        self._say(self.folded, max(self._total, self.folded))

    async def _news(self) -> AsyncIterator[list[Any]]:
        """Yield pages of what has been appended since the last look."""
        for owner in self._types:
            while True:
                rows = await self._stores.fetch(
                    f'SELECT {COLUMNS} FROM "{owner}".event WHERE position > $1 ORDER BY position LIMIT $2',
                    self._at[owner], PAGE,
                )  # fmt: skip
                if rows:
                    self._at[owner] = rows[-1]["position"]
                    yield [event_of(row, owner) for row in rows]
                if len(rows) < PAGE:
                    break

    async def _catch_up(self, pool: db.Pool, projection: Projection) -> int:
        """Fold what has been appended since the last look; returns how many events that was."""
        count = 0
        async for events in self._news():
            async with pool.acquire() as connection, connection.transaction():
                await shadow.look_into(connection, self._plan, self._job.schema)
                await projection.fold_into(connection, events)
            count += len(events)
            self._tell(len(events))
        return count

    async def _flip(self, projection: Projection, version: int) -> None:
        """Put the new tables in the old ones' place, in one transaction that no batch and no reader sees half of."""
        deadline = time.monotonic() + PATIENCE
        while True:
            at = dict(self._at)
            started = time.monotonic()
            try:
                async with self._admin.transaction():
                    await self._flip_once(projection, version)
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
                self._at = at  # what was folded in the transaction is gone with it
                if time.monotonic() > deadline:
                    raise RebuildError(
                        f"readers of {self._plan.service} did not let go: {error}; try again later"
                    ) from error
                await asyncio.sleep(0.2)
            else:
                self.flip_seconds = time.monotonic() - started
                return

    async def _flip_once(self, projection: Projection, version: int) -> None:
        plan, admin, schema = self._plan, self._admin, self._job.schema
        await admin.execute(f'SET LOCAL search_path = "{plan.service}"')
        await checkpoints.hold(admin, plan.consumer)
        await shadow.look_into(admin, plan, schema)
        async for events in self._news():
            await projection.fold_into(admin, events)
            self.folded += len(events)
        await self._finish_views()
        await admin.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")
        await shadow.swap(admin, plan, schema)
        await admin.execute(f'SET LOCAL search_path = "{plan.service}"')
        if plan.service == "reporting":
            await renew_analytics(admin)
        await self._note(version)
        await shadow.drop_old(admin, plan, schema)

    async def _finish_views(self) -> None:
        for model in self._plan.models:
            tend = getattr(model, "tend", None)
            if tend is not None:
                await tend(self._admin)

    async def _note(self, version: int) -> None:
        """Write down the version, and how far the views have come: a stack that was stopped goes on from there."""
        now = datetime.now(UTC)
        await self._admin.executemany(
            "INSERT INTO view_version (view, version, built_at, events) VALUES ($1, $2, $3, $4) ON CONFLICT (view) DO UPDATE "
            "SET version = excluded.version, built_at = excluded.built_at, events = excluded.events",
            [(model.name, version, now, self.folded) for model in self._plan.models],
        )
        if not self._plan.whole:
            return
        marks = {owner: {"position": position, "time": rfc3339(now)} for owner, position in self._at.items()}
        wanted = checkpoints.places(self._plan.topics, PARTITIONS)
        known = await checkpoints.load(self._admin, self._plan.consumer)
        for incarnation, found in known.items():
            before = {place: checkpoint.next_offset for place, checkpoint in found.items()}
            after: dict[Place, Checkpoint] = {
                place: Checkpoint(c.next_offset, _raised(c.watermarks, marks)) for place, c in found.items()
            }
            await checkpoints.move(self._admin, self._plan.consumer, incarnation, before, after)
        if not known:
            await checkpoints.begin(self._admin, self._plan.consumer, "rebuilt", wanted, marks)


def _raised(one: dict[str, dict[str, Any]], other: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the later of each owner's watermarks."""
    return {
        owner: max((marks[owner] for marks in (one, other) if owner in marks), key=lambda mark: int(mark["position"]))
        for owner in {*one, *other}
    }
