"""How long tickets take."""

from services.reporting.queries.report import DIMENSIONS, Question, Report, Rows, Where, fetch, keys, selected
from shared.db import Connection

MEASURES = {
    "case_duration": "last_at - first_at",
    "first_event->first_resolved": "first_resolved_at - first_at",
    "first_event->first_closed": "first_closed_at - first_at",
}
"""Name -> interval of `ticket`; null where the ticket has not come so far."""


async def rows(connection: Connection, question: Question) -> Rows:
    """Measure the tickets created in the range; ungrouped, every measure is always there."""
    groups = keys(question, "created_at")
    where = Where("created_at IS NOT NULL").range("created_at", question).narrowed(question)
    measures = ", ".join(
        f"({where.argument(name)}::text, extract(epoch FROM {span})::float8)" for name, span in MEASURES.items()
    )
    found = await fetch(
        connection,
        f"""
        SELECT {"".join(f"{key}, " for key in groups)} name, count, mean, at[1] AS median, at[2] AS p90, at[3] AS p95
        FROM (SELECT {selected(groups)} name, count(*) AS count, avg(seconds) AS mean,
                     percentile_cont(ARRAY[0.5, 0.9, 0.95]) WITHIN GROUP (ORDER BY seconds) AS at
              FROM ticket CROSS JOIN LATERAL (VALUES {measures}) AS measure (name, seconds)
              {where.sql} AND seconds IS NOT NULL
              GROUP BY {", ".join([*map(str, range(1, len(groups) + 1)), "name"])}) AS measured
        """,
        where,
    )
    if not groups:
        there = {row["name"] for row in found}
        found += [
            {"name": name, "count": 0, "mean": None, "median": None, "p90": None, "p95": None}
            for name in MEASURES
            if name not in there
        ]
    return found


REPORT = Report(
    "durations",
    "Durations",
    "For the tickets created in the range, in seconds by the wall clock: `case_duration` from a ticket's first event to its "
    "last so far; `first_event->first_resolved` and `first_event->first_closed` to the first time it became so, over the "
    "tickets that did. Quantiles by linear interpolation. Department, topic, agent and priority are the ticket's now; the day "
    "is that of its creation.",
    ("name", "count", "mean", "median", "p90", "p95"),
    ("day", *DIMENSIONS),
    rows,
)
