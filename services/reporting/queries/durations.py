"""How long tickets take."""

from collections.abc import Mapping
from typing import Any

from services.reporting.queries.counting import match, tickets_measured
from services.reporting.queries.report import (
    DIMENSIONS,
    Counting,
    Question,
    Report,
    Rows,
    Where,
    fetch,
    grouped,
    keys,
    selected,
)
from shared.db import Connection

MEASURES = {
    "case_duration": "case_duration",
    "first_event->first_resolved": "to_first_resolved",
    "first_event->first_closed": "to_first_closed",
}
"""Name -> column of `ticket`, in seconds; null where the ticket has not come so far."""
_CREATED_ON = "(created_at AT TIME ZONE 'UTC')::date"
_FIGURES = ("count", "mean", "median", "p90", "p95")


def _created(question: Question) -> Where:
    return Where("created_at IS NOT NULL").range("created_at", question).narrowed(question)


async def rows(connection: Connection, question: Question) -> Rows:
    """Measure the tickets created in the range, all measures in one pass; ungrouped, every measure is always there."""
    groups = keys(question, _CREATED_ON)
    where = _created(question)
    measures = ", ".join(
        f"ARRAY[count({column})::float8, avg({column})] "
        f'|| percentile_cont(ARRAY[0.5, 0.9, 0.95]) WITHIN GROUP (ORDER BY {column}) AS "{name}"'
        for name, column in MEASURES.items()
    )
    found = await fetch(
        connection, f"SELECT {selected(groups)} {measures} FROM ticket {where.sql} {grouped([*groups])}", where
    )
    result: Rows = []
    for row in found:
        for name in MEASURES:
            figures = [*(row.pop(name) or ()), *[None] * len(_FIGURES)][: len(_FIGURES)]
            count = int(figures[0] or 0)
            if count or not groups:
                result.append({"name": name, **dict(zip(_FIGURES, (count, *figures[1:]), strict=True))})
                result[-1].update({key: row[key] for key in groups})
    return result


def counted(question: Question, row: Mapping[str, Any], figure: str) -> Counting:
    """Return the tickets that a measure is of: every figure of it is computed from these."""
    del figure
    others = {key: value for key, value in row.items() if key != "name"}
    return tickets_measured(match(_created(question), others, {"day": _CREATED_ON}), MEASURES[row["name"]])


REPORT = Report(
    "durations",
    "Durations",
    "For the tickets created in the range, in seconds by the wall clock: `case_duration` from a ticket's first event to its "
    "last so far; `first_event->first_resolved` and `first_event->first_closed` to the first time it became so, over the "
    "tickets that did. Quantiles by linear interpolation. Department, topic, agent and priority are the ticket's now; the day "
    "is that of its creation.",
    ("name", "count", "mean", "median", "p90", "p95"),
    ("name",),
    ("day", *DIMENSIONS),
    rows,
    counted,
    names=tuple(MEASURES),
)
