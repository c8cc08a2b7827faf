"""Canned replies at work: whose they are, what a ticket fills them in with, and answering with one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from services.workflow.domain import canned
from shared.directory.people import Directory, Person
from shared.http.problems import Problem
from shared.http.rights import OVERSIGHT, Caller
from shared.refusal import Refusal

KIND = "canned_reply"
Entry = Mapping[str, Any]
Values = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say, and which reply it was made from, as the event names it."""

    text: str
    made_from: Mapping[str, Any] | None = None


async def _person(directory: Directory, person_id: UUID | None, *, needed: bool) -> Person | None:
    """Return somebody; who is `needed` is waited for.

    Raises:
        BehindError: He has not been heard of yet.
    """
    if person_id is None:
        return None
    return await (directory.expected(person_id) if needed else directory.by_id(person_id))


async def values_of(
    directory: Directory, row: asyncpg.Record, agent: str | None, needed: Collection[str] = ()
) -> Values:
    """Return what a ticket (workflow's row) fills in; `agent` is the name of who answers, `needed` the variables that must be right.

    Raises:
        BehindError: What one of them depends on has not come yet.
    """

    async def name(kind: str, key: str | None) -> str | None:
        entry = await directory.entry(kind, key) if key is not None else None
        return entry["name"] if entry else None

    requester = await _person(directory, row["requester_id"], needed="organisation.name" in needed)
    email = row["requester_email"]
    return {
        "ticket.number": row["number"], "ticket.subject": row["subject"], "ticket.topic": await name("topic", row["topic"]),
        "requester.name": row["requester_name"] or email, "requester.email": email,
        "organisation.name": await name("organisation", requester.organisation if requester else None),
        "department.name": await name("department", row["department"]), "agent.name": agent,
    }  # fmt: skip


def name_of(caller: Caller) -> str | None:
    """Return who answers; another system has no name to sign with."""
    return (caller.name or caller.login) if caller.person_id is not None else None


async def replies_of(directory: Directory, caller: Caller) -> list[Entry]:
    """Return the canned replies that somebody may answer with: who oversees the desk, and a system, with all."""
    departments: list[str] | None = None
    if not caller.roles & OVERSIGHT and caller.person_id is not None:
        person = await directory.by_id(caller.person_id)
        agent = (person.agent if person else None) or {}
        departments = [*agent.get("departments", []), *agent.get("roles", {})]
    within = {entry["key"]: entry.get("parent") for entry in await directory.entries("department")}
    return [entry for entry in await directory.entries(KIND) if canned.usable(entry, departments, within)]


def _filled(entry: Entry, values: Values) -> str:
    """Return a canned reply's text for a ticket.

    Raises:
        Refusal: A variable has no value. What was said to a requester with a hole in it cannot be unsaid.
    """
    filled = canned.fill(entry["body"], values)
    if filled.missing:
        named = ", ".join(f"{{{{{name}}}}}" for name in filled.missing)
        raise Refusal(
            f"This ticket has nothing to say for {named}: write the answer yourself.", status=422, field="canned"
        )
    return filled.text


async def answer(
    directory: Directory, row: asyncpg.Record, key: str, caller: Caller, words: str | None = None
) -> Answer:
    """Return the answer of somebody who answers with a canned reply, or with `words` that he made from one.

    Raises:
        Problem, Refusal: 422: there is no such reply, it is not his, or it cannot be filled in.
        BehindError: Whom it names is not known here yet.
    """
    entry = next((one for one in await replies_of(directory, caller) if one["key"] == key), None)
    if entry is None:
        raise Problem(
            422, f"canned: there is no canned reply {key!r} of yours.",
            fields={"canned": "must be a key that GET /canned-replies lists"},
        )  # fmt: skip
    if words is None:
        words = _filled(entry, await values_of(directory, row, name_of(caller), canned.named_in(entry["body"])))
    return Answer(words, {"key": key, "version": entry["version"]})


async def automatic(directory: Directory, row: asyncpg.Record, key: str) -> Answer:
    """Return the answer of a rule on a ticket (workflow's row); `agent.name` is who has it. For `domain.auto_reply`.

    Raises:
        Refusal: There is no such reply, or it cannot be filled in: nothing is said.
        BehindError: Whom it names is not known here yet.
    """
    entry = await directory.entry(KIND, key)
    if entry is None or not entry.get("active", True):
        raise Refusal(f"There is no canned reply {key!r}.")
    needed = canned.named_in(entry["body"])
    holder = await _person(directory, row["agent"], needed="agent.name" in needed)
    values = await values_of(directory, row, (holder.name or holder.login) if holder else None, needed)
    return Answer(_filled(entry, values), {"key": key, "version": entry["version"]})
