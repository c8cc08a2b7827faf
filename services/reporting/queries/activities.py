"""What was done, in the words of those who did it: a log's rows, and events of our own."""

from collections.abc import Mapping
from typing import Any

from services.reporting.queries.counting import events, match, tickets_of
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
from shared.db import Connection


async def rows(connection: Connection, question: Question) -> Rows:
    """Count rows and tickets by activity: first per ticket, then over tickets, which is what makes cases distinct."""
    groups = keys(question)
    where = events_of(question, "counts_row")
    names = [*groups, "activity"]
    return await fetch(
        connection,
        f"""
        SELECT {", ".join(names)}, sum(rows)::bigint AS rows, count(*) AS cases
        FROM (SELECT {selected(groups)} activity, ticket_id, count(*) AS rows
              FROM entry {where.sql} {grouped([*names, "ticket_id"])}) AS per_ticket
        {grouped(names)}
        """,
        where,
    )


def counted(question: Question, row: Mapping[str, Any], figure: str) -> Counting:
    """Return the events that are an activity, or their tickets."""
    where = match(events_of(question, "counts_row"), row)
    return tickets_of(where) if figure == "cases" else events(where)


REPORT = Report(
    "activities",
    "Activities",
    "For each activity, how often it was done (`rows`) and in how many tickets (`cases`). The activity of what was imported "
    "is the log's own word, and a row of the log counts once, however many events it stated; that of everything else is the "
    "event's name, and every event counts.",
    ("activity", "rows", "cases"),
    ("activity",),
    ("day", *DIMENSIONS),
    rows,
    counted,
)
