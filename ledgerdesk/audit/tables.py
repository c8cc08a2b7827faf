"""The tables of seals: read by the audit, written by who makes a seal, filled again by a restore."""

from collections.abc import AsyncIterator, Iterable

import asyncpg

from ledgerdesk.audit.leaves import FIRST, ORDER, Leaf, place
from ledgerdesk.audit.merkle import Tree
from ledgerdesk.audit.records import Record
from shared import db

LOCK = "hashtextextended('ledgerdesk.seal', 0)"
"""Held alone by who makes a seal, until file and database agree again; shared by who compares the two."""
PREFETCH = 5000
CHUNK = 5000

WRITE = """
INSERT INTO ledgerdesk.sealed_head (owner, stream_id, version, hash, places)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::int[], $4::bytea[], $5::bytea[])
ON CONFLICT (owner, stream_id) DO UPDATE SET version = EXCLUDED.version, hash = EXCLUDED.hash, places = EXCLUDED.places
"""


async def connect(dsn: str, role: str) -> db.OwnConnection:
    """Open a connection that acts as ``verify`` (reads) or ``audit`` (reads, and writes seals)."""
    connection = await asyncpg.connect(
        dsn, server_settings={"role": db.role_of(role), "timezone": "UTC"}, statement_cache_size=0, timeout=10
    )
    await db.prepare_connection(connection)
    return connection


async def _there(connection: db.Connection, table: str) -> bool:
    """Whether a table is there: it is not before the first start of this version, nor after somebody dropped it."""
    return await connection.fetchval("SELECT to_regclass('ledgerdesk.' || $1)", table) is not None


async def lines(connection: db.Connection) -> list[str]:
    """Return the database's records, oldest first, as they were signed; none if there is no such table."""
    if not await _there(connection, "seal"):
        return []
    return [row["record"] for row in await connection.fetch("SELECT record FROM ledgerdesk.seal ORDER BY number")]


async def leaves(connection: db.Connection) -> AsyncIterator[Leaf]:
    """Yield the leaves that are kept, in the order of the tree; none if there is no such table. Needs a transaction."""
    if not await _there(connection, "sealed_head"):
        return
    async for row in connection.cursor(
        "SELECT owner, stream_id, version, hash, places FROM ledgerdesk.sealed_head ORDER BY owner, stream_id",
        prefetch=PREFETCH,
    ):
        yield Leaf(row["owner"], row["stream_id"], row["version"], row["hash"], row["places"])


async def tree_of(found: AsyncIterator[Leaf]) -> Tree:
    """Return the tree of these leaves."""
    tree = Tree()
    async for leaf in found:
        tree.add(leaf.content)
    return tree


async def write(connection: db.Connection, found: Iterable[Leaf]) -> None:
    """Write leaves in the place of the same streams' earlier ones."""
    many = list(found)
    await connection.execute(
        WRITE, [x.owner for x in many], [x.stream_id for x in many], [x.version for x in many], [x.hash for x in many],
        [x.places for x in many],
    )  # fmt: skip


async def insert(connection: db.Connection, record: Record) -> None:
    """Add a record."""
    await connection.execute(
        "INSERT INTO ledgerdesk.seal (number, record) VALUES ($1, $2)", record.number, record.line.decode()
    )


async def restore(connection: db.Connection, records: list[Record]) -> None:
    """Fill the empty tables from a backup's records; the leaves are made of the stores, cut where the newest one was.

    Whether they give the signed root is for the audit to say.
    """
    for record in records:
        await insert(connection, record)
    if not records:
        return
    for owner in ORDER:
        batch: list[Leaf] = []
        async for leaf in _heads(connection, owner, records[-1].positions.get(owner, 0)):
            batch.append(leaf)
            if len(batch) == CHUNK:
                await write(connection, batch)
                batch = []
        await write(connection, batch)


async def _heads(connection: db.Connection, owner: str, cut: int) -> AsyncIterator[Leaf]:
    """Yield each stream's leaf as the rows say, unchecked."""
    last: Leaf | None = None
    async for row in connection.cursor(
        f'SELECT stream_id, version, position, recorded_at, hash FROM "{owner}".event WHERE position <= $1 '
        "ORDER BY stream_id, version", cut, prefetch=PREFETCH,
    ):  # fmt: skip
        if last is not None and last.stream_id != row["stream_id"]:
            yield last
            last = None
        places = place(last.places if last else FIRST, row["position"], row["recorded_at"])
        last = Leaf(owner, row["stream_id"], row["version"], row["hash"], places)
    if last is not None:
        yield last
