"""How often work was taken up again."""

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
    """Count the ways out of resolved and closed; ungrouped, both rows are always there."""
    groups = keys(question)
    where = events_of(question, "reopened_from IS NOT NULL")
    found = await fetch(
        connection,
        f"""
        SELECT {selected(groups)} reopened_from AS "from", count(*) AS transitions, count(DISTINCT ticket_id) AS cases
        FROM entry {where.sql} {grouped([*groups, "from"])}
        """,
        where,
    )
    if not groups:
        there = {row["from"] for row in found}
        found += [
            {"from": state, "transitions": 0, "cases": 0} for state in ("resolved", "closed") if state not in there
        ]
    return found


def counted(question: Question, row: Mapping[str, Any], figure: str) -> Counting:
    """Return the events that took tickets out of a state, or those tickets."""
    where = match(events_of(question, "reopened_from IS NOT NULL"), row, {"from": "reopened_from"})
    return tickets_of(where) if figure == "cases" else events(where)


REPORT = Report(
    "reopens",
    "Reopened tickets",
    "For resolved and for closed, how many times in the range a ticket left that state for one that is neither "
    "(`transitions`), and how many tickets did (`cases`).",
    ("from", "transitions", "cases"),
    ("from",),
    ("day", *DIMENSIONS),
    rows,
    counted,
)
