"""How often work was taken up again."""

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


REPORT = Report(
    "reopens",
    "Reopened tickets",
    "For resolved and for closed, how many times in the range a ticket left that state for one that is neither "
    "(`transitions`), and how many tickets did (`cases`).",
    ("from", "transitions", "cases"),
    ("day", *DIMENSIONS),
    rows,
)
