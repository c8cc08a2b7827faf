"""Lists of few among many tickets on a real PostgreSQL: the indexes of what is not empty are used, not only there."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from ledgerdesk.initialise import migrate_all
from services.workflow.counts import count_queues
from services.workflow.ticket_list import ListQuery, list_tickets
from shared import db
from shared.contracts.event import Via
from shared.directory.people import Directory
from shared.http.attachments import _NAMED
from shared.http.rights import Caller
from shared.testing.servers import database

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEN = UUID("00000000-0000-0000-0000-00000000000a")
TICKETS = """
INSERT INTO ticket (stream_id, versions, number, tags, moved, involved, status, created_at, updated_at, requester_id,
                    collaborators, watchers, tasks)
SELECT gen_random_uuid(), '{}', n::text, '[]', true, '[]', CASE WHEN n = 1 OR n % 5 = 3 THEN 'open' ELSE 'resolved' END, $1::timestamptz, $1::timestamptz + n * interval '1 s',
       CASE WHEN n % 2000 = 0 THEN $2::uuid ELSE gen_random_uuid() END,
       CASE WHEN n % 2000 = 1 OR n = 2000 THEN jsonb_build_array($2::uuid::text) WHEN n % 50 = 0 THEN '["x"]'::jsonb ELSE '[]' END,
       CASE WHEN n % 5000 = 1 THEN jsonb_build_array($2::uuid::text) WHEN n % 50 = 0 THEN '["x"]'::jsonb ELSE '[]' END,
       CASE WHEN n % 5000 = 2 THEN jsonb_build_array(jsonb_build_object('agent', $2::uuid::text, 'done', false))
            WHEN n % 50 = 0 THEN '[{"done": true}]'::jsonb ELSE '[]' END
FROM generate_series(1, 20000) n
"""
REQUESTER = Caller(KEN, "ken", "Ken", None, frozenset({"requester"}), Via("session", "x"))
LEAD = Caller(KEN, "lea", "Lea", None, frozenset({"lead"}), Via("session", "x"))


@pytest.fixture
async def pool(postgres_server_at):
    async with database(postgres_server_at) as dsn:
        await migrate_all(dsn)
        pool = await db.create_pool(dsn, "workflow", maximum=1)
        await pool.execute(TICKETS, NOON, KEN)
        await pool.execute("ANALYZE ticket")
        yield pool
        await pool.close()


async def used(pool, index: str) -> int:
    await pool.execute("SELECT pg_stat_force_next_flush()")
    return await pool.fetchval(
        "SELECT idx_scan FROM pg_stat_user_indexes WHERE schemaname = 'workflow' AND indexrelname = $1", index
    )


async def test_a_requester_s_counts_cost_his_own_tickets(pool):
    counts = await count_queues(pool, Directory(pool), REQUESTER)
    assert (counts.resolved, counts.closed, counts.open) == (19, 0, 1), "the one that is his in both ways is one"
    assert await used(pool, "ticket_collaborators")
    assert await used(pool, "ticket_requester_status")


async def test_what_a_requester_has_open_is_found_among_all_that_he_ever_asked(pool):
    rows, _ = await list_tickets(pool, Directory(pool), ListQuery(status=["new", "open"]), REQUESTER)
    assert [row["number"] for row in rows] == ["1"]
    assert await used(pool, "ticket_requester_status")


@pytest.mark.parametrize(
    ("query", "index", "found"),
    [({"watching": "me"}, "ticket_watchers", 4), ({"task": "me"}, "ticket_tasks", 4)],
)
async def test_a_list_of_few_is_found_by_its_index(pool, query, index, found):
    rows, _ = await list_tickets(pool, Directory(pool), ListQuery(**query), LEAD)
    assert len(rows) == found
    assert await used(pool, index)


@pytest.mark.parametrize("owner", ["intake", "workflow", "knowledge"])
async def test_a_file_s_events_are_found_by_its_digest(postgres_server_at, owner):
    """Where an index is of no use to a statement, all is read even if that is made as dear as can be."""
    async with database(postgres_server_at) as dsn:
        await migrate_all(dsn)
        pool = await db.create_pool(dsn, owner, maximum=1)
        await pool.execute("SET enable_seqscan = off")
        plan = await pool.fetch(f"EXPLAIN {_NAMED}", ["0" * 64])
        await pool.close()
    assert any("event_attachments" in line[0] for line in plan)


@pytest.mark.parametrize("owner", ["intake", "routing", "workflow", "knowledge", "gateway"])
async def test_a_ticket_is_found_by_its_number(postgres_server_at, owner):
    async with database(postgres_server_at) as dsn:
        await migrate_all(dsn)
        pool = await db.create_pool(dsn, owner, maximum=1)
        found = await pool.fetch(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = $1 AND tablename = 'ticket' AND indexdef ~ '\\(number\\)$'", owner
        )  # fmt: skip
        await pool.close()
    assert len(found) == 1
