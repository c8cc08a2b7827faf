"""Lists by what is due and by what is most urgent on a real PostgreSQL: what has no due comes last, and an index has the order."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from ledgerdesk.initialise import migrate_all
from services.workflow.ticket_list import ListQuery, list_tickets
from services.workflow.ticket_order import ORDERS
from shared import db
from shared.contracts.event import Via
from shared.directory.people import Directory
from shared.http.paging import encode_cursor
from shared.http.problems import Problem
from shared.http.rights import Caller
from shared.testing.servers import database

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TICKET = """
INSERT INTO ticket (stream_id, versions, number, tags, moved, involved, status, created_at, updated_at, due_at, set_priority)
SELECT gen_random_uuid(), '{}', n::text, '[]', true, '[]', 'open', $1::timestamptz + n * interval '1 minute',
       $1::timestamptz + (n % 997) * interval '1 minute', d, p
FROM unnest($2::timestamptz[], $3::text[]) WITH ORDINALITY AS x (d, p, n)
"""
LEAD = Caller(None, None, "Lead", None, frozenset({"lead"}), Via("key", "x"))


@pytest.fixture
async def pool(postgres_server_at):
    async with database(postgres_server_at) as dsn:
        await migrate_all(dsn)
        pool = await db.create_pool(dsn, "workflow", maximum=2)
        yield pool
        await pool.close()


async def listed(pool, sort: str, limit: int) -> list[str]:
    found, cursor = [], None
    while True:
        rows, cursor = await list_tickets(pool, Directory(pool), ListQuery(sort=sort, limit=limit, cursor=cursor), LEAD)
        found += [row["number"] for row in rows]
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 50])
async def test_what_is_due_first_comes_first_and_what_is_not_due_last(pool, limit):
    due = [NOON + timedelta(hours=2), None, NOON, NOON + timedelta(hours=1), None]
    await pool.execute(TICKET, NOON, due, ["normal"] * 5)
    found = await listed(pool, "due_at", limit)
    assert found[:3] == ["3", "4", "1"]
    assert sorted(found[3:]) == ["2", "5"]


@pytest.mark.parametrize("limit", [1, 2, 50])
async def test_what_is_most_urgent_comes_first_and_of_those_what_was_changed_last(pool, limit):
    await pool.execute(TICKET, NOON, [None] * 6, ["low", "emergency", None, "high", "normal", "emergency"])
    assert await listed(pool, "-priority", limit) == ["6", "2", "4", "5", "3", "1"]


ID = "00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize(
    ("sort", "place"),
    [
        ("-priority", [True, "2026-03-02T12:00:00+00:00", ID]), ("-priority", [9, "2026-03-02T12:00:00+00:00", ID]), ("-priority", [2.0, "2026-03-02T12:00:00+00:00", ID]),
        ("-priority", [2, None, ID]), ("-priority", ["2026-03-02T12:00:00+00:00", ID]), ("due_at", ["9999-12-31T23:59:59-23:00", ID]), ("updated_at", ["0001-01-01T00:00:00+23:00", ID]),
        ("due_at", [3, ID]), ("due_at", ["2026-03-02T12:00:00+00:00", "x"]),
    ],
)  # fmt: skip
async def test_a_cursor_that_is_made_up_is_refused(pool, sort, place):
    query = ListQuery(sort=sort, cursor=encode_cursor(place))
    with pytest.raises(Problem, match="cursor"):
        await list_tickets(pool, Directory(pool), query, LEAD)


@pytest.mark.parametrize("sort", ORDERS)
async def test_an_index_has_the_order(pool, sort):
    many = 20_000
    due = [NOON + timedelta(minutes=n) if n % 3 else None for n in range(many)]
    await pool.execute(TICKET, NOON, due, [("low", "normal", "high", "emergency")[n % 4] for n in range(many)])
    await pool.execute("ANALYZE ticket")
    order = ORDERS[sort]
    plan = await pool.fetchval(
        f"EXPLAIN (FORMAT json) SELECT * FROM ticket WHERE number IS NOT NULL ORDER BY {order.clause} LIMIT 50"
    )
    text = plan if isinstance(plan, str) else json.dumps(plan)
    assert "Index Scan" in text
    assert '"Sort"' not in text
