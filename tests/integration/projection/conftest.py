"""A world of its own for each test, and an empty log that it is to follow."""

from collections.abc import AsyncIterator

import pytest

from ledgerdesk.initialise import migration_folders
from shared.testing.servers import database
from shared.testing.stores import STORE, Stores, prepare
from shared.topics import prepare_log
from tests.integration.projection.world import OWNERS, Fragile, World


@pytest.fixture
async def world(postgres_server_at) -> AsyncIterator[World]:
    async with database(postgres_server_at) as dsn:
        await prepare(dsn, {"intake": [STORE], "routing": [STORE], "workflow": migration_folders("workflow")})
        stores = Stores(dsn)
        yield World(stores, {owner: await stores.open(owner) for owner in OWNERS}, Fragile())
        await stores.close()


@pytest.fixture
async def log(world, own_kafka) -> str:
    """An empty log, marked as the one to follow; its bootstrap servers."""
    await prepare_log(world.stores.dsn, own_kafka.bootstrap_servers)
    return own_kafka.bootstrap_servers
