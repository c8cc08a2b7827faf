"""The tables behind the reports: the same however events come, audited, and as analysts read them."""

from random import Random
from typing import Any

import asyncpg
import pytest

from services.reporting.analytics import install_analytics
from shared import db
from shared.contracts.event import Event
from tests.integration.reports.told import UNBORN, VIEW, A, B, C, project, story


async def _tables(connection: db.Connection) -> tuple[list[Any], list[Any]]:
    entries = await connection.fetch("SELECT * FROM entry ORDER BY ticket_id, source, version")
    return entries, await connection.fetch("SELECT * FROM ticket ORDER BY stream_id")


async def test_any_interleaving_and_repetition_gives_the_same_tables(connection):
    await project(connection, story())
    expected = await _tables(connection)
    for seed in range(12):
        random = Random(seed)  # noqa: S311 -- no secret
        parts: dict[Any, list[Event]] = {}
        for event in story():
            parts.setdefault((event.stream_id, event.source), []).append(event)
        left, sent = list(parts.values()), []
        while left:
            part = random.choice(left)
            sent.append(part.pop(0))
            if random.random() < 0.2:
                sent += sent[random.randrange(len(sent)) :]
            left = [part for part in left if part]
        await connection.execute("TRUNCATE ticket, entry, day_sum")
        await project(connection, sent, size=random.choice([1, 2, 5, 100]))
        assert await _tables(connection) == expected
        assert await VIEW.audit(connection, [A, B, C, UNBORN], story()) == []
        assert await VIEW.audit_whole(connection) == []


@pytest.mark.usefixtures("told")
async def test_an_audit_finds_what_differs_both_ways(connection):
    await connection.execute("UPDATE entry SET department = 'elsewhere' WHERE ticket_id = $1 AND name = 'held'", B)
    await connection.execute("UPDATE ticket SET status = 'new' WHERE stream_id = $1", C)
    await connection.execute("DELETE FROM entry WHERE ticket_id = $1 AND name = 'replied'", A)
    differences = await VIEW.audit(connection, [A, B, C], [event for event in story() if event.stream_id != C])
    assert f"entry {B} workflow.1: department is 'elsewhere', should be 'sysadmin'" in differences
    assert f"entry {A} workflow.2: is missing" in differences
    assert f"entry {C} intake.1: is there, should not be" in differences
    assert any(line.startswith(f"ticket {C}: ") for line in differences)


@pytest.mark.usefixtures("told")
async def test_analysts_read_documented_views_and_nothing_else(postgres_dsn):
    await install_analytics(postgres_dsn)
    await install_analytics(postgres_dsn)  # again: it is so already
    analyst = await asyncpg.connect(postgres_dsn)
    try:
        await analyst.execute("SET ROLE ledgerdesk_analyst")
        counted = {
            v: await analyst.fetchval(f"SELECT count(*) FROM analytics.{v}") for v in ("ticket", "event", "durations")
        }
        assert counted == {"ticket": 3, "event": len(story()), "durations": 3}
        months = await analyst.fetch(
            'SELECT month::text, "open", unresolved, on_hold FROM analytics.backlog_by_month ORDER BY month'
        )
        assert [tuple(row) for row in months] == [
            ("2026-01-01", 2, 1, 0), ("2026-02-01", 1, 1, 1), ("2026-03-01", 1, 1, 0)
        ]  # fmt: skip
        for forbidden in (
            "SELECT * FROM reporting.ticket", "SELECT * FROM reporting.person", "DELETE FROM analytics.ticket",
            "CREATE TABLE analytics.mine (x int)", "CREATE TABLE public.mine (x int)",
        ):  # fmt: skip
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await analyst.execute(forbidden)
        undocumented = await analyst.fetch(
            """
            SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
            WHERE c.relnamespace = 'analytics'::regnamespace
              AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)
            """
        )
        assert undocumented == []
    finally:
        await analyst.close()
