"""Who a log names: agents and departments, inactive, and requesters."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ledgerdesk.importer.facts import IMPORT, Stated, directory_fact_id, person_id, stated
from ledgerdesk.importer.rows import Ask, Row
from shared.contracts.ids import directory_id

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,190}")
_LONGEST = 254
_NOBODY = ""
"""What a requester is known by whom the log does not name."""


def requester_of(ask: Ask) -> tuple[str, dict[str, str]]:
    """Return what a row's requester is known by, and the address and name the log gives.

    What stands in the place of an address and is none is a name, if there is no other.
    """
    said = (ask.requester_email or "").strip()
    email = said.lower() if _EMAIL.fullmatch(said) and len(said) <= _LONGEST else ""
    name = ask.requester or ("" if email else said)
    personal = {key: text for key, text in (("email", email), ("name", name)) if text}
    return email or name or _NOBODY, personal


def directory(rows: Iterable[Row], log: str) -> Iterator[Stated]:
    """Yield one entry for every name in the log, at the time of its first row.

    Names of actors and assignees are agents who get no work (inactive), groups are inactive departments, requesters
    are persons. A name is one person, be it agent, requester or both.
    """
    agents: set[str] = set()
    groups: set[str] = set()
    requesters: set[str] = set()
    cases: set[str] = set()
    for row in rows:
        if not row.usable:
            continue
        for name in (row.actor, row.assignee):
            if name is not None and name not in agents:
                agents.add(name)
                yield _agent(row, log, name)
        if row.group is not None and row.group not in groups:
            groups.add(row.group)
            yield _department(row, log, row.group)
        if row.case not in cases and row.ask is not None:
            cases.add(row.case)
            known_by, personal = requester_of(row.ask)
            if known_by not in requesters:
                requesters.add(known_by)
                yield _entry(row, log, "person", known_by, person_id(log, known_by), {"organisation": None}, personal)


def _agent(row: Row, log: str, name: str) -> Stated:
    person = person_id(log, name)
    new = {"person_id": person, "departments": [], "skills": [], "capacity": 0, "active": False}
    return _entry(row, log, "agent", name, person, {"new": new, "old": None}, {"login": name, "name": name})


def _department(row: Row, log: str, name: str) -> Stated:
    new = {"key": name, "name": name, "active": False}
    return _entry(row, log, "department", name, str(directory_id("department", name)), {"new": new, "old": None}, {})


def _entry(
    row: Row, log: str, kind: str, name: str, stream: str, data: dict[str, Any], personal: Mapping[str, Any]
) -> Stated:
    what = "person.registered" if kind == "person" else f"{kind}.configured"
    fact = directory_fact_id(log, kind, name)
    return stated(row.line, fact, stream, what, row.at, IMPORT, data, dict(personal) or None)
