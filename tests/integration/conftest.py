"""Event stores in a fresh database."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from shared.testing.servers import PostgresAt, database
from shared.testing.stores import STORE, Stores, prepare


@pytest.fixture(scope="session")
async def stores_template(postgres_server_at: PostgresAt) -> AsyncIterator[str]:
    """A database with the stores of `intake` and `workflow`, made once and copied."""
    async with database(postgres_server_at) as dsn:
        await prepare(dsn, {"intake": [STORE], "workflow": [STORE]})
        yield urlsplit(dsn).path.strip("/")


@pytest.fixture
async def stores(postgres_server_at: PostgresAt, stores_template: str) -> AsyncIterator[Stores]:
    """The stores of `intake` and `workflow`, empty, in a database of their own."""
    async with database(postgres_server_at, stores_template) as dsn:
        opener = Stores(dsn)
        yield opener
        await opener.close()
