"""Facts written straight into the stores of a stopped stack: for histories of a size that the front door takes hours for.

The facts are checked, enveloped and chained as an owner would do it; what is left out is everything that follows: the relays are
moved past them, and the views are made by `ledgerdesk rebuild`. One transaction holds it all, so a killed run leaves nothing.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

import asyncpg
from asyncpg.pgproto import pgproto

from ledgerdesk.importer.facts import Stated
from shared import db
from shared.contracts.catalogue import check
from shared.contracts.event import Actor, NewEvent, Via
from shared.eventstore.ledger import Context, link
from shared.eventstore.store import EMPTY, Head

CHUNK = 5000
_COLUMNS = (
    "stream_id", "version", "event_id", "type", "schema_version", "data", "personal", "salt", "personal_digest", "meta",
    "occurred_at", "recorded_at", "hash",
)  # fmt: skip


class AlreadyThereError(RuntimeError):
    """The ledger knows the first of these facts: they were written before."""


async def write(dsn: str, log: str, facts: Iterable[Stated], say: Callable[[int], None] = lambda _: None) -> int:
    """Append facts to the stores, all or none. Returns how many.

    Args:
        dsn: The database, as a user that may act as the owners. No service may be running.
        log: Names the log they come from.
        facts: In time order; none of their streams has events yet.
        say: Told how many have been written, now and then.

    Raises:
        AlreadyThereError: They are there.
        PayloadError, EventTooLargeError: A fact cannot be written.
    """
    heads: dict[tuple[str, UUID], Head] = {}
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    await db.prepare_connection(connection)
    written = 0
    stated = iter(facts)
    try:
        async with connection.transaction():
            while chunk := list(islice(stated, CHUNK)):
                if not written:
                    await _refuse_known(connection, chunk[0])
                await _copy(connection, log, chunk, heads)
                written += len(chunk)
                say(written)
            for owner in {owner for owner, _ in heads}:
                await connection.execute(
                    f'UPDATE "{owner}".relay_cursor SET position = (SELECT max(position) FROM "{owner}".event)'
                )
    finally:
        await connection.close()
    return written


async def people(dsn: str) -> dict[str, str]:
    """Return the person id of everybody whom intake's store knows, by e-mail address."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT stream_id::text AS id, personal ->> 'email' AS email FROM intake.event "
            "WHERE type = 'ledgerdesk.person.registered' AND personal IS NOT NULL ORDER BY position"
        )
    finally:
        await connection.close()
    return {row["email"]: row["id"] for row in rows}


async def _refuse_known(connection: db.Connection, first: Stated) -> None:
    if await connection.fetchval(
        f'SELECT 1 FROM "{first.owner}".event WHERE stream_id = $1', pgproto.UUID(first.fact["stream_id"])
    ):
        raise AlreadyThereError(
            f"the ledger holds {first.fact['type']} of ticket {first.line} already: choose another --seed"
        )


async def _copy(connection: db.Connection, log: str, chunk: list[Stated], heads: dict[tuple[str, UUID], Head]) -> None:
    now = datetime.now(UTC)
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for owner, _, fact in chunk:
        stream = pgproto.UUID(fact["stream_id"])
        event = NewEvent(fact["type"], fact["data"], fact["personal"])
        event_id = pgproto.UUID(fact["id"])
        context = Context(event_id, Actor(**fact["actor"]), Via("import", log))
        row, heads[owner, stream] = link(
            owner, stream, heads.get((owner, stream), EMPTY), event, check(event, owner), event_id, context,
            datetime.fromisoformat(fact["occurred_at"]),
        )  # fmt: skip
        rows.setdefault(owner, []).append(
            (stream, row.version, event_id, row.type, row.schema_version, row.data, row.personal, row.salt, row.digest,
             row.meta, row.occurred_at, now, row.hash)
        )  # fmt: skip
    for owner, records in rows.items():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('ledgerdesk.append.' || $1, 0))", owner)
        await connection.copy_records_to_table("event", schema_name=owner, columns=_COLUMNS, records=records)
