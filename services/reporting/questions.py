"""From a request's parameters to a question, or to a problem that names the parameter and the remedy."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import orjson
from fastapi import Request

from services.reporting.queries import Question, Report
from shared.db import Pool
from shared.http.problems import Problem

PARAMETERS = frozenset({"from", "to", "group_by", "format", "department", "topic", "agent", "priority"})
OF_A_FIGURE = (PARAMETERS - {"format"}) | {"figure", "row", "cursor", "limit"}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_BY_LOGIN = "SELECT stream_id FROM person WHERE login = $1 ORDER BY stream_id LIMIT 1"
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d{1,6})?)\d*([Zz]|[+ -]\d\d:\d\d)")


def refuse_unknown_parameters(request: Request, known: frozenset[str]) -> None:
    """Refuse a parameter that is not built (yet), or is given twice: none is ever ignored.

    Raises:
        Problem: 400 or 422, naming it.
    """
    for name, count in {name: len(request.query_params.getlist(name)) for name in request.query_params}.items():
        if name not in known:
            remedy = f"there are {', '.join(sorted(known))}" if known else "it takes none"
            raise Problem(
                400, f"There is no parameter {name!r} here; {remedy}.", fields={name: "is not known to this path"}
            )
        if count > 1:
            raise Problem(422, f"{name}: give it once.", fields={name: f"is given {count} times; give it once"})


def moment_of(name: str, text: str | None) -> datetime | None:
    """Return a bound of the range: an instant, or a date for its midnight UTC.

    Raises:
        Problem: 422, it is neither.
    """
    if text is None:
        return None
    try:
        if _DATE.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        if match := _INSTANT.fullmatch(text):
            zone = match[3].upper().replace(" ", "+")  # a + that was not escaped arrives as a space
            return datetime.fromisoformat(f"{match[1]}T{match[2]}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # such as the 30th of February
    raise Problem(
        422, f"{name}: give a date or a time with its zone.",
        fields={name: "must be RFC 3339 such as 2026-03-01T09:30:00Z, or a date such as 2026-03-01"},
    )  # fmt: skip


def group_keys(report: Report, text: str | None) -> list[str]:
    """Return the keys of `group_by`.

    Raises:
        Problem: 422, the report does not take one of them.
    """
    names = [name.strip() for name in text.split(",")] if text else []
    for name in names:
        if name not in report.group_by:
            raise Problem(
                422, f"group_by: {report.name} is not grouped by {name!r}.",
                fields={"group_by": f"takes {', '.join(report.group_by)}, with commas between"},
            )  # fmt: skip
    return list(dict.fromkeys(names))


async def question_of(
    pool: Pool, report: Report, start: str | None, to: str | None, group_by: str | None, filters: Mapping[str, str]
) -> Question:
    """Return the question that a request asks.

    Raises:
        Problem: 422, naming the parameter.
    """
    since, until = moment_of("from", start), moment_of("to", to)
    if since is not None and until is not None and since >= until:
        raise Problem(422, "to: must be after `from`; it is itself left out.", fields={"to": "must be after from"})
    keys = group_keys(report, group_by)
    values: dict[str, str | UUID] = {}
    for name, value in filters.items():
        if "\x00" in value:
            raise Problem(422, f"{name}: no such value.", fields={name: "must not contain the NUL character"})
        values[name] = await _person(pool, value) if name == "agent" else value
    return Question(since, until, keys, values)


async def _person(pool: Pool, login: str) -> UUID:
    found: UUID | None = await pool.fetchval(_BY_LOGIN, login)
    if found is None:
        raise Problem(422, f"agent: nobody has the login {login!r}.", fields={"agent": "must be the login of an agent"})
    return found


def figure_of(report: Report, name: str) -> str:
    """Return which figure of a row is meant.

    Raises:
        Problem: 422, the report has no such figure.
    """
    if name not in report.figures:
        raise Problem(
            422, f"figure: {report.name} has no figure {name!r}.",
            fields={"figure": f"must be one of {', '.join(report.figures)}"},
        )  # fmt: skip
    return name


async def row_of(pool: Pool, report: Report, question: Question, text: str) -> dict[str, Any]:
    """Return which row of an answer is meant: its keys as the report answered them, as JSON; agents as person ids.

    Raises:
        Problem: 422, it is no such row.
    """
    keys = report.keys_of(question)
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict) or set(said) != set(keys):
        raise _no_row(f"must be a JSON object of {', '.join(keys)}, as the report answered them")
    return {key: await _value(pool, report, key, said[key]) for key in keys}


async def _value(pool: Pool, report: Report, key: str, value: object) -> Any:
    if value is None and key not in {"day", "at", "name"}:
        return None
    if not isinstance(value, str) or "\x00" in value:
        raise _no_row(f"{key} must be a text, as the report answered it")
    try:
        if key == "day":
            return date.fromisoformat(value)
        if key == "at":
            return _instant(value)
    except (ValueError, OverflowError):
        raise _no_row(f"{key} must be as the report answered it") from None
    if key == "agent":
        return await _agent(pool, value)
    if key == "name" and value not in report.names:
        raise _no_row(f"name must be one of {', '.join(report.names)}")
    return value


def _instant(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None or moment.year < 2:  # noqa: PLR2004 -- there must be a period before it
        raise ValueError(value)
    return moment.astimezone(UTC)


async def _agent(pool: Pool, text: str) -> UUID:
    """Return an agent as a report names him: by login, or by id where he has none."""
    found: UUID | None = await pool.fetchval(_BY_LOGIN, text)
    if found is not None:
        return found
    try:
        return UUID(text)
    except ValueError:
        raise _no_row(f"agent: nobody has the login {text!r}") from None


def _no_row(reason: str) -> Problem:
    return Problem(422, f"row: {reason}.", fields={"row": reason})
