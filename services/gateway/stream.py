"""The live stream: server-sent events from the gateway's own feed, filtered by what the caller may see."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import asyncpg
import orjson
import structlog
from fastapi import APIRouter, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from services.gateway import presence
from services.gateway.api import GatewayDep
from services.gateway.place import MOST_OWED, Place, PlaceHeader, place_of
from shared.db import LOST_CONNECTION, Pool
from shared.http.caller import Again, AgainDep, Caller
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import ORGANISATION

POLL = 0.2
PAGE = 500
KEPT = "7 days"
ASKED_AGAIN = 3.0
"""Seconds after which a listener to whom nothing comes is asked again who he is: a session that has ended ends its stream."""

log = structlog.get_logger("stream")
router = APIRouter(tags=["gateway"], responses=RESPONSES)


Item = asyncpg.Record | presence.Change | None
"""A row of the feed, or who is where; None: no more is kept for a listener who does not read."""


class FeedTail:
    """Looks at the feed, and at who is where, once for all listeners of this process, while there are any."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._last = 0
        self._present: dict[UUID, list[presence.Present]] = {}
        self._listeners: set[asyncio.Queue[Item]] = set()
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    async def open(self) -> asyncio.Queue[Item]:
        """Return a queue of what comes from now on."""
        queue: asyncio.Queue[Item] = asyncio.Queue(maxsize=5000)
        async with self._starting:  # two who come at once: one tail, or everybody is told everything twice
            if self._task is None or self._task.done():
                self._last = await self._pool.fetchval("SELECT coalesce(max(id), 0) FROM feed")
                self._present = await presence.everywhere(self._pool)
                self._task = asyncio.create_task(self._watch(), name="feed-tail")
            self._listeners.add(queue)
        return queue

    def close(self, queue: asyncio.Queue[Item]) -> None:
        """Stop filling a queue."""
        self._listeners.discard(queue)

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while self._listeners:
            rows: list[asyncpg.Record] = []
            try:
                rows = await after(self._pool, self._last)
                for row in rows:
                    self._last = row["id"]
                    self._give(row)
                now = await presence.everywhere(self._pool)
                for change in await presence.changes(self._pool, self._present, now):
                    self._give(change)
                self._present = now
            except (
                LOST_CONNECTION
            ) as error:  # the listeners stay: what they miss now they get when the database is back
                await log.awarning("feed delayed", error=repr(error))
            if not rows:
                await asyncio.sleep(POLL)

    def _give(self, item: asyncpg.Record | presence.Change) -> None:
        for queue in list(self._listeners):
            if queue.full():  # a listener that does not read is let go: he comes again with the last id he has
                self._listeners.discard(queue)
                queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(item)


_ROWS = f"""
SELECT f.*, t.stream_id, t.number, t.requester_id, t.collaborators, t.access, {ORGANISATION},
    EXISTS (SELECT FROM person p WHERE p.stream_id = t.requester_id AND p.registered IS NOT NULL) AS met
FROM feed f JOIN ticket t ON t.stream_id = f.ticket_id
"""
"""Rows of the feed with what decides who may be told, and whether the requester, who says of which organisation he is, has been heard of."""


async def after(pool: Pool, last: int) -> list[asyncpg.Record]:
    """Return what the feed holds past an id."""
    return await pool.fetch(f"{_ROWS} WHERE f.id > $1 ORDER BY f.id LIMIT $2", last, PAGE)


async def _looked_at_again(pool: Pool, ids: Sequence[int]) -> list[asyncpg.Record]:
    """Return these rows of the feed as they are now; a listener waits as long as the database is away."""
    while True:
        try:
            return await pool.fetch(f"{_ROWS} WHERE f.id = ANY ($1) ORDER BY f.id", ids)
        except LOST_CONNECTION as error:
            await log.awarning("feed delayed", error=repr(error))
            await asyncio.sleep(POLL)


def is_undecided(row: asyncpg.Record, caller: Caller) -> bool:
    """Whether it cannot be said yet if the caller may be told: as a colleague of a requester who has not been heard of."""
    is_colleagues = row["public"] and caller.organisation is not None
    return bool(is_colleagues and not row["met"] and not caller.sees(row))


def shown(row: asyncpg.Record, caller: Caller, place: Place) -> ServerSentEvent | None:
    """Return a feed row as the caller may see it, told at this place; None when he may not."""
    if not caller.sees(row):
        return None
    inside = caller.sees_inside(row)
    if not inside and not row["public"]:
        return None
    data = {
        "ticket": str(row["ticket_id"]), "number": row["number"], "type": row["type"], "at": row["at"],
        "version": f"{row['ticket_id']}:{row['source']}:{row['version']}",
    }  # fmt: skip
    if inside:
        data["actor"] = row["actor"]
    return ServerSentEvent(data=orjson.dumps(data).decode(), id=str(place), event=row["type"])


def _reset() -> ServerSentEvent:
    """Return what tells a listener that something he has missed is no longer kept: he reads anew."""
    return ServerSentEvent(data="{}", event="reset")


class Listener:
    """Who listens; asked again before anything is told, which costs a look into memory: a credential is remembered for a second.

    Attributes:
        caller: Who he is.
        place: How far he has been told.
    """

    def __init__(self, caller: Caller, again: Again, place: Place | None = None) -> None:
        self.caller = caller
        self.place = place or Place()
        self._again = again

    async def is_still_there(self) -> bool:
        """Whether his credential is still good; his rights are what they are now."""
        try:
            self.caller = await self._again()
        except Problem:
            return False
        except LOST_CONNECTION as error:  # then nothing comes to be shown either
            await log.awarning("listener not asked", error=repr(error))
        return True

    async def told(
        self, pool: Pool, items: Sequence[asyncpg.Record | presence.Change]
    ) -> AsyncIterator[ServerSentEvent]:
        """Return what he is told now that these have come: of a ticket's steps, those that he was owed go first."""
        if self.place.owed:
            async for event in self._owed(pool):
                yield event
        for item in items:
            told = presence.shown(item, self.caller) if isinstance(item, presence.Change) else self._step(item)
            if told is not None:
                yield told

    def _step(self, row: asyncpg.Record) -> ServerSentEvent | None:
        """Return a row as he is told of it; None: not at all, not yet, or not again."""
        if row["id"] <= self.place.last:
            return None
        self.place.last = row["id"]
        if not is_undecided(row, self.caller):
            return shown(row, self.caller, self.place)
        owed = [*self.place.owed, row["id"]]
        self.place.owed = owed[-MOST_OWED:]
        return _reset() if len(owed) > MOST_OWED else None

    async def _owed(self, pool: Pool) -> AsyncIterator[ServerSentEvent]:
        """Return what he was owed and may be told by now, in its order."""
        rows = await _looked_at_again(pool, self.place.owed)
        if len(rows) < len(self.place.owed):
            self.place.owed = [row["id"] for row in rows]
            yield _reset()
        for row in rows:
            if not is_undecided(row, self.caller):
                self.place.owed = [one for one in self.place.owed if one != row["id"]]
                event = shown(row, self.caller, self.place)
                if event is not None:
                    yield event


async def _missed(pool: Pool, listener: Listener) -> AsyncIterator[ServerSentEvent]:
    """Return what the feed has had since the listener's place, as far as he may be told."""
    ((oldest, newest),) = await pool.fetch("SELECT min(id), max(id) FROM feed")
    if oldest is None:
        listener.place.last = 0
    elif (
        not oldest - 1 <= listener.place.last <= newest
    ):  # not kept any more; or, of a database that has been restored, not there yet
        yield _reset()
        listener.place.last = oldest - 1 if listener.place.last < oldest else newest
    while (rows := await after(pool, listener.place.last)) and await listener.is_still_there():
        async for event in listener.told(pool, rows):
            yield event


async def _next(queue: asyncio.Queue[Item], seconds: float) -> list[Item]:
    """Return what has come, or nothing when nothing has for a while."""
    try:
        return [await asyncio.wait_for(queue.get(), seconds)]
    except TimeoutError:
        return []


async def _events(
    request: Request, pool: Pool, tail: FeedTail, listener: Listener, *, resumed: bool = False
) -> AsyncIterator[ServerSentEvent]:
    queue = await tail.open()
    try:
        if resumed:
            async for event in _missed(pool, listener):
                yield event
        if await listener.is_still_there():
            present = await presence.changes(pool, {}, await presence.everywhere(pool))
            async for event in listener.told(pool, present):
                yield event
        while await listener.is_still_there() and not await request.is_disconnected():
            new = await _next(queue, POLL if listener.place.owed else ASKED_AGAIN)
            if None in new or not await listener.is_still_there():
                return
            async for event in listener.told(pool, [item for item in new if item is not None]):
                yield event
    finally:
        tail.close(queue)


async def followed(request: Request, pool: Pool, again: Again, last: str | None) -> EventSourceResponse:
    """Return what somebody may follow, until his credential is good no more.

    Raises:
        Problem: 401, it is none.
    """
    tail: FeedTail = request.app.state.services["gateway"].extras["tail"]
    listener = Listener(await again(), again, place_of(last) if last is not None else None)
    return EventSourceResponse(_events(request, pool, tail, listener, resumed=last is not None), ping=15)


@router.get("/stream", response_class=EventSourceResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def stream(
    request: Request, again: AgainDep, gateway: GatewayDep, last_event_id: PlaceHeader = None
) -> EventSourceResponse:
    """Follow what happens, as server-sent events; reconnecting with Last-Event-ID loses nothing of the last 7 days.

    It ends when the credential is good no more. Who works tickets is also told who is viewing or typing on which: `presence`.
    """
    return await followed(request, gateway.pool, again, last_event_id)
