"""How many of each kind of event there were on each day."""

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
    """Count events by day and kind."""
    if of_whole_days(question):
        return await _of_days(connection, question)
    groups = {key: sql for key, sql in keys(question).items() if key != "day"}
    where = events_of(question, "kind IS NOT NULL")
    return await fetch(
        connection,
        f"""
        SELECT {selected(groups)} day, kind, count(*) AS count
        FROM entry {where.sql} {grouped([*groups, "day", "kind"])}
        """,
        where,
    )


async def _of_days(connection: Connection, question: Question) -> Rows:
    where = days_of(question, OCCURRED)
    return await fetch(
        connection,
        f"SELECT day, kind, sum(count)::bigint AS count FROM day_sum {where.sql} GROUP BY 1, 2 HAVING sum(count) <> 0",
        where,
    )


def counted(question: Question, row: Mapping[str, Any], figure: str) -> Counting:
    """Return the events of a day and kind."""
    del figure
    return events(match(events_of(question, "kind IS NOT NULL"), row))


REPORT = Report(
    "volumes",
    "Events per day",
    "For each UTC day and kind of event, how many such events occurred on it, by the time they occurred. An event that "
    "states what was so already (a second `resolved` of a resolved ticket) is on the timeline but of no kind. Department, "
    "topic, agent and priority are the ticket's just after the event. Nothing that happens later changes a past day.",
    ("day", "kind", "count"),
    ("day", "kind"),
    ("day", *DIMENSIONS),
    rows,
    counted,
)
