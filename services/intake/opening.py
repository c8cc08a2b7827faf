"""What opening a ticket looks up: one query for all that are opened at the same time, and numbers drawn ahead while there are many."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.db import Pool
from shared.directory.people import ENTRIES, REFUSING, Asked, entries_asked
from shared.together import Together

MOST_AHEAD = 64
AHEAD = 0.05
"""Seconds for which numbers are drawn ahead, at the rate at which they have just been wanted: none where they come one by one."""
FRESH = 0.2
"""Seconds after which numbers drawn ahead are left unused: another process may have given out later ones since."""

_NEEDED = f"""
SELECT n, key, entry, NULL::uuid AS event_id, NULL::uuid AS person, NULL::bool AS blank FROM ({ENTRIES}) AS entries (n, key, entry)
UNION ALL
SELECT NULL, NULL, NULL, event_id, stream_id, personal IS NULL FROM event WHERE event_id = ANY ($7)
ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Registered:
    """The registration that an address leads to: whose, and whether it is blank because he was forgotten."""

    person: UUID
    blank: bool


@dataclass(frozen=True, slots=True)
class Needed:
    """What a new ticket is opened with.

    Attributes:
        fields: The definitions of all custom fields.
        rules: All rules, if any may refuse a ticket; none else.
        topics: The entry of the topic it names, none if there is none.
        registered: Of its requester, as his address leads to it; None for who is met for the first time.
    """

    fields: Sequence[dict[str, Any]]
    rules: Sequence[dict[str, Any]]
    topics: Sequence[dict[str, Any]]
    registered: Registered | None


_FIELDS: Asked = ("field", None)
_Key = tuple[str | None, UUID]


class Opening:
    """Looks up what new tickets need. `clock` tells seconds."""

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._needed: Together[_Key, Needed] = Together(self._load)
        self._numbers: Together[object, str] = Together(self._draw)
        self._ahead: deque[str] = deque()
        self._drawn = float("-inf")
        self._given = 0

    async def needed(self, topic: str | None, registration: UUID) -> Needed:
        """Return what a ticket of this topic needs, of a requester whose registration has this event id."""
        found = await self._needed.get((topic, registration))
        assert found is not None  # noqa: S101 -- the query answers every key
        return found

    async def _load(self, keys: Sequence[_Key]) -> Mapping[_Key, Needed]:
        topics: dict[str, Asked] = {topic: ("topic", topic) for topic, _ in keys if topic is not None}
        asked = [_FIELDS, REFUSING, *topics.values()]
        rows = await self._pool.fetch(_NEEDED, *entries_asked(asked), list({event for _, event in keys}))
        entries: dict[Asked, list[dict[str, Any]]] = {one: [] for one in asked}
        known: dict[UUID, Registered] = {}
        for n, _, entry, event, person, blank in rows:
            if event is None:
                entries[asked[n]].append(entry)
            else:
                known[event] = Registered(person, blank)
        return {
            (topic, event): Needed(
                entries[_FIELDS],
                entries[REFUSING],
                entries[topics[topic]] if topic is not None else (),
                known.get(event),
            )
            for topic, event in keys
        }

    def number(self) -> asyncio.Future[str | None]:
        """Return the number of the next ticket, to be awaited."""
        self._given += 1
        if self._clock() - self._drawn > FRESH:
            self._ahead.clear()
        if not self._ahead:
            return self._numbers.soon(object())
        at_once: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        at_once.set_result(self._ahead.popleft())
        return at_once

    async def _draw(self, wanted: Sequence[object]) -> dict[object, str]:
        now = self._clock()
        more = ahead(self._given, now - self._drawn)
        self._given, self._drawn = 0, now
        rows = await self._pool.fetch(
            "SELECT nextval('ticket_number')::text FROM generate_series(1, $1)", len(wanted) + more
        )
        self._ahead.extend(row[0] for row in rows[len(wanted) :])
        return {one: row[0] for one, row in zip(wanted, rows, strict=False)}


def ahead(given: int, seconds: float) -> int:
    """Return how many numbers to draw ahead where so many were given in the seconds since the last draw. Pure."""
    return min(MOST_AHEAD, int(given / max(seconds, 0.001) * AHEAD)) if seconds <= FRESH else 0
