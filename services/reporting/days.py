"""Sums by day of what entries add to the reports (table `day_sum`): what whole days are asked is answered from them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime

from services.reporting.domain import Written
from shared.db import Connection

OCCURRED, TIMELINE = "occurred", "timeline"
DRAW_TOGETHER = 20_000
"""Rows past which those of one day and kind are drawn together."""

Key = tuple[str, date, str | None]
Sum = list[int]
"""[count, open_delta, unresolved_delta, on_hold_delta]"""


def sums_of(added: Iterable[Written], taken: Iterable[Written] = ()) -> dict[Key, Sum]:
    """Return what these entries add to each day, and those taken away take from it. Pure."""
    found: dict[Key, Sum] = defaultdict(lambda: [0, 0, 0, 0])
    for sign, written in ((1, added), (-1, taken)):
        for entry, counts in written:
            kind, day = counts.kind, _day(entry.at)
            if kind is not None:
                found[OCCURRED, day if entry.occurred_at is entry.at else _day(entry.occurred_at), kind][0] += sign
            total = found[TIMELINE, day, kind]
            total[0] += sign
            total[1] += sign * counts.open_delta
            total[2] += sign * counts.unresolved_delta
            total[3] += sign * counts.on_hold_delta
    return {key: total for key, total in found.items() if any(total)}


def _day(moment: datetime) -> date:
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).date()


async def add(connection: Connection, added: Iterable[Written], taken: Iterable[Written]) -> None:
    """Add what entries changed. Rows are only ever added: two writers never wait for each other here."""
    sums = sums_of(added, taken)
    if sums:
        await connection.copy_records_to_table("day_sum", records=[(*key, *total) for key, total in sums.items()])


async def draw_together(connection: Connection) -> None:
    """Make one row of those of one day and kind, when there are many."""
    if await connection.fetchval("SELECT count(*) FROM day_sum") < DRAW_TOGETHER:
        return
    await connection.execute(
        """
        WITH taken AS (DELETE FROM day_sum RETURNING *)
        INSERT INTO day_sum
        SELECT clock, day, kind, sum(count), sum(open_delta), sum(unresolved_delta), sum(on_hold_delta)
        FROM taken GROUP BY clock, day, kind
        """
    )


async def audit(connection: Connection) -> list[str]:
    """Hold the sums against the entries; return a line for each day and kind that differs."""
    rows = await connection.fetch(
        """
        WITH have AS (
            SELECT clock, day, kind, sum(count) AS n, sum(open_delta) AS o, sum(unresolved_delta) AS u, sum(on_hold_delta) AS h
            FROM day_sum GROUP BY clock, day, kind
        ), want AS (
            SELECT 'occurred' AS clock, day, kind, count(*) AS n, 0 AS o, 0 AS u, 0 AS h
            FROM entry WHERE kind IS NOT NULL GROUP BY day, kind
            UNION ALL
            SELECT 'timeline', (at AT TIME ZONE 'UTC')::date, kind, count(*), sum(open_delta), sum(unresolved_delta),
                   sum(on_hold_delta)
            FROM entry GROUP BY 2, 3
        )
        SELECT clock, day, kind, sum(n)::bigint AS n, sum(o)::bigint AS o, sum(u)::bigint AS u, sum(h)::bigint AS h
        FROM (SELECT * FROM have UNION ALL SELECT clock, day, kind, -n, -o, -u, -h FROM want) d
        GROUP BY clock, day, kind HAVING (sum(n), sum(o), sum(u), sum(h)) <> (0, 0, 0, 0) ORDER BY day, clock, kind
        """
    )
    return [
        f"day_sum of {row['day']}, {row['clock']}, {row['kind']}: {row['n']:+} counted, {row['o']:+} open, "
        f"{row['u']:+} unresolved, {row['h']:+} on hold against the entries"
        for row in rows
    ]
