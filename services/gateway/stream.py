"""The live stream: server-sent events from the gateway's own feed, filtered by what the caller may see."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import asyncpg
import orjson
import structlog
from fastapi import APIRouter, Header, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from services.gateway.api import GatewayDep
from shared.db import LOST_CONNECTION, Pool
from shared.http.caller import Caller, CallerDep
from shared.http.problems import RESPONSES
from shared.http.tickets import ORGANISATION

PUBLIC = frozenset(
    {
        "created", "message_received", "replied", "resolved", "closed", "reopened", "held", "resumed", "started", "rated",
        "merged", "unmerged",
    }
)  # fmt: skip
POLL = 0.2
PAGE = 500
KEPT = "7 days"

log = structlog.get_logger("stream")
router = APIRouter(tags=["gateway"], responses=RESPONSES)


class FeedTail:
    """Looks at the feed once for all listeners of this process, while there are any."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._last = 0
        self._listeners: set[asyncio.Queue[asyncpg.Record | None]] = set()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> asyncio.Queue[asyncpg.Record | None]:
        """Return a queue of what comes from now on."""
        queue: asyncio.Queue[asyncpg.Record | None] = asyncio.Queue(maxsize=5000)
        if self._task is None or self._task.done():
            self._last = await self._pool.fetchval("SELECT coalesce(max(id), 0) FROM feed")
            self._task = asyncio.create_task(self._watch(), name="feed-tail")
        self._listeners.add(queue)
        return queue

    def close(self, queue: asyncio.Queue[asyncpg.Record | None]) -> None:
        """Stop filling a queue."""
        self._listeners.discard(queue)

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while self._listeners:
            rows = await self._new()
            for row in rows:
                self._last = row["id"]
                for queue in list(self._listeners):
                    if queue.full():  # a listener that does not read is let go: he comes again with the last id he has
                        self._listeners.discard(queue)
                        queue.get_nowait()
                        queue.put_nowait(None)
                    else:
                        queue.put_nowait(row)
            if not rows:
                await asyncio.sleep(POLL)

    async def _new(self) -> list[asyncpg.Record]:
        try:
            return await after(self._pool, self._last)
        except LOST_CONNECTION as error:  # the listeners stay: what they miss now they get when the database is back
            await log.awarning("feed delayed", error=repr(error))
            return []


async def after(pool: Pool, last: int) -> list[asyncpg.Record]:
    """Return what the feed holds past an id."""
    return await pool.fetch(
        f"""
        SELECT f.*, t.number, t.requester_id, t.collaborators, t.access, {ORGANISATION}
        FROM feed f JOIN ticket t ON t.stream_id = f.ticket_id WHERE f.id > $1 ORDER BY f.id LIMIT $2
        """,
        last, PAGE,
    )  # fmt: skip


def shown(row: asyncpg.Record, caller: Caller) -> ServerSentEvent | None:
    """Return a feed row as the caller may see it; None when he may not."""
    if not caller.sees(row):
        return None
    inside = caller.sees_inside(row)
    if not inside and row["type"] not in PUBLIC:
        return None
    data = {
        "ticket": str(row["ticket_id"]), "number": row["number"], "type": row["type"], "at": row["at"],
        "version": f"{row['ticket_id']}:{row['source']}:{row['version']}",
    }  # fmt: skip
    if inside:
        data["actor"] = row["actor"]
    return ServerSentEvent(data=orjson.dumps(data).decode(), id=str(row["id"]), event=row["type"])


async def _events(
    request: Request, pool: Pool, tail: FeedTail, caller: Caller, last: int | None
) -> AsyncIterator[ServerSentEvent]:
    queue = await tail.open()
    try:
        sent = 0
        if last is not None:
            oldest = await pool.fetchval("SELECT coalesce(min(id), 0) FROM feed")
            if oldest and last < oldest - 1:
                yield ServerSentEvent(data="{}", event="reset")  # what was missed is no longer kept: read anew
                last = oldest - 1
            while rows := await after(pool, last):
                for row in rows:
                    last = sent = row["id"]
                    if (event := shown(row, caller)) is not None:
                        yield event
        while not await request.is_disconnected():
            new = await queue.get()
            if new is None:
                return
            if new["id"] > sent and (event := shown(new, caller)) is not None:
                yield event
    finally:
        tail.close(queue)


@router.get("/stream", response_class=EventSourceResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def stream(
    request: Request, caller: CallerDep, gateway: GatewayDep,
    last_event_id: Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=2**62)] = None,
) -> EventSourceResponse:  # fmt: skip
    """Follow what happens, as server-sent events; reconnecting with Last-Event-ID loses nothing of the last 7 days."""
    tail: FeedTail = request.app.state.services["gateway"].extras["tail"]
    return EventSourceResponse(_events(request, gateway.pool, tail, caller, last_event_id), ping=15)
