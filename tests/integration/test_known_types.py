"""What a built-in type is, PostgreSQL is asked once a process, not once a connection."""

import asyncio
from collections import Counter
from uuid import uuid4

import asyncpg
import pytest

from shared import db
from shared.testing.servers import database


@pytest.fixture
def asked(monkeypatch):
    """How often the driver asked, by the types it asked for; nothing is known at the beginning."""
    monkeypatch.setattr(db, "_known", {})
    found = Counter()
    ask = asyncpg.Connection._introspect_types

    async def counted(self, typeoids, timeout):  # noqa: ASYNC109 -- the driver's signature
        found[frozenset(typeoids)] += 1
        return await ask(self, typeoids, timeout)

    monkeypatch.setattr(asyncpg.Connection, "_introspect_types", counted)
    return found


@pytest.fixture
async def pool(postgres_server_at):
    async with database(postgres_server_at) as dsn:
        await db.create_schemas(dsn, ["intake"])
        pool = await db.create_pool(dsn, "intake", minimum=3, maximum=3)
        yield pool
        await pool.close()


async def test_connections_that_ask_at_once_ask_once(asked, pool):
    ids = [uuid4(), uuid4()]
    connections = [await pool.acquire() for _ in range(3)]
    answers = await asyncio.gather(*(one.fetchval("SELECT $1::uuid[]", ids) for one in connections))
    assert answers == [ids] * 3
    assert await connections[0].fetchval("SELECT $1::bigint[]", [1, 2]) == [1, 2]
    assert await connections[1].fetchval("SELECT $1::bigint[]", [3]) == [3]
    assert sorted(asked.values()) == [1, 1]
    for one in connections:
        await pool.release(one)


async def test_types_of_a_database_s_own_are_asked_for_by_every_connection(asked, pool):
    """Their numbers mean something else in another database."""
    async with pool.acquire() as one, pool.acquire() as two:
        await one.execute("CREATE TYPE colour AS ENUM ('red', 'green')")
        for connection in (one, two):
            assert await connection.fetchval("SELECT $1::colour[]", ["red"]) == ["red"]
    assert list(asked.values()) == [2]


async def test_who_asks_in_vain_keeps_nobody_from_asking(asked, pool, monkeypatch):
    counted = asyncpg.Connection._introspect_types
    monkeypatch.setattr(db, "_PATIENCE", 0.05)
    begun, never = asyncio.Event(), asyncio.Event()

    async def hangs(*_asked):
        begun.set()
        await never.wait()

    async with pool.acquire() as one, pool.acquire() as two:
        monkeypatch.setattr(asyncpg.Connection, "_introspect_types", hangs)
        hanging = asyncio.create_task(one.fetchval("SELECT $1::uuid[]", []))
        await begun.wait()
        monkeypatch.setattr(asyncpg.Connection, "_introspect_types", counted)
        assert await two.fetchval("SELECT $1::uuid[]", []) == []
        assert list(asked.values()) == [1]
        hanging.cancel()
        await asyncio.wait({hanging})
    assert not db._asking
