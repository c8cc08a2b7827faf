"""Rows become facts. Pure: no clock, no network; the same log gives the same facts with the same ids.

A fact is a change. What a row states that was so before changes nothing, and a row that changes nothing is a note. The
status followed here is the one that `services.workflow.domain.evolve` gives for the same facts, so the ledger never
says anything else than the importer thought it would (a test compares the two).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ledgerdesk.importer.facts import IMPORT, Stated, fact_id, person_id, stated, ticket_id
from ledgerdesk.importer.mapping import Mapping
from ledgerdesk.importer.people import requester_of
from ledgerdesk.importer.rows import Row

_DONE = frozenset({"resolved", "closed"})
_AFTER = {"held": "on_hold", "resolved": "resolved", "closed": "closed"}
"""Status after a move; after the other moves it is open."""
_SPOKEN = frozenset({"replied", "message_received"})
_WHY = {"by": "person", "reason": "as the log says"}

Part = tuple[str, dict[str, Any], dict[str, Any] | None]
"""A fact to be: the type's last word, data without origin, personal."""


@dataclass(slots=True)
class Case:
    """Where a ticket stands, as far as its rows have been read."""

    ticket: str
    ordinal: int = 0
    created: bool = False
    requester: str = ""
    author: dict[str, str] | None = None
    status: str = "new"
    held_as: str = ""
    agent: str | None = None
    group: str | None = None
    priority: str | None = None
    severity: str | None = None
    level: int = 0


class Rules(NamedTuple):
    """What of the mapping the derivation goes by.

    Attributes:
        log: The log's name.
        tracks: Fields whose changes are facts.
        keep: An empty cell says nothing, rather than "none".
        by_assignee: Who is assigned stands in a column of its own, not in the actor's.
    """

    log: str
    tracks: frozenset[str]
    keep: bool
    by_assignee: bool


def rules_of(mapping: Mapping) -> Rules:
    """Return the rules of a mapping."""
    return Rules(mapping.log, mapping.tracks, mapping.blanks == "keep", mapping.columns.assignee is not None)


def derive(rows: Iterable[Row], mapping: Mapping) -> Iterator[Stated]:
    """Yield the ticket facts of rows that come in replay order."""
    rules = rules_of(mapping)
    log = rules.log
    cases: dict[str, Case] = {}
    for row in rows:
        case = cases.get(row.case)
        if case is None:
            case = cases[row.case] = Case(ticket_id(log, row.case))
        case.ordinal += 1
        if not row.usable:
            continue
        actor, origin = IMPORT, {"log": log, "case": row.case, "row": row.number, "activity": row.activity}
        if row.actor is not None:
            person = person_id(log, row.actor)
            actor, origin["actor"] = {"kind": "person", "id": person}, person
        for index, (name, data, personal) in enumerate(parts_of(case, row, rules)):
            data["origin"] = origin
            yield stated(
                row.line, fact_id(log, row.case, case.ordinal, index), case.ticket, f"ticket.{name}", row.at, actor, data,
                personal,
            )  # fmt: skip


def parts_of(case: Case, row: Row, rules: Rules) -> list[Part]:
    """Return the facts of one row, and move the case on."""
    parts: list[Part] = []
    if not case.created:
        parts.append(_created(case, row, rules))
    else:
        parts += _prioritised(case, row, rules)
        parts += _transferred(case, row, rules)
    parts += _handed(case, row, rules)
    for act in row.acts:
        for name in _moves(case, act, row.activity):
            parts.append(_moved(case, name, row))
        parts += _others(case, act, row)
    spoken = any(name in _SPOKEN for name, _, _ in parts)
    if not parts or (row.comment and not spoken):
        parts.append(("noted", {}, {"body": row.comment} if row.comment else None))
    return parts


def _created(case: Case, row: Row, rules: Rules) -> Part:
    """The first row of a case that can be used creates its ticket; the row's group and priority belong to the creation."""
    ask = row.ask
    if ask is None:
        raise ValueError(f"line {row.line} creates {row.case} and was read without what creation needs")
    known_by, requester = requester_of(ask)
    case.created = True
    case.requester, case.author = person_id(rules.log, known_by), requester
    case.group, case.priority, case.severity = row.group, row.priority, row.severity
    data: dict[str, Any] = {
        "number": ask.number or row.case, "person_id": case.requester, "channel": ask.channel or "import",
        "topic": ask.topic, "department": row.group, "priority": row.priority, "severity": row.severity, "tags": [],
        "external_id": ask.external_id,
    }  # fmt: skip
    return "created", data, {"subject": ask.subject or row.case, "body": ask.body or "", "requester": requester}


def _prioritised(case: Case, row: Row, rules: Rules) -> Iterator[Part]:
    """An empty or ignored priority is no priority: the old one stays."""
    priority = row.priority if "priority" in rules.tracks and row.priority != case.priority else None
    severity = row.severity if "severity" in rules.tracks and row.severity != case.severity else None
    if priority or severity:
        previous = {"priority": case.priority, "severity": case.severity}
        case.priority, case.severity = priority or case.priority, severity or case.severity
        yield "prioritised", {"priority": priority, "severity": severity, "previous": previous}, None


def _transferred(case: Case, row: Row, rules: Rules) -> Iterator[Part]:
    if ("group" not in rules.tracks and "transferred" not in row.acts) or row.group == case.group:
        return
    if row.group is None and rules.keep:
        return
    previous, case.group = case.group, row.group
    yield "transferred", {"department": row.group, "previous": previous, "why": _WHY}, None


def _handed(case: Case, row: Row, rules: Rules) -> Iterator[Part]:
    """Who has the ticket: by the assignee's column, or by an activity that gives it to somebody or to nobody."""
    if "unassigned" in row.acts:
        agent = None
    elif "assigned" in row.acts:
        agent = row.assignee if rules.by_assignee else row.actor
        if agent is None:
            return
    elif "assignee" in rules.tracks:
        agent = row.assignee
        if agent is None and rules.keep:
            return
    else:
        return
    if agent == case.agent:
        return
    previous = {"agent": person_id(rules.log, case.agent) if case.agent is not None else None, "team": None}
    case.agent = agent
    if agent is None:
        yield "unassigned", {"previous": previous, "why": _WHY}, None
    else:
        yield "assigned", {"agent": person_id(rules.log, agent), "team": None, "previous": previous, "why": _WHY}, None


def _moves(case: Case, act: str, activity: str) -> tuple[str, ...]:  # noqa: PLR0911 -- one line for each kind of act
    """Return the moves that an act means for a ticket in this state: none, one, or two.

    Nothing makes a ticket new again: one that is on hold is resumed, one that was done is reopened, one that is open
    stays so. Out of a done state into waiting are two facts, since only the second says that it waits.
    """
    status = case.status
    done = status in _DONE
    match act:
        case "open":
            return ("started",) if status == "new" else _back(status)
        case "new":
            return () if status == "new" else _back(status)
        case "started":
            return ("started",) if status == "new" else ()
        case "resumed":
            return ("resumed",) if status == "on_hold" else ()
        case "reopened":
            return ("reopened",) if done else ()
        case "on_hold" | "held":
            if status == "on_hold" and case.held_as == activity:
                return ()
            return ("reopened", "held") if done else ("held",)
        case "resolved" | "closed":
            return () if status == act else (act,)
        case _:
            return ()


def _back(status: str) -> tuple[str, ...]:
    """Return the move that brings a ticket which is no longer new back to work."""
    if status == "on_hold":
        return ("resumed",)
    return ("reopened",) if status in _DONE else ()


def _moved(case: Case, name: str, row: Row) -> Part:
    data: dict[str, Any] = {}
    personal: dict[str, Any] | None = None
    if name == "reopened":
        data["previous"] = case.status
    elif name == "held":
        data["until"] = None
        case.held_as = row.activity
    elif name == "resolved" and row.resolution:
        personal = {"resolution": row.resolution}
    case.status = _AFTER.get(name, "open")
    return name, data, personal


def _others(case: Case, act: str, row: Row) -> Iterator[Part]:
    """Acts that are neither a move nor who has the ticket. Words without words are no message: they leave a note."""
    match act:
        case "escalated":
            case.level += 1
            yield "escalated", {"level": case.level}, None
        case "acknowledged":
            yield "acknowledged", {}, None
        case "replied" if row.comment:
            yield "replied", {}, {"body": row.comment}
        case "message_received" if row.comment:
            data = {"person_id": case.requester, "channel": "import"}
            yield "message_received", data, {"body": row.comment, "author": case.author or {}}
        case _:
            return
