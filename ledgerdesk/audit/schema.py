"""Makes the tables of seals. Imports little: the init step runs at every start."""

from pathlib import Path

import asyncpg

from shared import db

MIGRATIONS = Path(__file__).parent / "migrations"


async def prepare(dsn: str) -> None:
    """Make the role and the tables where they are missing. Needs a user that may create roles."""
    role = db.role_of("audit")
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "ledgerdesk"}, timeout=10)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('ledgerdesk.schemas', 0))")
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                await connection.execute(f'CREATE ROLE "{role}" NOLOGIN')
            if not await connection.fetchval("SELECT pg_has_role(current_user, $1, 'SET')", role):
                await connection.execute(f'GRANT "{role}" TO CURRENT_USER')
        # The init step makes this schema, and gives rights on it, for the log's marker, too, at the same time. PostgreSQL refuses
        # two GRANTs on one thing at a time ("tuple concurrently updated"): the lock is held until the connection ends.
        await connection.execute("SELECT pg_advisory_lock(hashtextextended('ledgerdesk.log', 0))")
        await connection.execute("CREATE SCHEMA IF NOT EXISTS ledgerdesk")
        await db.migrate(connection, [MIGRATIONS])
    finally:
        await connection.close()
