"""Reports about whole days are answered from sums by day, and give what the entries would."""

import itertools

import pytest

from services.reporting import days
from services.reporting.queries import REPORTS, Question, backlog, moves, volumes
from services.reporting.questions import moment_of
from tests.integration.reports.told import VIEW

BOUNDS = (None, "2026-01-10", "2026-02-01", "2026-02-03", "2026-03-06", "2026-05-01")


def _questions():
    for start, end in itertools.product(BOUNDS, BOUNDS):
        since, until = moment_of("from", start), moment_of("to", end)
        if since is None or until is None or since < until:
            for keys in ((), ("day",)):
                yield Question(since, until, keys)


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("name", ["volumes", "moves", "backlog"])
async def test_whole_days_give_what_the_entries_give(name, connection, monkeypatch):
    report = REPORTS[name]
    asked = list(_questions())
    summed = [await report.rows(connection, question) for question in asked]
    for module in (volumes, moves, backlog):
        monkeypatch.setattr(module, "of_whole_days", lambda question: False)
    counted = [await report.rows(connection, question) for question in asked]

    def plain(rows):
        return sorted(str(sorted(row.items())) for row in rows)

    assert [plain(rows) for rows in summed] == [plain(rows) for rows in counted]
    assert any(summed)


@pytest.mark.usefixtures("told")
async def test_sums_that_are_not_those_of_the_entries_are_found(connection):
    assert await VIEW.audit_whole(connection) == []
    await connection.execute("UPDATE entry SET kind = NULL WHERE name = 'held'")
    (first, second, third) = await VIEW.audit_whole(connection)
    assert first.startswith("day_sum of 2026-02-03, occurred, held: +1 counted")
    assert "timeline, held" in second + third


@pytest.mark.usefixtures("told")
async def test_rows_of_one_day_are_drawn_together_and_say_the_same(connection, monkeypatch):
    await connection.execute("INSERT INTO day_sum SELECT * FROM day_sum")
    before = await connection.fetch(
        "SELECT clock, day, kind, sum(count) FROM day_sum GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    await days.draw_together(connection)
    assert await connection.fetchval("SELECT count(*) FROM day_sum") > len(before), "few rows are left alone"
    monkeypatch.setattr(days, "DRAW_TOGETHER", 1)
    await days.draw_together(connection)
    after = await connection.fetch("SELECT clock, day, kind, count FROM day_sum ORDER BY 1, 2, 3")
    assert [tuple(row) for row in after] == [tuple(row) for row in before]
