"""The live stream: server-sent events from the gateway's own feed, filtered by what the caller may see."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import asyncpg
import orjson
import structlog
from fastapi import APIRouter, Header, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from services.gateway import presence
from services.gateway.api import GatewayDep
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


async def after(pool: Pool, last: int) -> list[asyncpg.Record]:
    """Return what the feed holds past an id."""
    return await pool.fetch(
        f"""
        SELECT f.*, t.stream_id, t.number, t.requester_id, t.collaborators, t.access, {ORGANISATION}
        FROM feed f JOIN ticket t ON t.stream_id = f.ticket_id WHERE f.id > $1 ORDER BY f.id LIMIT $2
        """,
        last, PAGE,
    )  # fmt: skip


def shown(row: asyncpg.Record, caller: Caller) -> ServerSentEvent | None:
    """Return a feed row as the caller may see it; None when he may not."""
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
    return ServerSentEvent(data=orjson.dumps(data).decode(), id=str(row["id"]), event=row["type"])


class Listener:
    """Who listens; asked again before anything is told, which costs a look into memory: a credential is remembered for a second."""

    def __init__(self, caller: Caller, again: Again) -> None:
        self.caller = caller
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

    def shown(self, item: asyncpg.Record | presence.Change) -> ServerSentEvent | None:
        """Return what he may see of an item; None: nothing."""
        if isinstance(item, presence.Change):
            return presence.shown(item, self.caller)
        return shown(item, self.caller)


async def _missed(pool: Pool, last: int, listener: Listener) -> AsyncIterator[tuple[int, ServerSentEvent | None]]:
    """Return what the feed has had since: id, and what the listener may see of it."""
    oldest = await pool.fetchval("SELECT coalesce(min(id), 0) FROM feed")
    if oldest and last < oldest - 1:
        yield oldest - 1, ServerSentEvent(data="{}", event="reset")  # what was missed is no longer kept: read anew
        last = oldest - 1
    while (rows := await after(pool, last)) and await listener.is_still_there():
        for row in rows:
            last = row["id"]
            yield last, listener.shown(row)


async def _events(
    request: Request, pool: Pool, tail: FeedTail, listener: Listener, last: int | None
) -> AsyncIterator[ServerSentEvent]:
    queue = await tail.open()
    try:
        sent = 0
        if last is not None:
            async for number, event in _missed(pool, last, listener):
                sent = number
                if event is not None:
                    yield event
        if await listener.is_still_there():
            present = await presence.changes(pool, {}, await presence.everywhere(pool))
            for event in filter(None, map(listener.shown, present)):
                yield event
        while await listener.is_still_there() and not await request.is_disconnected():
            try:
                new = await asyncio.wait_for(queue.get(), ASKED_AGAIN)
            except TimeoutError:
                continue
            if new is None:
                return
            known = isinstance(new, asyncpg.Record) and new["id"] <= sent
            if not known and await listener.is_still_there() and (event := listener.shown(new)) is not None:
                yield event
    finally:
        tail.close(queue)


async def followed(request: Request, pool: Pool, again: Again, last: int | None) -> EventSourceResponse:
    """Return what somebody may follow, until his credential is good no more.

    Raises:
        Problem: 401, it is none.
    """
    tail: FeedTail = request.app.state.services["gateway"].extras["tail"]
    listener = Listener(await again(), again)
    return EventSourceResponse(_events(request, pool, tail, listener, last), ping=15)


@router.get("/stream", response_class=EventSourceResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def stream(
    request: Request, again: AgainDep, gateway: GatewayDep,
    last_event_id: Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=2**62)] = None,
) -> EventSourceResponse:  # fmt: skip
    """Follow what happens, as server-sent events; reconnecting with Last-Event-ID loses nothing of the last 7 days.

    It ends when the credential is good no more. Who works tickets is also told who is viewing or typing on which: `presence`.
    """
    return await followed(request, gateway.pool, again, last_event_id)
