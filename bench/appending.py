"""The event store: commands of many clients at once, beside the plain insert of the same rows."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from statistics import median

import asyncpg

from bench.figures import Figure, rate_figure
from shared import db
from shared.contracts.ids import random_id
from shared.eventstore.appender import Appender
from shared.eventstore.store import EMPTY, Command, EventStore, Row
from shared.testing.events import command, created
from shared.testing.servers import PostgresAt, database
from shared.testing.stores import STORE, prepare

ROUNDS = 7
"""Their median is told: of one alone it shows whether a checkpoint or an autovacuum fell into it."""

PLAIN = """
INSERT INTO plain (stream_id, version, event_id, type, schema_version, data, personal, salt, personal_digest, meta, occurred_at,
                   recorded_at, hash)
SELECT stream, version, id, type, schema, data, personal, salt, digest, meta, occurred, clock_timestamp(), hash
FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::int[], $6::jsonb[], $7::jsonb[], $8::bytea[], $9::bytea[],
            $10::jsonb[], $11::timestamptz[], $12::bytea[])
    AS n (stream, version, id, type, schema, data, personal, salt, digest, meta, occurred, hash)
"""


def commands(count: int) -> list[Command]:
    """Return commands that each open a ticket."""
    return [command("intake", random_id(), EMPTY, [created(str(number))])[0] for number in range(count)]


@asynccontextmanager
async def store(server: PostgresAt) -> AsyncIterator[tuple[EventStore, str]]:
    """Give an empty store of intake, and its database."""
    async with database(server) as dsn:
        await prepare(dsn, {"intake": [STORE]})
        pool = await db.create_pool(dsn, "intake")
        try:
            yield EventStore("intake", pool), dsn
        finally:
            await pool.close()


async def append_all(store: EventStore, wanted: Sequence[Command], clients: int) -> float:
    """Append from this many clients, each waiting for its answer before its next; returns the seconds."""
    appender = Appender(store)
    appender.start()
    queue = iter(wanted)

    async def client() -> None:
        for one in queue:
            outcome = await appender.append(one)
            assert outcome.kind == "appended"

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    taken = time.perf_counter() - started
    await appender.stop()
    return taken


async def insert_all(dsn: str, wanted: Sequence[Command], batch: int) -> float:
    """Insert the same rows into such a table by `unnest`, on one connection, so many at once; returns the seconds."""
    connection = await db.connect(dsn, "intake")
    await connection.execute("CREATE TABLE IF NOT EXISTS plain (LIKE event INCLUDING ALL)")
    rows = [(one.stream_id, row) for one in wanted for row in one.rows]
    started = time.perf_counter()
    for begin in range(0, len(rows), batch):
        await _insert(connection, rows[begin : begin + batch])
    taken = time.perf_counter() - started
    await connection.close()
    return taken


async def _insert(connection: "asyncpg.Connection[asyncpg.Record]", rows: Sequence[tuple[object, Row]]) -> None:
    await connection.execute(
        PLAIN, [stream for stream, _ in rows], [r.version for _, r in rows], [r.event_id for _, r in rows],
        [r.type for _, r in rows], [r.schema_version for _, r in rows], [r.data for _, r in rows],
        [r.personal for _, r in rows], [r.salt for _, r in rows], [r.digest for _, r in rows], [r.meta for _, r in rows],
        [r.occurred_at for _, r in rows], [r.hash for _, r in rows],
    )  # fmt: skip


async def measure(server: PostgresAt, seconds: float = 3.0) -> list[Figure]:
    """Append with 1, 16 and 64 clients."""
    figures = []
    for clients, share in ((1, 0.0), (16, 0.0), (64, 0.6)):
        async with store(server) as (events, dsn):
            await append_all(events, commands(20 * clients), clients)  # warms plans and files
            await insert_all(dsn, commands(20 * clients), clients)
            count = max(200, int(seconds * 20 * clients / await append_all(events, commands(20 * clients), clients)))
            part, ours, plain = count // ROUNDS, [], []
            for _ in range(ROUNDS):  # in turns, so that both meet the same weather; a checkpoint falls upon one of them
                ours.append(part / await append_all(events, commands(part), clients))
                plain.append(part / await insert_all(dsn, commands(part), clients))
            figures.append(
                rate_figure(
                    f"store append, {clients} at once", median(ours), median(plain), share=share, events=part * ROUNDS,
                    least_round=round(min(ours)), most_round=round(max(ours)),
                )
            )  # fmt: skip
    return figures
