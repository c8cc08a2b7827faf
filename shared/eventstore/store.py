"""One owner's event store: read a stream, find events by id, append a batch, page through all."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from asyncpg.pgproto import pgproto

from shared import failpoints
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.event import Event
from shared.db import Pool
from shared.together import Together

PRIVATE = [spec.type for spec in CATALOGUE.values() if spec.topic is None]
"""Types that never leave their owner's schema (password hashes)."""

COLUMNS = "event_id, type, schema_version, stream_id, version, position, data, personal, meta, occurred_at, recorded_at"

APPEND = "SELECT command, outcome, head FROM append_events($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)"

HEADS = """
SELECT s.id AS stream_id, h.version, h.hash, h.occurred_at, h.data
FROM unnest($1::uuid[]) AS s (id)
CROSS JOIN LATERAL (
    SELECT version, hash, occurred_at, data FROM event WHERE stream_id = s.id ORDER BY version DESC LIMIT 1
) h
"""


@dataclass(slots=True)
class Row:
    """An event ready to be inserted: enveloped, linked into its stream's chain."""

    event_id: UUID
    type: str
    schema_version: int
    version: int
    data: bytes
    personal: bytes | None
    salt: bytes | None
    digest: bytes | None
    meta: bytes
    occurred_at: datetime
    hash: bytes

    @property
    def size(self) -> int:
        """Bytes of JSON it holds."""
        return len(self.data) + len(self.personal or b"") + len(self.meta)


@dataclass(frozen=True, slots=True)
class Command:
    """Events to be appended to one stream, whole or not at all, if its version is still `expected`."""

    stream_id: UUID
    expected: int
    rows: Sequence[Row]


class Outcome(NamedTuple):
    """What became of a command: ``appended``, ``repeat`` or ``conflict``; `head` is the stream's version afterwards."""

    kind: str
    head: int


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a stream: what the next event is linked to."""

    version: int
    hash: bytes
    occurred_at: datetime | None
    origin: dict[str, Any] | None = field(default=None)


EMPTY = Head(0, bytes(32), None)
"""The end of a stream that has no events."""


def event_of(row: asyncpg.Record, source: str) -> Event:
    """Return the event that a row of the store holds."""
    meta = row["meta"]
    return Event(
        event_id=row["event_id"],
        type=row["type"],
        schema_version=row["schema_version"],
        source=source,
        stream_id=row["stream_id"],
        version=row["version"],
        position=row["position"],
        data=row["data"],
        personal=row["personal"],
        actor=meta["actor"],
        via=meta["via"],
        cause=pgproto.UUID(meta["cause"]) if meta["cause"] else None,
        correlation=pgproto.UUID(meta["correlation"]),
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
        traceparent=meta.get("traceparent"),
    )


class EventStore:
    """The store of `owner`, through a pool that acts as the owner."""

    def __init__(self, owner: str, pool: Pool) -> None:
        self.owner = owner
        self.pool = pool
        self._streams = Together(self._load)
        self._found = Together(self.find)

    async def load(self, stream_id: UUID, after: int = 0) -> tuple[list[Event], Head]:
        """Return a stream's events past version `after`, in order, and its end."""
        rows = await self._streams.get(stream_id) or []
        events = [event_of(row, self.owner) for row in rows if row["version"] > after]
        head = Head(events[-1].version, rows[-1]["hash"], events[-1].occurred_at) if events else EMPTY
        return events, head

    async def _load(self, streams: Sequence[UUID]) -> dict[UUID, list[asyncpg.Record]]:
        rows = await self.pool.fetch(
            f"SELECT {COLUMNS}, hash FROM event WHERE stream_id = ANY ($1) ORDER BY stream_id, version", streams
        )
        found: dict[UUID, list[asyncpg.Record]] = {}
        for row in rows:
            found.setdefault(row["stream_id"], []).append(row)
        return found

    async def heads(self, streams: Sequence[UUID]) -> dict[UUID, Head]:
        """Return the end of each of these streams that has one."""
        rows = await self.pool.fetch(HEADS, streams)
        return {
            row["stream_id"]: Head(row["version"], row["hash"], row["occurred_at"], row["data"].get("origin"))
            for row in rows
        }

    async def find(self, event_ids: Sequence[UUID]) -> dict[UUID, asyncpg.Record]:
        """Return the rows of those of these ids that the store knows (``version``, ``meta``, ``data``, …)."""
        rows = await self.pool.fetch(f"SELECT {COLUMNS} FROM event WHERE event_id = ANY ($1)", event_ids)
        return {row["event_id"]: row for row in rows}

    async def find_one(self, event_id: UUID) -> asyncpg.Record | None:
        """Return the row of this id, if the store knows it; shares its query with whoever asks at the same time."""
        return await self._found.get(event_id)

    async def known(self, event_ids: Sequence[str]) -> set[str]:
        """Return those of these ids (as text) that the store holds."""
        rows = await self.pool.fetch(
            "SELECT event_id::text FROM event WHERE event_id = ANY ($1::text[]::uuid[])", event_ids
        )
        return {row["event_id"] for row in rows}

    async def append(self, commands: Sequence[Command]) -> list[Outcome]:
        """Append a batch in one transaction of its own and return one outcome per command.

        The caller sees to it that no stream and no event id stands in it twice.
        """
        flat = [(index, row) for index, command in enumerate(commands, 1) for row in command.rows]
        rows = await self.pool.fetch(
            APPEND,
            [command.stream_id for command in commands],
            [command.expected for command in commands],
            [index for index, _ in flat],
            [row.event_id for _, row in flat],
            [row.type for _, row in flat],
            [row.schema_version for _, row in flat],
            [row.version for _, row in flat],
            [row.data for _, row in flat],
            [row.personal for _, row in flat],
            [row.salt for _, row in flat],
            [row.digest for _, row in flat],
            [row.meta for _, row in flat],
            [row.occurred_at for _, row in flat],
            [row.hash for _, row in flat],
        )
        failpoints.hit("after-insert")
        return [Outcome(outcome, head) for _, outcome, head in rows]

    async def entries(self, at: datetime) -> list[Event]:
        """Return the last event of each stream of the directory (persons, configuration), as of a moment."""
        rows = await self.pool.fetch(
            f"SELECT DISTINCT ON (stream_id) {COLUMNS} FROM event "
            "WHERE (type LIKE 'ledgerdesk.%.configured' OR type LIKE 'ledgerdesk.person.%' OR type LIKE '%.personal_erased') "
            "AND type NOT LIKE 'ledgerdesk.ticket.%' AND occurred_at <= $1 ORDER BY stream_id, version DESC",
            at,
        )
        return [event_of(row, self.owner) for row in rows]

    async def configured(self, before: int, limit: int) -> list[Event]:
        """Return up to `limit` changes of the configuration before a position, the last first."""
        rows = await self.pool.fetch(
            f"SELECT {COLUMNS} FROM event WHERE type LIKE 'ledgerdesk.%.configured' AND position < $1 ORDER BY position DESC LIMIT $2",
            before, limit,
        )  # fmt: skip
        return [event_of(row, self.owner) for row in rows]

    async def page(self, after: int, limit: int) -> list[Event]:
        """Return up to `limit` published events past position `after`, in position order; private ones stay here."""
        rows = await self.pool.fetch(
            f"SELECT {COLUMNS} FROM event WHERE position > $1 AND type <> ALL ($3) ORDER BY position LIMIT $2",
            after, limit, PRIVATE,
        )  # fmt: skip
        return [event_of(row, self.owner) for row in rows]

    async def erase(self, event_ids: Sequence[UUID]) -> int:
        """Blank the personal parts of these events; returns how many had one. An event of the store must say so first."""
        blanked: int = await self.pool.fetchval("SELECT erase_personal($1)", event_ids)
        return blanked

    async def last_position(self) -> int:
        """Return the position of the last event, 0 for an empty store."""
        position: int | None = await self.pool.fetchval("SELECT max(position) FROM event")
        return position or 0
