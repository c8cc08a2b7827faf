"""What each agent did, and was given."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from services.reporting.queries.counting import events, match
from services.reporting.queries.report import Counting, Question, Report, Rows, Where, fetch, keys, selected
from shared.db import Connection

_STAFF = """
    EXISTS (SELECT FROM person p WHERE p.stream_id = actor
        AND (p.agent IS NOT NULL OR p.account -> 'roles' ?| ARRAY['agent', 'lead', 'administrator']))
"""
"""An actor is an agent if the directory says so; an import enters those whom its log names. A requester is not."""


def _of_others(question: Question) -> Where:
    """Return the question's conditions but for the agent's, which is another column for what he did and what he was given."""
    others = {name: value for name, value in question.filters.items() if name != "agent"}
    return Where("true").range("occurred_at", question).narrowed(replace(question, filters=others))


async def rows(connection: Connection, question: Question) -> Rows:
    """Count acts and moves by actor, assignments by whom they were given to, and put the two side by side."""
    groups = keys(question)
    where = _of_others(question)
    narrowed = " AND ".join(where.conditions)
    chosen = f"WHERE agent = {where.argument(question.filters['agent'])}" if "agent" in question.filters else ""
    names = ", ".join([*groups, "agent"])
    by = "".join(f"{sql}, " for sql in groups.values())
    return await fetch(
        connection,
        f"""
        SELECT {names}, sum(acts)::bigint AS acts, sum(assigned)::bigint AS assigned, sum(resolved)::bigint AS resolved,
               sum(closed)::bigint AS closed
        FROM (
            SELECT {"".join(f"{key}, " for key in groups)} actor AS agent, acts, 0 AS assigned, resolved, closed
            FROM (SELECT {selected(groups)} actor,
                         count(*) FILTER (WHERE counts_act) AS acts, count(*) FILTER (WHERE kind = 'resolved') AS resolved,
                         count(*) FILTER (WHERE kind = 'closed') AS closed
                  FROM entry
                  WHERE actor IS NOT NULL AND (counts_act OR kind IN ('resolved', 'closed')) AND {narrowed}
                  GROUP BY {by} actor) AS by_actor
            WHERE {_STAFF}
            UNION ALL
            SELECT {selected(groups)} agent, 0, count(*), 0, 0
            FROM entry WHERE kind = 'assigned' AND agent IS NOT NULL AND {narrowed}
            GROUP BY {by} agent
        ) AS parts
        {chosen} GROUP BY {names}
        """,
        where,
    )


def counted(question: Question, row: Mapping[str, Any], figure: str) -> Counting:
    """Return what an agent did or was given: the first event of each act, each move, each assignment."""
    where = _of_others(question)
    where.conditions.append("counts_act" if figure == "acts" else f"kind = {where.argument(figure)}")
    columns: dict[str, str] = {}
    if figure != "assigned":
        columns = {"agent": "actor"}
        where.conditions.append(_STAFF)
    if "agent" in question.filters:
        match(where, {"agent": question.filters["agent"]}, columns)
    return events(match(where, row, columns))


REPORT = Report(
    "agents",
    "Agents",
    "For each agent, by login: `acts`, what the agent did (a command counts once, however many events it led to; of a log a row "
    "counts once; what our own reactions did in the agent's name does not count); `assigned`, how often a ticket was given to "
    "the agent; `resolved` and `closed`, how many of those moves the agent made. Department, topic and priority are the "
    "ticket's just after the event.",
    ("agent", "acts", "assigned", "resolved", "closed"),
    ("agent",),
    ("day", "department", "topic", "priority"),
    rows,
    counted,
)
