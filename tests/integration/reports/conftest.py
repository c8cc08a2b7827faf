"""The reports over HTTP on a real PostgreSQL: with nothing in them, or with the story told."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.reporting.api import ReportingApp, reports
from services.reporting.completeness import Completeness
from shared import db
from shared.contracts.event import Via, rfc3339
from shared.http import problems
from shared.http.caller import Caller
from shared.settings import Settings
from shared.testing.stores import prepare
from tests.integration.reports.told import FOLDERS, JANE, JOHN, KEN, OLD, project, story


@pytest.fixture
async def connection(postgres_dsn: str) -> AsyncIterator[db.Connection]:
    await prepare(postgres_dsn, {"reporting": FOLDERS})
    connection = await db.connect(postgres_dsn, "reporting")
    for person, login, agent in (
        (JOHN, "john", {}),
        (JANE, "jane", {}),
        (KEN, "ken", None),
        (OLD, "Updated by 9", {"active": False}),
    ):
        await connection.execute(
            "INSERT INTO person (stream_id, versions, login, agent) VALUES ($1, '{}', $2, $3)", person, login, agent
        )
    yield connection
    await connection.close()


class Heads:
    """The owners' answers: how far their stores are. None: the owner does not answer."""

    def __init__(self) -> None:
        self.position: int | None = 10
        self.now = datetime(2026, 5, 1, 12, tzinfo=UTC)

    async def head(self, owner: str) -> dict[str, Any]:
        del owner
        if self.position is None:
            raise httpx.ConnectError("it is down")
        return {"position": self.position, "now": rfc3339(self.now)}


@pytest.fixture
def heads() -> Heads:
    return Heads()


@pytest.fixture
async def client(postgres_dsn: str, connection: db.Connection, heads: Heads) -> AsyncIterator[httpx.AsyncClient]:
    assert not connection.is_closed()  # the tables are there
    pool = await db.create_pool(postgres_dsn, "reporting", maximum=3)

    async def caller(token: str, _: str | None) -> Caller:
        return Caller(None, None, token, None, frozenset({token}), Via("key", token))

    app = FastAPI()
    app.state.settings = Settings()
    completeness = Completeness("reporting.views", heads)  # type: ignore[arg-type] # of a feed it asks for the head alone
    app.state.services = {
        "reporting": SimpleNamespace(
            authenticator=SimpleNamespace(caller=caller), components=ReportingApp(pool, completeness)
        )
    }
    problems.install(app)
    app.include_router(reports.router, prefix="/api/v1")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://reports/api/v1",
        headers={"Authorization": "Bearer analyst"},
    ) as client:
        yield client
    await pool.close()


@pytest.fixture
async def told(connection: db.Connection) -> None:
    await project(connection, story())
