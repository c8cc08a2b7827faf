"""Similar tickets on a real PostgreSQL: the best ones first, none that one may not see, by the index however many there are."""

import json
import time
from uuid import UUID, uuid4

from ledgerdesk.initialise import migrate_all
from services.workflow.read_similar import _SIMILAR, DONE, similar
from shared import db
from shared.contracts.event import Via
from shared.http.rights import Caller
from shared.http.sight import Sight
from shared.testing.servers import database

MANY = 100_000
TICKET = """
INSERT INTO ticket (stream_id, versions, number, subject, topic, tags, moved, moved_department, involved, status, updated_at)
SELECT gen_random_uuid(), '{}', n::text, s, $3, '[]', true, $4, '[]', $2, now() - n * interval '1 second'
FROM unnest($1::text[]) WITH ORDINALITY AS x (s, n)
"""
LEAD = Caller(None, None, "Lead", None, frozenset({"lead"}), Via("key", "x"))


async def found(pool, subject, caller=LEAD, topic=None, limit=5):
    row = {"subject": subject, "stream_id": UUID(int=1), "topic": topic}
    return [one["subject"] for one in await similar(pool, row, caller, limit)]


async def test_what_was_solved_before_is_found_by_its_rare_words(postgres_server_at):
    async with database(postgres_server_at) as dsn:
        await migrate_all(dsn)
        pool = await db.create_pool(dsn, "workflow", maximum=2)
        await pool.execute(
            TICKET,
            ["The scanner jams", "The printer jams", "The printer is slow", "Der Drucker klemmt"],
            "resolved",
            None,
            "here",
        )
        await pool.execute(TICKET, ["The printer jams and smokes"], "open", None, "here")
        await pool.execute(TICKET, ["The printer jams elsewhere"], "closed", "paper", "there")
        assert await found(pool, "My printer jams", limit=2) == ["The printer jams elsewhere", "The printer jams"], (
            "of two, the later one"
        )
        assert (await found(pool, "My printer jams"))[2:] in (
            ["The scanner jams", "The printer is slow"],
            ["The printer is slow", "The scanner jams"],
        )
        assert await found(pool, "My printer jams", topic="paper", limit=1) == ["The printer jams elsewhere"]
        narrow = Caller(UUID(int=2), "x", "X", None, frozenset({"agent"}), Via("key", "x"),
                        sight=Sight("departments", str(UUID(int=2)), frozenset(), frozenset({"here"})))  # fmt: skip
        assert "The printer jams elsewhere" not in await found(pool, "printer jams elsewhere", narrow)
        assert await found(pool, "The and is not") == [], "by what says nothing, nothing is found"
        assert await found(pool, "") == []
        assert await found(pool, "of der die das") == []
        await pool.close()


async def test_it_goes_by_the_index_at_a_hundred_thousand_tickets(postgres_server_at):
    async with database(postgres_server_at) as dsn:
        await migrate_all(dsn)
        pool = await db.create_pool(dsn, "workflow", maximum=2)
        subjects = [f"The printer {n % 997} jams in room r{n % 4001} of building b{n % 13}" for n in range(MANY)]
        await pool.execute(TICKET, subjects, "closed", None, "here")
        await pool.execute("ANALYZE ticket")
        began = time.perf_counter()
        best = await found(pool, "printer jams in room r1234")
        took = time.perf_counter() - began
        assert best
        assert all("r1234" in one for one in best), "printer and jams stand in all of them"
        plan = await pool.fetchval(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {_SIMILAR.format(done=DONE, sight='true', limit=5)}",
            ["r1234"],
            [1.0],
            uuid4(),
            None,
        )
        text = json.dumps(plan if isinstance(plan, list) else json.loads(plan))
        assert '"Index Name": "ticket_done_subject"' in text
        assert '"Seq Scan", "Parent Relationship": "Inner"' not in text
        assert took < 1, "seconds; it takes a fiftieth of that on an idle machine"
        await pool.close()
