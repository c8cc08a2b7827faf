"""How many of each kind of event there were."""

from services.reporting.queries.report import (
    DIMENSIONS,
    Question,
    Report,
    Rows,
    events_of,
    fetch,
    grouped,
    keys,
    selected,
)
from shared.db import Connection


async def rows(connection: Connection, question: Question) -> Rows:
    """Count events by kind."""
    groups = keys(question)
    where = events_of(question, "kind IS NOT NULL")
    sql = f"SELECT {selected(groups)} kind, count(*) AS count FROM entry {where.sql} {grouped([*groups, 'kind'])}"
    return await fetch(connection, sql, where)


REPORT = Report(
    "moves",
    "Events by kind",
    "For each kind of event, how many occurred in the range. `resolved` and `closed` count when the ticket enters the state, "
    "`reopened` when it leaves resolved or closed, `started` when it was new, `resumed` when that changed its status, "
    "`created` once; `held` counts each time, since it may change what is waited for. All other kinds count each time.",
    ("kind", "count"),
    ("day", *DIMENSIONS),
    rows,
)
