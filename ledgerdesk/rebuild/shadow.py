"""The schema in which a new version of a view grows: tables like the live ones, found first by the views' own statements.

Constraints and indexes keep their names, so that later migrations find them. Those that are needed while it grows (keys) are
there from the beginning; the others are made when it is full, which is faster.
"""

from collections.abc import Sequence

import asyncpg

from ledgerdesk.rebuild.plan import Plan
from shared import db

NOTES = ("projection_parked", "projection_gap")
"""Where folding writes down what it could not fold: the new version's own."""


def name_of(service: str, version: int) -> str:
    """Return the shadow schema's name."""
    return f"{service}_v{version}"


async def drop_leftovers(connection: db.Connection, service: str) -> None:
    """Drop what a rebuild that was killed has left."""
    for row in await connection.fetch(
        "SELECT nspname FROM pg_namespace WHERE nspname ~ $1", f"^{service}_(v[0-9]+|old)$"
    ):
        await connection.execute(f'DROP SCHEMA "{row["nspname"]}" CASCADE')


async def create(connection: db.Connection, plan: Plan, schema: str) -> None:
    """Make the schema and its empty tables, the service's own."""
    role = db.role_of(plan.service)
    await connection.execute(f'CREATE SCHEMA "{schema}" AUTHORIZATION "{role}"')
    await connection.execute(f'SET ROLE "{role}"')
    for table in plan.tables:
        await connection.execute(
            f'CREATE TABLE "{schema}".{table} (LIKE "{plan.service}".{table} INCLUDING ALL EXCLUDING INDEXES)'
        )
        for row in await _keys(connection, plan.service, table):
            await connection.execute(
                f'ALTER TABLE "{schema}".{table} ADD CONSTRAINT "{row["name"]}" {row["definition"]}'
            )
    for table in (*plan.effects, *NOTES):
        await connection.execute(f'CREATE TABLE "{schema}".{table} (LIKE "{plan.service}".{table} INCLUDING ALL)')
    await connection.execute("RESET ROLE")


async def _keys(connection: db.Connection, service: str, table: str) -> Sequence[asyncpg.Record]:
    return await connection.fetch(
        "SELECT conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint "
        "WHERE conrelid = format('%I.%I', $1::text, $2::text)::regclass AND contype IN ('p', 'u', 'x')",
        service, table,
    )  # fmt: skip


async def add_indexes(connection: db.Connection, plan: Plan, schema: str) -> None:
    """Make the indexes that are no keys, gather statistics, and map what is visible. Outside a transaction."""
    await connection.execute(f'SET ROLE "{db.role_of(plan.service)}"')
    for table in plan.tables:
        rows = await connection.fetch(
            "SELECT pg_get_indexdef(indexrelid) AS definition FROM pg_index i "
            "WHERE indrelid = format('%I.%I', $1::text, $2::text)::regclass "
            "AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)",
            plan.service, table,
        )  # fmt: skip
        for row in rows:
            live = f" ON {plan.service}.{table} "
            if row["definition"].count(live) != 1:
                raise RuntimeError(f"cannot make this index on another table: {row['definition']}")
            await connection.execute(row["definition"].replace(live, f' ON "{schema}".{table} '))
        # Counts that read an index alone are ten times as fast once the table's pages are known to be visible to all.
        await connection.execute(f'VACUUM (ANALYZE) "{schema}".{table}')
    await connection.execute("RESET ROLE")


async def look_into(connection: db.Connection, plan: Plan, schema: str) -> None:
    """Let the views' statements find the new tables before the live ones, until the transaction ends."""
    await connection.execute(f'SET LOCAL search_path = "{schema}", "{plan.service}"')


async def swap(connection: db.Connection, plan: Plan, schema: str) -> None:
    """Put the new tables in the live ones' place, which are dropped. Inside the flip's transaction."""
    old, reader = f"{plan.service}_old", db.role_of("verify")
    await connection.execute(f'CREATE SCHEMA "{old}" AUTHORIZATION "{db.role_of(plan.service)}"')
    for table in plan.tables:
        await connection.execute(f'ALTER TABLE "{plan.service}".{table} SET SCHEMA "{old}"')
    for table in plan.tables:
        await connection.execute(f'ALTER TABLE "{schema}".{table} SET SCHEMA "{plan.service}"')
        await connection.execute(f'GRANT SELECT ON "{plan.service}".{table} TO "{reader}"')
    for table in NOTES:
        names = [model.name for model in plan.models]
        await connection.execute(f'DELETE FROM "{plan.service}".{table} WHERE view = ANY ($1)', names)
        await connection.execute(f'INSERT INTO "{plan.service}".{table} SELECT * FROM "{schema}".{table}')


async def drop_old(connection: db.Connection, plan: Plan, schema: str) -> None:
    """Drop what was live before, and the empty shadow."""
    await connection.execute(f'DROP SCHEMA "{plan.service}_old" CASCADE')
    await connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
