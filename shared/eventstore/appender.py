"""Group commit: many commands, one transaction."""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from shared.db import LOST_CONNECTION
from shared.eventstore.store import Command, EventStore, Outcome
from shared.telemetry import APPENDED

MAX_EVENTS = 400
"""Events per transaction; past this the gain is small and others wait."""
STOP_SECONDS = 5.0
"""How long what is queued may take when the process stops; its callers are then told that the outcome is unknown."""


class StoreUnavailableError(Exception):
    """The database did not answer: whether the command was taken is unknown. The same command may be sent again."""


class _Waiting(NamedTuple):
    command: Command
    done: asyncio.Future[Outcome]


class Appender:
    """Drains what is queued into one call of the store after another. One per store and process.

    A batch holds at most one command per stream (a second would be decided on a version that the first moves) and no
    event id twice; what must wait goes into the next batch, ahead of what came later.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._queue: deque[_Waiting] = deque()
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self.appended = asyncio.Event()
        """Set whenever something was appended: the relay of this process waits for it."""

    def start(self) -> None:
        """Begin to work, in the running event loop."""
        self._task = asyncio.create_task(self._work(), name=f"appender-{self._store.owner}")

    async def stop(self) -> None:
        """Finish what is queued, then stop."""
        self._stopping = True
        if self._task is None:
            return
        self._wanted.set()
        _, late = await asyncio.wait({self._task}, timeout=STOP_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        _fail(self._queue, StoreUnavailableError("the service has stopped"))

    async def append(self, command: Command) -> Outcome:
        """Queue a command and wait for its outcome.

        Raises:
            StoreUnavailableError: The connection was lost; the outcome is unknown. Or this appender is stopping.
        """
        if self._stopping:
            raise StoreUnavailableError("the service is stopping")
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(command, done))
        self._wanted.set()
        return await done

    def _take(self) -> list[_Waiting]:
        taken: list[_Waiting] = []
        later: list[_Waiting] = []
        streams: set[UUID] = set()
        ids: set[UUID] = set()
        count = 0
        while self._queue and count < MAX_EVENTS:
            waiting = self._queue.popleft()
            command = waiting.command
            named = {row.event_id for row in command.rows}
            if command.stream_id in streams or not ids.isdisjoint(named):
                later.append(waiting)
                continue
            streams.add(command.stream_id)
            ids |= named
            count += len(command.rows)
            taken.append(waiting)
        self._queue.extendleft(reversed(later))
        return taken

    async def _work(self) -> None:
        while self._queue or not self._stopping:
            await self._wanted.wait()
            self._wanted.clear()
            while batch := self._take():
                await self._flush(batch)

    async def _flush(self, batch: list[_Waiting]) -> None:
        try:
            outcomes = await self._store.append([waiting.command for waiting in batch])
        except BaseException as error:  # every waiter is told; none may hang because one batch failed
            unknown = isinstance(error, (*LOST_CONNECTION, asyncio.CancelledError))
            if len(batch) > 1 and not unknown and isinstance(error, Exception):
                for (
                    waiting
                ) in batch:  # one command holds what the database cannot take: the others must not fail with it
                    await self._flush([waiting])
                return
            _fail(batch, StoreUnavailableError(str(error)) if unknown else error)
            if not isinstance(error, Exception):
                raise
            return
        if any(outcome.kind == "appended" for outcome in outcomes):
            self.appended.set()
            APPENDED.labels(self._store.owner).inc(
                sum(len(w.command.rows) for w, o in zip(batch, outcomes, strict=True) if o.kind == "appended")
            )
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if not waiting.done.done():
                waiting.done.set_result(outcome)


def _fail(batch: Iterable[_Waiting], error: BaseException) -> None:
    for waiting in batch:
        if not waiting.done.done():
            waiting.done.set_exception(error)
