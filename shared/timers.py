"""Durable alarms: table `timer` of a service says when a ticket is to be woken, and this wakes it.

A timer is taken by moving its `try_at` ahead, with SKIP LOCKED, so that any number of processes take different ones and a crash
gives it back. It goes away when the view shows what came of it. Waking twice is harmless: what is decided depends on the
stream's own state, and of two decisions on one version the store takes one.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from uuid import UUID

import structlog

from shared.db import LOST_CONNECTION, Pool
from shared.eventstore.appender import StoreUnavailableError

BATCH = 500
AT_ONCE = 64
POLL = 0.25
GRACE = timedelta(seconds=1)
"""A timer is looked at so long after its time: what happened just before it has reached the view by then."""
LEASE = timedelta(seconds=15)
"""So long nobody else takes it. If the view does not show by then what came of it, it is tried again."""

log = structlog.get_logger("timers")

_TAKE = """
UPDATE timer SET try_at = clock_timestamp() + $1::interval
WHERE ticket_id IN (SELECT ticket_id FROM timer WHERE try_at <= clock_timestamp() - $2::interval ORDER BY try_at LIMIT $3
                    FOR UPDATE SKIP LOCKED)
RETURNING ticket_id
"""


class Timers:
    """Wakes what is due.

    Args:
        service: Whose timers.
        pool: Its connections.
        wake: Called with a batch of tickets that are due.
        sweep: Called now and then: what no timer can be set for, because it depends on the configuration.
        every: Seconds between sweeps.
    """

    def __init__(
        self, service: str, pool: Pool, wake: Callable[[Sequence[UUID]], Awaitable[None]],
        sweep: Callable[[], Awaitable[None]], every: float = 30.0,
    ) -> None:  # fmt: skip
        self.service = service
        self._pool = pool
        self._wake = wake
        self._sweep = sweep
        self._every = every
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._task = asyncio.create_task(self._run(), name=f"timers-{self.service}")

    async def stop(self) -> None:
        """Stop; what was taken is tried again after its lease."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        swept = loop.time() - self._every
        while True:
            try:
                if loop.time() - swept >= self._every:
                    swept = loop.time()
                    await self._sweep()
                if await self.drain_once():
                    continue
            except (*LOST_CONNECTION, StoreUnavailableError) as error:
                await log.awarning("timers interrupted", service=self.service, error=repr(error))
            except Exception:
                await log.aexception("timers failed", service=self.service)
            with contextlib.suppress(TimeoutError):
                await asyncio.sleep(POLL)

    async def drain_once(self) -> int:
        """Take a batch and wake it; returns how many there were."""
        rows = await self._pool.fetch(_TAKE, LEASE, GRACE, BATCH)
        if rows:
            await self._wake([row["ticket_id"] for row in rows])
        return len(rows)
