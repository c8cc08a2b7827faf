"""How many of each kind of event there were."""

from collections.abc import Mapping
from typing import Any

from services.reporting.days import OCCURRED
from services.reporting.queries.counting import events, match
from services.reporting.queries.report import (
    DIMENSIONS,
    Counting,
    Question,
    Report,
    Rows,
    events_of,
    fetch,
    grouped,
    keys,
    selected,
)
from services.reporting.queries.whole_days import days_of, of_whole_days
from shared.db import Connection


async def rows(connection: Connection, question: Question) -> Rows:
    """Count events by kind."""
    groups = keys(question)
    if of_whole_days(question):
        where = days_of(question, OCCURRED)
        sql = (
            f"SELECT {selected(groups)} kind, sum(count)::bigint AS count FROM day_sum {where.sql} "
            f"{grouped([*groups, 'kind'])} HAVING sum(count) <> 0"
        )
        return await fetch(connection, sql, where)
    where = events_of(question, "kind IS NOT NULL")
    sql = f"SELECT {selected(groups)} kind, count(*) AS count FROM entry {where.sql} {grouped([*groups, 'kind'])}"
    return await fetch(connection, sql, where)


def counted(question: Question, row: Mapping[str, Any], figure: str) -> Counting:
    """Return the events of a kind."""
    del figure
    return events(match(events_of(question, "kind IS NOT NULL"), row))


REPORT = Report(
    "moves",
    "Events by kind",
    "For each kind of event, how many occurred in the range. `resolved` and `closed` count when the ticket enters the state, "
    "`reopened` when it leaves resolved or closed, `started` when it was new, `resumed` when that changed its status, "
    "`created` once; `held` counts each time, since it may change what is waited for. All other kinds count each time.",
    ("kind", "count"),
    ("kind",),
    ("day", *DIMENSIONS),
    rows,
    counted,
)
