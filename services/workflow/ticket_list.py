"""Lists of tickets: filters, full text, cursor. Every list is one indexed query."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.workflow.ticket_order import ORDERS
from shared import forms
from shared.db import Pool
from shared.directory.people import Directory
from shared.http.caller import Caller
from shared.http.forms import audience_of
from shared.http.paging import decode_cursor, encode_cursor, no_cursor
from shared.http.problems import Problem

_SEARCH = """(search @@ {q} OR stream_id IN (
    SELECT ticket_id FROM timeline WHERE words @@ {q}{only_public} LIMIT 10000))"""
_SHORTEST_BEGINNING = 3
"""Letters or digits of a beginning: fewer would begin nearly everything."""
_LONGEST_BEGINNING = 100
_AROUND = ".,;:!?()[]{}<>\"'`|&*\\"

ANSWERED = "last_reply_at IS NOT NULL AND (last_message_at IS NULL OR last_reply_at > last_message_at)"
MOST_ALTERNATIVES = 10
OVERDUE = "status IN ('new', 'open', 'on_hold') AND due_at < now()"


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What is asked for; see `reads.ListParameters`."""

    status: list[str] = field(default_factory=list)
    state: list[str] = field(default_factory=list)
    assignee: str | None = None
    team: str | None = None
    teams: str | None = None
    department: str | None = None
    topic: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    priority: list[str] = field(default_factory=list)
    severity: list[str] = field(default_factory=list)
    requester: str | None = None
    tag: str | None = None
    number: list[str] = field(default_factory=list)
    q: str | None = None
    involved: str | None = None
    watching: str | None = None
    task: str | None = None
    answered: bool | None = None
    overdue: bool | None = None
    fields: dict[str, list[str]] = field(default_factory=dict)
    sort: str = "-updated_at"
    cursor: str | None = None
    limit: int = 50


class _Where:
    """Collects conditions and their parameters."""

    def __init__(self) -> None:
        self.conditions = ["number IS NOT NULL"]
        self.values: list[Any] = []

    def parameter(self, value: Any) -> str:
        """Take a value, and return how the statement names it."""
        self.values.append(value)
        return f"${len(self.values)}"

    def add(self, condition: str, value: Any) -> None:
        """Add a condition; ``{}`` in it stands for the value."""
        self.values.append(value)
        self.conditions.append(condition.replace("{}", f"${len(self.values)}"))


def visible_to(caller: Caller, parameter: Callable[[Any], str]) -> str:
    """Return the condition of rows that the caller sees: `Caller.sees`, as SQL."""
    return f"({' OR '.join(visible_parts(caller, parameter))})"


def visible_parts(caller: Caller, parameter: Callable[[Any], str]) -> list[str]:
    """Return conditions of which one holds of each row that the caller sees; the first one of his own.

    That a list is not empty follows from what it must hold, but PostgreSQL uses an index of lists that are not empty only when told.
    """
    if caller.sees_all:
        return ["true"]
    me = parameter(caller.person_id)
    allowed = [f"requester_id = {me}", f"collaborators <> '[]' AND collaborators @> to_jsonb({me}::uuid::text)"]
    if caller.is_desk:
        allowed.append(caller.sight.condition(parameter))
    if caller.organisation is not None:
        organisation = parameter(caller.organisation)
        allowed.append(
            f"requester_id IN (SELECT stream_id FROM person WHERE registered ->> 'organisation' = {organisation})"
        )
    return allowed


async def _who(directory: Directory, text: str, caller: Caller) -> UUID | None:
    if text == "me":
        return caller.person_id
    person = await directory.by_login(text)
    return person.person_id if person else None


async def teams_of(directory: Directory, caller: Caller) -> list[str]:
    """Return the teams that somebody is in."""
    if caller.person_id is None or not caller.is_desk:
        return []
    me = str(caller.person_id)
    return [
        team["key"] for team in await directory.entries("team") if team.get("active", True) and me in team["members"]
    ]


async def list_tickets(
    pool: Pool, directory: Directory, query: ListQuery, caller: Caller
) -> tuple[list[asyncpg.Record], str | None]:
    """Return a page of rows and the cursor of the next, among what the caller may see."""
    return await _page(pool, query, await _where_of(directory, query, caller))


async def check_list(directory: Directory, query: ListQuery, caller: Caller) -> None:
    """See to it that a list can be asked.

    Raises:
        Problem: 422, of a custom field that there is not, or a value that it does not hold.
    """
    await _where_of(directory, query, caller)


async def count_tickets(
    pool: Pool, directory: Directory, query: ListQuery, caller: Caller, most: int, seconds: float
) -> int | None:
    """Count what a list holds, up to `most`; None where that took longer than it may."""
    where = await _where_of(directory, query, caller)
    try:
        count: int = await pool.fetchval(
            f"SELECT count(*) FROM (SELECT FROM ticket WHERE {' AND '.join(where.conditions)} LIMIT {most}) t",
            *where.values, timeout=seconds,
        )  # fmt: skip
    except TimeoutError:
        return None
    return count


async def _where_of(directory: Directory, query: ListQuery, caller: Caller) -> _Where:
    """Return the conditions of a list, among what the caller may see."""
    where = _Where()
    where.conditions.append(visible_to(caller, where.parameter))
    for column in ("status", "priority", "severity", "number"):
        if getattr(query, column):
            where.add(f"{column} = ANY ({{}})", getattr(query, column))
    if query.state:
        # Of what one sees as one of the desk: the states of one's own requests elsewhere are not shown either.
        where.conditions.append(f"({caller.sight.condition(where.parameter)})")
        where.add("state = ANY ({})", query.state)
    for column in ("team", "department", "topic"):
        if getattr(query, column) is not None:
            where.add(f"{column} = {{}}", getattr(query, column))
    _add_times(where, query)
    if query.tag is not None:
        where.add("tags @> {}", [query.tag])
    if query.q is not None:
        _add_words(where, query.q, caller)
    await _add_people(where, directory, query, caller)
    if query.fields:
        await _add_fields(where, directory, query, caller)
    return where


def begun(text: str) -> tuple[str, str] | None:
    """Return the words before the last, and the last as a `tsquery` of what begins with it; None if it is too short, or no word at all."""
    *before, last = text.lower().split() or [""]
    last = last.strip(_AROUND)
    if sum(letter.isalnum() for letter in last) < _SHORTEST_BEGINNING or len(last) > _LONGEST_BEGINNING:
        return None
    quoted = last.replace("\\", "\\\\").replace("'", "''")
    return " ".join(before), f"'{quoted}':*"


def _asked(where: _Where, text: str) -> str:
    """Return the words as a `tsquery`: all of them, the last of which need not have been typed to its end.

    It is looked for as the server takes it apart (`D-0059` are two words, the second is begun), and as it was typed: an address, or a name
    such as `db1.example.org`, is one word only once it is whole.
    """
    words = f"plainto_tsquery('simple', {where.parameter(text)})"
    found = begun(text)
    if found is None:
        return words
    before, last = found
    typed = f"{where.parameter(last)}::text::tsquery"
    if before:
        typed = f"(plainto_tsquery('simple', {where.parameter(before)}) && {typed})"
    return f"(coalesce((nullif({words}::text, '') || ':*')::tsquery, '') || {typed})"


def _add_words(where: _Where, text: str, caller: Caller) -> None:
    """Add the words that are looked for: in what the caller would be shown of a ticket, and nowhere else."""
    q = _asked(where, text)
    public = _SEARCH.format(q=q, only_public=" AND public")
    if not caller.is_desk:
        where.conditions.append(public)
        return
    where.conditions.append(_SEARCH.format(q=q, only_public=""))
    if not caller.sees_all:  # of his own requests elsewhere he sees what is public
        where.conditions.append(f"({caller.sight.condition(where.parameter)} OR {public})")


def _add_times(where: _Where, query: ListQuery) -> None:
    """Add the filters that compare moments."""
    if query.created_from is not None:
        where.add("created_at >= {}", query.created_from)
    if query.created_to is not None:
        where.add("created_at < {}", query.created_to)
    if query.answered is not None:
        where.conditions.append(f"({ANSWERED}) IS {'TRUE' if query.answered else 'NOT TRUE'}")
    if query.overdue is not None:
        where.conditions.append(OVERDUE if query.overdue else f"({OVERDUE}) IS NOT TRUE")


async def _add_people(where: _Where, directory: Directory, query: ListQuery, caller: Caller) -> None:
    """Add the filters that name somebody."""
    if (query.team or query.assignee) and not caller.sees_all:
        # Who has it is shown of what one sees as one of the desk.
        where.conditions.append(f"({caller.sight.condition(where.parameter)})" if caller.is_desk else "false")
    if query.assignee == "none":
        where.conditions.append("agent IS NULL")
    elif query.assignee is not None:
        where.add("agent = {}", await _who(directory, query.assignee, caller) or UUID(int=0))
    if query.teams == "me":
        where.add("team = ANY ({})", await teams_of(directory, caller))
    if query.requester == "me":
        where.add("requester_id = {}", caller.person_id)
    elif query.requester is not None:
        where.add("requester_email = {}", query.requester.lower())
    if query.involved == "me":
        where.add("involved @> {}", [str(caller.person_id)])
    if query.watching == "me":
        where.add("watchers <> '[]' AND watchers @> {}", [str(caller.person_id)])
    if query.task == "me":
        where.add("tasks <> '[]' AND tasks @> {}", [{"agent": str(caller.person_id), "done": False}])


async def _add_fields(where: _Where, directory: Directory, query: ListQuery, caller: Caller) -> None:
    """Add the filters by custom fields (`field.KEY` to values, which are alternatives).

    One that only the desk sees finds no tickets that the caller sees as their requester alone.
    """
    known = await directory.fields()
    audience = audience_of(caller, inside=caller.is_desk)
    for name, texts in query.fields.items():
        key = name.removeprefix(forms.PREFIX)
        if key not in known or not forms.visible(known, key, audience):
            raise Problem(422, f"{name}: there is no such field; see GET /topics.", fields={name: "is no field"})
        if len(texts) > MOST_ALTERNATIVES:
            raise Problem(422, f"{name}: at most {MOST_ALTERNATIVES} values.", fields={name: "has too many values"})
        try:
            values = [{key: forms.parsed(known[key], text)} for text in texts]
        except forms.BadValueError as error:
            raise Problem(422, f"{name}: {error}", fields={name: str(error)}) from error
        held = " OR ".join(f"fields @> {where.parameter(value)}::jsonb" for value in values)
        where.conditions.append(f"fields <> '{{}}' AND ({held})")  # the first is the index's own condition
        if audience != "customer" and not forms.visible(known, key, "customer") and not caller.sees_all:
            where.conditions.append(f"({caller.sight.condition(where.parameter)})")


async def _page(pool: Pool, query: ListQuery, where: _Where) -> tuple[list[asyncpg.Record], str | None]:
    order = ORDERS[query.sort]
    if query.cursor is not None:
        try:
            place = decode_cursor(query.cursor, len(order.by) + 1)
            where.conditions.append(order.beyond(place, where.parameter))
        except (ValueError, TypeError, AttributeError, OverflowError):
            raise no_cursor() from None
    rows = await pool.fetch(
        f"SELECT *, {order.columns} FROM ticket WHERE {' AND '.join(where.conditions)} "
        f"ORDER BY {order.clause} LIMIT {query.limit + 1}",
        *where.values,
    )
    page = rows[: query.limit]
    return page, encode_cursor(order.place_of(dict(page[-1]))) if len(rows) > query.limit else None
