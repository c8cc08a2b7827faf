"""The chains of the stores: every hash computed anew, and every blank held against the fact that must have said it."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from shared import db
from shared.contracts.canonical import GENESIS, event_hash, personal_digest
from shared.contracts.erasing import named
from shared.contracts.event import rfc3339
from shared.eventstore.store import COLUMNS, event_of

if TYPE_CHECKING:
    from ledgerdesk.verify import Verdict


class Blanks:
    """Looks at one stream after the other: is what has no personal part any more named by an erasure, and the other way round?"""

    def __init__(self, owner: str, verdict: "Verdict") -> None:
        self._owner = owner
        self._verdict = verdict
        self._stream: UUID | None = None
        self._blank: set[int] = set()
        self._personal: set[int] = set()
        self._named: set[int] = set()

    def see(self, row: asyncpg.Record) -> None:
        """Take the next row; streams come one after the other."""
        if row["stream_id"] != self._stream:
            self.end()
            self._stream = row["stream_id"]
        if row["personal"] is not None:
            self._personal.add(row["version"])
        elif row["personal_digest"] is not None:
            self._blank.add(row["version"])
        if row["type"].endswith(("personal_erased", "forgotten")):
            with suppress(LookupError, TypeError, AttributeError):  # forged: its hash has told already
                self._named.update(named(event_of(row, self._owner)))

    def end(self) -> None:
        """Judge the stream that ends here."""
        where = f"{self._owner}: stream {self._stream}: version"
        self._verdict.differences += [
            f"{where} {version} was blanked, and no event says so" for version in sorted(self._blank - self._named)
        ]
        self._verdict.behind += [
            f"{where} {version} is to be blanked, and is not yet" for version in sorted(self._personal & self._named)
        ]
        self._blank, self._personal, self._named = set(), set(), set()


async def chained(connection: db.Connection, owner: str, verdict: "Verdict") -> AsyncIterator[asyncpg.Record]:
    """Recompute every hash of a store, stream by stream, and look for holes in versions and for what was blanked unsaid. Yields each row, checked."""
    last: tuple[UUID | None, int, bytes] = (None, 0, GENESIS)
    blanks = Blanks(owner, verdict)
    cursor = connection.cursor(
        f'SELECT {COLUMNS}, salt, personal_digest, hash FROM "{owner}".event ORDER BY stream_id, version', prefetch=2000
    )
    async for row in cursor:
        stream, version, previous = last if last[0] == row["stream_id"] else (row["stream_id"], 0, GENESIS)
        if row["version"] != version + 1:
            verdict.differences.append(f"{owner}: stream {stream}: version {version + 1} is missing")
        elif hash_of(previous, row, owner) != row["hash"]:
            verdict.differences.append(f"{owner}: stream {stream}: version {row['version']} is not what was written")
        elif (
            row["personal"] is not None
            and personal_digest(row["salt"] or b"", row["personal"]) != row["personal_digest"]
        ):
            verdict.differences.append(
                f"{owner}: stream {stream}: personal part of version {row['version']} was changed"
            )
        last = (row["stream_id"], row["version"], row["hash"])
        blanks.see(row)
        yield row
    blanks.end()


def hash_of(previous: bytes, row: asyncpg.Record, owner: str) -> bytes | None:
    """Return what an event's hash should be; None if it is no event at all, which must not hide what else is wrong."""
    try:
        return event_hash(previous, envelope(row, owner), row["personal_digest"])
    except (KeyError, TypeError):
        return None


def envelope(row: Any, owner: str) -> dict[str, Any]:
    """Return what an event's hash is taken over; the mirror of `shared.eventstore.ledger.link`."""
    meta = row["meta"]
    return {
        "id": str(row["event_id"]), "source": owner, "stream": str(row["stream_id"]), "version": row["version"],
        "type": row["type"], "schemaversion": row["schema_version"], "time": rfc3339(row["occurred_at"]),
        "actor": meta["actor"], "via": meta["via"], "cause": meta["cause"], "correlation": meta["correlation"],
        "data": row["data"],
    }  # fmt: skip
