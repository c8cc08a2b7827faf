"""How far a report is complete."""

import httpx
import pytest

from shared import db
from shared.contracts.topic_names import PARTITIONS, TICKETS
from shared.projection import checkpoints
from tests.integration.reports.told import A


async def _watermark(connection: db.Connection, position: int, time: str) -> None:
    wanted = checkpoints.places([TICKETS], PARTITIONS)
    marks = {owner: {"position": position, "time": time} for owner in ("intake", "routing", "workflow")}
    await checkpoints.begin(connection, "reporting.views", "log-1", wanted, marks)


async def until(client: httpx.AsyncClient) -> str | None:
    return (await client.get("/reports/moves")).json()["complete_until"]


async def test_complete_until_is_unknown_before_any_watermark(client):
    assert await until(client) is None


async def test_complete_until_is_now_where_everything_is_applied(client, connection):
    await _watermark(connection, 10, "2026-05-01T11:00:00Z")
    assert await until(client) == "2026-05-01T12:00:00Z"


async def test_complete_until_is_the_watermarks_time_where_an_owner_is_ahead(client, connection):
    await _watermark(connection, 9, "2026-05-01T11:00:00+00:00")
    assert await until(client) == "2026-05-01T11:00:00Z"
    csv_answer = await client.get("/reports/moves?format=csv")
    assert csv_answer.headers["Ledgerdesk-Complete-Until"] == "2026-05-01T11:00:00.000000Z"


async def test_complete_until_does_without_an_owner_that_is_down(client, connection, heads):
    heads.position = None
    await _watermark(connection, 10, "2026-05-01T11:00:00Z")
    assert await until(client) == "2026-05-01T11:00:00Z"


@pytest.mark.usefixtures("told")
async def test_what_is_parked_or_missing_holds_complete_until_back(client, connection):
    await _watermark(connection, 10, "2026-05-01T11:00:00Z")
    await connection.execute(
        "INSERT INTO projection_parked VALUES ('reporting.ticket', $1, 'workflow', 6, $2, 'test')",
        A, {"recorded_at": "2026-04-01T00:00:00Z"},
    )  # fmt: skip
    assert await until(client) == "2026-04-01T00:00:00Z"
    await connection.execute(
        "INSERT INTO projection_gap (view, stream_id, source, have, want) VALUES ('reporting.ticket', $1, 'intake', 0, 2)",
        A,
    )
    assert await until(client) is None
