"""Reactions: events in, commands out, each event once.

What a service must react to is put into its inbox by its own projection, in the transaction that projects it: so a
reaction sees a ticket its service knows, comes in order per owner, survives lost logs, repaired gaps and crashes like the
projection itself, and is not repeated by replays or rebuilds. Commands' ids derive from the event reacted to, so the one
reaction that a crash may repeat finds its events there.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextvars import ContextVar

import orjson
import structlog

from shared import failpoints
from shared.contracts.event import Event, from_feed_line, to_feed_line
from shared.db import LOST_CONNECTION, Connection, OwnConnection, Pool
from shared.eventstore.appender import StoreUnavailableError
from shared.eventstore.ledger import ContentionError
from shared.projection.whole import BehindError

BATCH = 500
AT_ONCE = 32
IDLE_POLL = 0.25
ATTEMPTS = 5

log = structlog.get_logger("reactor")
React = Callable[[Event], Awaitable[None]]


_entered: ContextVar[list[int] | None] = ContextVar("entered", default=None)


@contextlib.contextmanager
def inbox_watched() -> Iterator[list[int]]:
    """Yield what becomes a list of how many events this task has put into an inbox: most batches put none, and wake nobody."""
    entered: list[int] = []
    token = _entered.set(entered)
    try:
        yield entered
    finally:
        _entered.reset(token)


def _note(count: int) -> None:
    entered = _entered.get()
    if entered is not None:
        entered.append(count)


async def enqueue(connection: Connection, events: Sequence[Event]) -> None:
    """Put events into the inbox of the service whose connection this is; imported ones state facts and ask nothing."""
    wanted = [event for event in events if event.origin is None]
    if wanted:
        _note(len(wanted))
        await connection.execute(
            """
            INSERT INTO reaction_inbox (event)
            SELECT n.event FROM unnest($1::jsonb[], $2::uuid[], $3::text[], $4::bigint[])
                WITH ORDINALITY AS n (event, event_id, source, position, place)
            WHERE NOT EXISTS (SELECT FROM reaction_floor f WHERE f.source = n.source AND f.position >= n.position)
              AND NOT EXISTS (SELECT FROM reaction_done d WHERE d.event_id = n.event_id)
            ORDER BY n.place
            """,
            [to_feed_line(e) for e in wanted], [e.event_id for e in wanted], [e.source for e in wanted],
            [e.position for e in wanted],
        )  # fmt: skip


async def enqueue_always(connection: Connection, events: Sequence[Event]) -> None:
    """Put events into the inbox whose reaction finds its work done when it is made again: imported ones too, and after a restore."""
    if events:
        _note(len(events))
        await connection.execute(
            "INSERT INTO reaction_inbox (event) SELECT n.event FROM unnest($1::jsonb[]) WITH ORDINALITY AS n (event, place) "
            "ORDER BY n.place",
            [to_feed_line(event) for event in events],
        )


def reactions(*parts: dict[str, React]) -> dict[str, React]:
    """Return handlers by event name: of those that several parts have for one, one after the other."""
    found: dict[str, list[React]] = {}
    for part in parts:
        for name, handler in part.items():
            found.setdefault(name, []).append(handler)
    return {name: handlers[0] if len(handlers) == 1 else _in_turn(handlers) for name, handlers in found.items()}


def _in_turn(handlers: Sequence[React]) -> React:
    async def react(event: Event) -> None:
        for handler in handlers:
            await handler(event)

    return react


class Reactor:
    """Works off one service's inbox. One is active per service; a standby waits for its lock.

    Args:
        service: Whose inbox.
        connect: Opens a connection of its own, which holds the lock.
        pool: For everything else.
        before_batch: Called before each batch (routing looks at its agents' load).
        react: Event type -> handler. A handler raises for what cannot be helped by trying again; or `ContentionError` or `BehindError`,
            then it is tried a few times before the event is parked.
    """

    def __init__(
        self, service: str, connect: Callable[[], Awaitable[OwnConnection]], pool: Pool, react: dict[str, React],
        before_batch: Callable[[], Awaitable[None]] | None = None,
    ) -> None:  # fmt: skip
        self.service = service
        self.wake = asyncio.Event()
        self._connect = connect
        self._pool = pool
        self._react = react
        self._before_batch = before_batch
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work, in the running event loop."""
        self._task = asyncio.create_task(self._run(), name=f"reactor-{self.service}")

    async def stop(self) -> None:
        """Stop; what is in the inbox stays there."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                connection = await self._connect()
                try:
                    lock = f"ledgerdesk.reactor.{self.service}"
                    while not await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", lock):
                        await asyncio.sleep(0.25)
                    while True:
                        await self._work(connection)
                finally:
                    connection.terminate()
            except (*LOST_CONNECTION, StoreUnavailableError) as error:
                await log.awarning("reactor interrupted", service=self.service, error=repr(error))
            except Exception:
                await log.aexception("reactor failed", service=self.service)
            await asyncio.sleep(0.2)

    async def _work(self, connection: Connection) -> None:
        self.wake.clear()
        rows = await connection.fetch(f"SELECT id, event FROM reaction_inbox ORDER BY id LIMIT {BATCH}")
        if not rows:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.wake.wait(), IDLE_POLL)
            return
        if self._before_batch is not None:
            await self._before_batch()
        by_stream: dict[object, list[tuple[int, Event]]] = {}
        for row in rows:
            event = from_feed_line(orjson.dumps(row["event"]))
            by_stream.setdefault(event.stream_id, []).append((row["id"], event))
        gate = asyncio.Semaphore(AT_ONCE)
        parked = await asyncio.gather(*(self._in_order(gate, events) for events in by_stream.values()))
        failpoints.hit("after-reaction")
        async with connection.transaction():
            for inbox_id, event, reason in (item for items in parked for item in items):
                await connection.execute(
                    "INSERT INTO reaction_parked (id, event, reason) VALUES ($1, $2, $3)",
                    inbox_id, to_feed_line(event), reason,
                )  # fmt: skip
            await connection.execute("DELETE FROM reaction_inbox WHERE id = ANY ($1)", [row["id"] for row in rows])

    async def _in_order(
        self, gate: asyncio.Semaphore, events: Sequence[tuple[int, Event]]
    ) -> list[tuple[int, Event, str]]:
        """React to one stream's events, one after the other. Returns those that could not be reacted to."""
        failed = []
        async with gate:
            for inbox_id, event in events:
                handler = self._react.get(event.name)
                if handler is None:
                    continue
                for attempt in range(1, ATTEMPTS + 1):
                    try:
                        await handler(event)
                        break
                    except (StoreUnavailableError, *LOST_CONNECTION):
                        raise
                    except (ContentionError, BehindError) as error:
                        if attempt == ATTEMPTS:
                            failed.append((inbox_id, event, str(error)))
                        await asyncio.sleep(0.05 * attempt)
                    except Exception as error:
                        await log.aexception("reaction parked", service=self.service, cause=str(event.event_id))
                        failed.append((inbox_id, event, f"{type(error).__name__}: {error}"))
                        break
        return failed
