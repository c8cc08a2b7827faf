"""What acts by itself: regular looks, and durable alarms. Table `timer` of a service says when a ticket is to be woken, and this wakes it.

A timer is taken by moving its `try_at` ahead, with SKIP LOCKED, so that any number of processes take different ones and a crash
gives it back. It goes away when the view shows what came of it. Waking twice is harmless: what is decided depends on the
stream's own state, and of two decisions on one version the store takes one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from uuid import UUID

import structlog

from shared.db import LOST_CONNECTION, Pool
from shared.eventstore.appender import StoreUnavailableError
from shared.eventstore.ledger import ContentionError

BATCH = 500
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


class Regularly:
    """Does something every so many seconds.

    Args:
        name: For the log.
        work: What; it must bear that another process does it at the same time.
        every: Seconds from the end of one time to the next.
    """

    def __init__(self, name: str, work: Callable[[], Awaitable[object]], every: float) -> None:
        self.name = name
        self._work = work
        self._every = every
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._work()
            except (*LOST_CONNECTION, StoreUnavailableError, ContentionError) as error:
                await log.awarning("interrupted", work=self.name, error=repr(error))
            except Exception:
                await log.aexception("failed", work=self.name)
            await asyncio.sleep(self._every)


class Timers(Regularly):
    """Wakes what is due.

    Args:
        service: Whose timers.
        pool: Its connections.
        wake: Called with a batch of tickets that are due.
    """

    def __init__(self, service: str, pool: Pool, wake: Callable[[Sequence[UUID]], Awaitable[None]]) -> None:
        super().__init__(f"{service}.timers", self._drain, POLL)
        self._pool = pool
        self._wake = wake

    async def _drain(self) -> None:
        while await self.drain_once():
            pass

    async def drain_once(self) -> int:
        """Take a batch and wake it; returns how many there were."""
        rows = await self._pool.fetch(_TAKE, LEASE, GRACE, BATCH)
        if rows:
            await self._wake([row["ticket_id"] for row in rows])
        return len(rows)
