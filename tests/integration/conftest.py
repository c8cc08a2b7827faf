"""Event stores in a fresh database, and one with sealed history."""

import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from ledgerdesk.audit.keys import AuditFiles
from ledgerdesk.audit.seal import make_seal
from ledgerdesk.initialise import migrate_all
from shared.contracts.event import NewEvent
from shared.testing.events import created, message
from shared.testing.servers import PostgresAt, database
from shared.testing.stores import STORE, Stores, prepare
from tests.integration.driven import Driven
from tests.integration.sealed import FIRST_DAY, LATE, NOTED, ONE, TWO, Stack, append


@pytest.fixture(scope="session")
async def stores_template(postgres_server_at: PostgresAt) -> AsyncIterator[str]:
    """A database with the stores of `intake`, `workflow` and `knowledge`, made once and copied."""
    async with database(postgres_server_at) as dsn:
        await prepare(dsn, {owner: [STORE] for owner in ("intake", "workflow", "knowledge")})
        yield urlsplit(dsn).path.strip("/")


@pytest.fixture
async def stores(postgres_server_at: PostgresAt, stores_template: str) -> AsyncIterator[Stores]:
    """The stores of `intake`, `workflow` and `knowledge`, empty, in a database of their own."""
    async with database(postgres_server_at, stores_template) as dsn:
        opener = Stores(dsn)
        yield opener
        await opener.close()


@pytest.fixture(scope="session")
async def sealed_template(postgres_server_at, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    files = AuditFiles.beside(folder / "audit.key")
    files.make_key()
    async with database(postgres_server_at) as dsn:
        await migrate_all(dsn)
        await append(dsn, "intake", ONE, created("100001"), message("one"), message("two"), message("three"))
        await append(dsn, "workflow", ONE, NewEvent("ledgerdesk.ticket.started", {}))
        assert (await make_seal(dsn, files, FIRST_DAY)).number == 1
        await append(dsn, "intake", TWO, created("100002"), message())
        await append(dsn, "workflow", ONE, NOTED, NOTED)
        assert (await make_seal(dsn, files, FIRST_DAY + timedelta(days=1))).number == 2
        await append(dsn, "intake", LATE, created("100003"))
        await append(dsn, "workflow", ONE, NOTED)
        yield urlsplit(dsn).path.strip("/"), folder


@pytest.fixture
async def stack(postgres_server_at, sealed_template, tmp_path):
    name, folder = sealed_template
    data = tmp_path / "data"
    shutil.copytree(folder, data)
    async with database(postgres_server_at, name) as dsn:
        attacker = await asyncpg.connect(
            dsn, server_settings={"session_replication_role": "replica", "timezone": "UTC"}
        )
        yield Stack(dsn, AuditFiles.beside(data / "audit.key"), attacker)
        await attacker.close()


@pytest.fixture
def driven(tmp_path: Path) -> Iterator[Driven]:
    """A supervisor, not started yet; it and its children end with the test."""
    driven = Driven(tmp_path / "data")
    yield driven
    driven.end()
