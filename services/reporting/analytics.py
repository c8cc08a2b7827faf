"""The analysts' door: views without personal data in a schema of their own, and a role that can only read them."""

from pathlib import Path

import asyncpg

from shared.db import Connection

SQL = Path(__file__).with_name("analytics.sql")


async def install_analytics(dsn: str) -> None:
    """Create or renew the schema `analytics` and the role `ledgerdesk_analyst`; done again it changes nothing.

    Args:
        dsn: Of a user who may create schemas and roles and acts as reporting's role; its migrations come first.
    """
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        async with connection.transaction():
            await renew_analytics(connection)
    finally:
        await connection.close()


async def renew_analytics(connection: Connection) -> None:
    """Bind the analysts' views to the tables that are there now. Inside a transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('ledgerdesk.analytics', 0))")
    await connection.execute(SQL.read_text())
