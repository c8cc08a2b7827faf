"""A view is rebuilt under load: nobody's reading fails, nothing happens again, and what was wrong in it is gone."""

import asyncio
import json
import sys
import threading
from pathlib import Path

import asyncpg
import httpx
import pytest

from shared.testing.wait import wait_until, wait_until_async
from tests.e2e.desk import ledgerdesk

ROOT = Path(__file__).parents[2]


class People(threading.Thread):
    """Opens tickets and looks at everything, without a pause, until told to stop; remembers what went wrong."""

    def __init__(self, stack, known: str) -> None:
        super().__init__(daemon=True)
        self.stack, self.known = stack, known
        self.enough = threading.Event()
        self.wrong: list[str] = []
        self.opened: list[str] = []
        self.looks = 0

    def run(self) -> None:
        created = 0
        with self.stack.client() as client:
            while not self.enough.is_set():
                try:
                    body = {
                        "subject": f"During {self.looks}",
                        "body": "x",
                        "requester": {"email": "during@example.org"},
                    }
                    self.opened.append(client.post("/tickets", json=body).raise_for_status().json()["id"])
                    client.get(f"/tickets/{self.known}").raise_for_status()
                    if not client.get("/tickets", params={"limit": 5}).raise_for_status().json()["items"]:
                        self.wrong.append("the list was empty")
                    if not client.get(f"/tickets/{self.known}/timeline").raise_for_status().json()["items"]:
                        self.wrong.append("the timeline was empty")
                    rows = client.get("/reports/moves", params={"to": "2100-01-01"}).raise_for_status().json()["rows"]
                    now = next(row["count"] for row in rows if row["kind"] == "created")
                    if now < created:
                        self.wrong.append(f"the report said {now} after {created}")
                    created = now
                    self.looks += 1
                except (httpx.HTTPError, StopIteration) as error:
                    self.wrong.append(repr(error))


@pytest.fixture
async def database(stack):
    connection = await asyncpg.connect(stack.environment["DATABASE_URL"])
    yield connection
    await connection.close()


async def test_a_damaged_view_is_healed_under_load_and_nothing_happens_twice(stack, admin, database):
    body = {"subject": "Damaged", "body": "x", "requester": {"email": "ken@example.org"}}
    ticket = admin.post("/tickets", json=body).json()["id"]
    wait_until(lambda: admin.get(f"/tickets/{ticket}").json().get("assignee"), message="an assignee")
    assigned = "SELECT count(*) FROM routing.event WHERE stream_id = $1::text::uuid"
    before = await database.fetchval(assigned, ticket)
    feed = await database.fetchval("SELECT max(id) FROM gateway.feed WHERE ticket_id = $1::text::uuid", ticket)
    await database.execute("UPDATE reporting.entry SET department = 'nowhere' WHERE ticket_id = $1::text::uuid", ticket)
    await database.execute("UPDATE workflow.ticket SET subject = 'Forged' WHERE stream_id = $1::text::uuid", ticket)
    await database.execute(
        "DELETE FROM workflow.timeline WHERE ticket_id = $1::text::uuid AND source = 'routing'", ticket
    )
    await database.execute(
        "INSERT INTO routing.ticket (stream_id, versions, status, moved) VALUES (gen_random_uuid(), '{\"intake\": 1}', 'new', false)"
    )
    assert ledgerdesk(stack, "verify").returncode == 2, "the damage is seen"
    people = People(stack, ticket)
    people.start()
    wait_until(lambda: people.looks >= 3, message="people at work")
    try:
        for name in ("reporting", "workflow.ticket", "routing.ticket", "gateway", "intake.directory.person"):
            made = ledgerdesk(stack, "rebuild", name)
            assert made.returncode == 0, made.stdout + made.stderr
        looks = people.looks
        wait_until(lambda: people.looks >= looks + 3, message="people at work after it")
    finally:
        people.enough.set()
        people.join()
    assert people.wrong == []
    verified = ledgerdesk(stack, "verify")
    assert verified.returncode == 0, verified.stdout
    assert admin.get(f"/tickets/{ticket}").json()["subject"] == "Damaged"
    assert await database.fetchval(assigned, ticket) == before, "nothing is reacted to again"
    assert await database.fetchval("SELECT max(id) FROM gateway.feed WHERE ticket_id = $1::text::uuid", ticket) == feed
    assert await database.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname ~ '_(v[0-9]+|old)$'") == 0
    found = {p["name"]: p for p in json.loads(ledgerdesk(stack, "doctor", "--json").stdout)["projections"]}
    assert found["reporting.views"]["versions"]["reporting.ticket"]["version"] == 2
    assert found["workflow.views"]["versions"]["workflow.ticket"]["version"] == 2
    assert found["workflow.views"]["versions"]["directory.person"] == {"version": 1}


async def test_keys_and_indexes_keep_their_names_and_analysts_see_the_new_tables(stack, database):
    shape = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'reporting' ORDER BY 1, 2"
    before = await database.fetch(shape)
    made = ledgerdesk(stack, "rebuild", "reporting")
    assert made.returncode == 0, made.stderr
    assert await database.fetch(shape) == before
    assert await database.fetchval("SELECT count(*) FROM analytics.ticket") == await database.fetchval(
        "SELECT count(*) FROM reporting.ticket WHERE created_at IS NOT NULL"
    )


async def test_what_cannot_be_rebuilt_says_why(stack, database):
    unknown = ledgerdesk(stack, "rebuild", "reporting.nonsense")
    assert unknown.returncode == 1
    assert "reporting.ticket" in unknown.stderr, "it says what there is"
    await database.execute("SELECT pg_advisory_lock(hashtextextended('ledgerdesk.rebuild.reporting', 0))")
    second = ledgerdesk(stack, "rebuild", "reporting")
    assert second.returncode == 1
    assert "another rebuild of reporting" in second.stderr
    await database.execute("SELECT pg_advisory_unlock_all()")


async def test_what_a_killed_rebuild_left_is_dropped_by_the_next(stack, database):
    await database.execute("CREATE SCHEMA routing_v7; CREATE TABLE routing_v7.ticket (x int)")
    assert ledgerdesk(stack, "rebuild", "routing.ticket").returncode == 0
    assert await database.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname = 'routing_v7'") == 0


async def test_a_reader_with_an_old_snapshot_makes_the_flip_wait(stack, database):
    reader = database.transaction(isolation="repeatable_read", readonly=True)
    await reader.start()
    await database.execute("LOCK TABLE reporting.ticket IN ACCESS SHARE MODE")
    entries = await database.fetchval("SELECT count(*) FROM reporting.ticket")
    rebuilding = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ledgerdesk.cli", "rebuild", "reporting", "--data", str(stack.data), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    other = await asyncpg.connect(stack.environment["DATABASE_URL"])

    async def flipping() -> bool:
        return bool(
            await other.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%reporting_old%' AND pid <> pg_backend_pid()"
            )
        )

    await wait_until_async(flipping, timeout=60, message="the flip to be tried")
    await other.close()
    with stack.client() as client:
        for _ in range(20):  # whoever comes while it waits is not held up for long
            client.get("/reports/moves", timeout=2).raise_for_status()
    assert rebuilding.returncode is None, "it waits for the reader"
    assert await database.fetchval("SELECT count(*) FROM reporting.ticket") == entries
    await reader.rollback()
    output, _ = await asyncio.wait_for(rebuilding.communicate(), 60)
    assert rebuilding.returncode == 0, output
