"""What a figure counts, one by one: the events, or the tickets, that a row's figure comes from."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.reporting.queries.report import Counting, Question, Rows, Where
from shared.db import Connection

_ENTRY = "ticket_id, occurred_at AS moment, source, version, name, kind, activity, department, topic, priority"

Place = tuple[datetime, UUID, str, int]
"""(moment, ticket, source, version): where in the list something stands; no two have the same."""


def match(where: Where, row: Mapping[str, Any], columns: Mapping[str, str] | None = None) -> Where:
    """Narrow to a report's row: each of its keys is held against the column of its name, or the one that `columns` says."""
    for key, value in row.items():
        column = (columns or {}).get(key, key)
        where.conditions.append(f"{column} IS NULL" if value is None else f"{column} = {where.argument(value)}")
    return where


def events(where: Where) -> Counting:
    """Count entries, one by one."""
    return Counting(f"SELECT {_ENTRY}, NULL::float8 AS seconds FROM entry {where.sql}", where)


def tickets_of(where: Where) -> Counting:
    """Count the tickets that have such entries, each once, by the last of them."""
    return Counting(
        f"SELECT DISTINCT ON (ticket_id) {_ENTRY}, NULL::float8 AS seconds FROM entry {where.sql} "
        f"ORDER BY ticket_id, occurred_at DESC, source, version",
        where, "tickets",
    )  # fmt: skip


def tickets_measured(where: Where, column: str) -> Counting:
    """Count tickets of which something is measured, as they are now."""
    where.conditions.append(f"{column} IS NOT NULL")
    return Counting(
        "SELECT stream_id AS ticket_id, created_at AS moment, ''::text AS source, 0 AS version, NULL::text AS name, "
        f"NULL::text AS kind, NULL::text AS activity, department, topic, priority, {column} AS seconds FROM ticket {where.sql}",
        where, "tickets",
    )  # fmt: skip


def tickets_standing(end: datetime, status: str, question: Question, row: Mapping[str, Any]) -> Counting:
    """Count the tickets that were in a stock at an instant, and the row's and question's own then.

    Args:
        end: The instant, exclusive.
        status: The condition that a ticket's last event before it meets. A ticket to which nothing happened since is as it was: only
            the history of those that are in the stock now, and of those that have changed since, is looked at.
        question: Its filters hold of the tickets as of then;
        row: and so do these keys.
    """
    where = Where()
    until = where.argument(end)
    match(where.narrowed(question), row)
    where.conditions.append(status)
    return Counting(
        f"""
        SELECT {_ENTRY}, NULL::float8 AS seconds FROM (
            SELECT DISTINCT ON (ticket_id) * FROM entry WHERE at < {until} AND ticket_id IN (
                SELECT stream_id FROM ticket WHERE first_at < {until} AND (last_at >= {until} OR {status})
            )
            ORDER BY ticket_id, at DESC, rank DESC, source DESC, version DESC
        ) AS last {where.sql}
        """,
        where, "tickets",
    )  # fmt: skip


async def count_one_by_one(
    connection: Connection, counting: Counting, after: Place | None, limit: int
) -> tuple[int, Rows]:
    """Return how many there are, and a page of them, newest first: one more than `limit`, if there is another page.

    Two queries of one transaction's snapshot: to count needs no order, and a page needs the first few alone.
    """
    where = counting.where
    count: int = await connection.fetchval(f"SELECT count(*) FROM ({counting.sql}) AS counted", *where.arguments)
    beyond = ""
    if after is not None:
        place = ", ".join(where.argument(value) for value in after)
        beyond = f"WHERE (moment, ticket_id, source, version) < ({place})"
    found = await connection.fetch(
        f"""
        WITH page AS (
            SELECT * FROM ({counting.sql}) AS counted {beyond}
            ORDER BY moment DESC, ticket_id DESC, source DESC, version DESC LIMIT {limit + 1}
        )
        SELECT page.*, ticket.number FROM page LEFT JOIN ticket ON ticket.stream_id = page.ticket_id
        ORDER BY moment DESC, page.ticket_id DESC, page.source DESC, page.version DESC
        """,
        *where.arguments,
    )
    return count, [dict(one) for one in found]
