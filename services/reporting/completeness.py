"""Up to when a report is complete: what every owner had recorded by then is in it."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from services.reporting.views import ReportView
from shared.db import Connection
from shared.projection import checkpoints
from shared.projection.feed import Feed

REMEMBER = 1.0
"""Seconds for which an owner's answer is good."""
PATIENCE = 0.5
"""Seconds to wait for an owner that does not answer; its watermark tells less, but tells."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of an owner's store: nothing it had recorded by `now` has a later position."""

    position: int
    now: datetime


class Completeness:
    """Compares what the owners have with what the projection has applied. `consumer` names its checkpoints."""

    def __init__(self, consumer: str, feed: Feed) -> None:
        self._consumer = consumer
        self._feed = feed
        self._heads: dict[str, tuple[float, Head | None]] = {}
        self._owners = checkpoints.publishers(ReportView.topics)
        self._asking = asyncio.Lock()

    async def heads(self) -> dict[str, Head]:
        """Ask the owners how far they are. Call it before the report's snapshot is taken: what is true then stays true."""
        async with self._asking:
            due = time.monotonic()
            old = [owner for owner in self._owners if self._heads.get(owner, (0.0, None))[0] <= due]
            for owner, head in zip(old, await asyncio.gather(*map(self._ask, old)), strict=True):
                self._heads[owner] = (time.monotonic() + REMEMBER, head)
            return {owner: head for owner, (_, head) in self._heads.items() if head is not None}

    async def _ask(self, owner: str) -> Head | None:
        try:
            answer = await asyncio.wait_for(self._feed.head(owner), PATIENCE)
            return Head(int(answer["position"]), datetime.fromisoformat(answer["now"]))
        except (httpx.HTTPError, OSError, TimeoutError, ValueError, KeyError):
            return None

    async def until(self, connection: Connection, heads: dict[str, Head]) -> datetime | None:
        """Return the moment up to which what this transaction sees is complete; None when an owner's is not known.

        An owner whose last event is applied is complete up to when it was asked; one that is ahead, up to its watermark.
        A parked event or a gap holds it back to when that was recorded, or to nothing.
        """
        known = await checkpoints.load(connection, self._consumer)
        floors: dict[str, dict[str, Any]] = {}
        for rows in known.values():
            floors |= checkpoints.floor(rows, ReportView.topics)
        moments: list[datetime] = []
        for owner in self._owners:
            floor, head = floors.get(owner), heads.get(owner)
            if floor is None:
                return None
            if head is not None and int(floor["position"]) >= head.position:
                moments.append(head.now)
            elif floor["time"] is not None:
                moments.append(datetime.fromisoformat(floor["time"]))
            else:
                return None
        missing = await connection.fetch(
            """
            SELECT (event ->> 'recorded_at')::timestamptz AS since FROM projection_parked WHERE view = $1
            UNION ALL
            SELECT e.recorded_at FROM projection_gap g
            LEFT JOIN entry e ON e.ticket_id = g.stream_id AND e.source = g.source AND e.version = g.have
            WHERE g.view = $1
            """,
            ReportView.name,
        )
        for row in missing:
            if row["since"] is None:
                return None
            moments.append(row["since"])
        return min(moments)
