"""What a service looks up in its directory: several things with one query, and the rules that stand at the door."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ledgerdesk.initialise import migration_folders
from shared import db
from shared.contracts.ids import directory_id
from shared.directory.people import REFUSING, Directory
from shared.testing.stores import prepare


class CountingPool:
    """A pool that counts what it is asked."""

    def __init__(self, pool: db.Pool) -> None:
        self.pool = pool
        self.asked = 0

    async def fetch(self, *query: Any) -> Any:
        self.asked += 1
        return await self.pool.fetch(*query)


@pytest.fixture
async def pool(postgres_dsn) -> AsyncIterator[CountingPool]:
    await prepare(postgres_dsn, {"intake": migration_folders("intake")})
    opened = await db.create_pool(postgres_dsn, "intake")
    yield CountingPool(opened)
    await opened.close()


async def configure(pool: CountingPool, kind: str, **entry: Any) -> None:
    await pool.pool.execute(
        "INSERT INTO directory_entry (stream_id, versions, kind, key, entry) VALUES ($1, '{}', $2, $3, $4) "
        "ON CONFLICT (stream_id) DO UPDATE SET entry = excluded.entry",
        directory_id(kind, entry["key"]), kind, entry["key"], entry,
    )  # fmt: skip


async def test_several_things_are_one_query_each_in_its_place(pool):
    for kind, key in (("topic", "mail"), ("topic", "vpn"), ("field", "b"), ("field", "a"), ("rule", "one")):
        await configure(pool, kind, key=key, active=True, actions={})
    found = await Directory(pool).several(
        ("field", None), ("topic", "vpn"), ("topic", "none"), ("team", None), ("rule", "one")
    )
    assert [[entry["key"] for entry in entries] for entries in found] == [["a", "b"], ["vpn"], [], [], ["one"]]
    assert pool.asked == 1


async def test_the_door_asks_all_rules_if_one_in_force_refuses_and_else_none(pool):
    async def at_the_door() -> list[str]:
        (found,) = await Directory(pool).several(REFUSING)
        return [rule["key"] for rule in found]

    await configure(pool, "rule", key="lets-in", active=True, actions={"priority": "high"})
    assert await at_the_door() == []
    await configure(pool, "rule", key="refuses", active=True, actions={"reject": "No."})
    assert await at_the_door() == ["lets-in", "refuses"]
    await configure(pool, "rule", key="refuses", active=False, actions={"reject": "No."})
    assert await at_the_door() == []
