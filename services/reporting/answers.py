"""From what a query found to what a client gets: logins for ids, an order, JSON or CSV."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from services.reporting.queries import Question, Report, Rows
from shared.db import Connection

_DESCENDING = {"agents": "acts", "activities": "rows", "moves": "count"}
"""Reports whose largest figures come first, within each group; equal ones by name."""


async def ordered(connection: Connection, report: Report, question: Question, rows: Rows) -> Rows:
    """Put logins for person ids and bring rows into their order: by group (nothing last), then as the report reads best."""
    ids = {row["agent"] for row in rows if row.get("agent") is not None}
    logins: dict[Any, str] = {}
    if ids:
        found = await connection.fetch("SELECT stream_id, login FROM person WHERE stream_id = ANY ($1)", list(ids))
        logins = {row["stream_id"]: row["login"] for row in found}
    for row in rows:
        if row.get("agent") is not None:
            row["agent"] = logins.get(row["agent"]) or str(row["agent"])
    figure = _DESCENDING.get(report.name)

    def place(row: dict[str, Any]) -> tuple[Any, ...]:
        groups = [(row[key] is None, row[key] or "") for key in question.group_by]
        names = [str(row[column]) for column in report.columns if not isinstance(row[column], int | float)]
        return (*groups, -row[figure] if figure else 0, *names)

    return sorted(rows, key=place)


def plain(value: Any) -> Any:
    """Return a value with its times in UTC, as JSON and CSV show them."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return value


def _cell(value: Any) -> Any:
    """Return a cell. Text that a spreadsheet would take for a formula is kept from being one by an apostrophe."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) and not value[1:].isdigit():
        return f"'{value}"
    return value


def as_csv(columns: Sequence[str], rows: Rows) -> bytes:
    """Return the rows as CSV (RFC 4180, UTF-8, a line of column names first); null is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    return text.getvalue().encode()
