"""How tickets and their timelines are shown, by who looks: requesters never see notes, routing or agents' addresses."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.workflow.views import PUBLIC
from shared.directory.people import Directory, Person
from shared.http.caller import Caller


class PersonShown(BaseModel):
    """An agent, as others see him."""

    login: str | None = None
    name: str | None = None


class RequesterShown(BaseModel):
    """A requester."""

    email: str | None = None
    name: str | None = None


class TicketShown(BaseModel):
    """A ticket as it is now."""

    id: UUID
    number: str
    subject: str
    status: str
    priority: str
    severity: str | None
    requester: RequesterShown
    topic: str | None
    channel: str | None
    department: str | None
    team: str | None
    assignee: PersonShown | None
    tags: list[str]
    external_id: str | None
    answered: bool
    hold_until: datetime | None
    created_at: datetime
    updated_at: datetime
    versions: dict[str, int]


class Cause(BaseModel):
    """The event that made another happen."""

    id: UUID
    type: str | None


class TimelineItem(BaseModel):
    """One step of a ticket's history."""

    type: str
    at: datetime
    recorded_at: datetime
    actor: dict[str, Any]
    via: dict[str, Any]
    cause: Cause | None
    data: dict[str, Any]


def _agent(people: Mapping[UUID, Person], agent: UUID | None) -> PersonShown | None:
    if agent is None:
        return None
    person = people.get(agent)
    return PersonShown(**person.shown) if person else PersonShown(login=None, name=None)


async def show_ticket(directory: Directory, rows: Sequence[asyncpg.Record], caller: Caller) -> list[TicketShown]:
    """Return tickets as the caller may see them."""
    people = await directory.people({row["agent"] for row in rows if row["agent"]})
    shown = []
    for row in rows:
        assignee = _agent(people, row["agent"])
        if assignee is not None and not caller.sees_all:
            assignee = PersonShown(name=assignee.name)
        replied, asked = row["last_reply_at"], row["last_message_at"]
        shown.append(
            TicketShown(
                id=row["stream_id"], number=row["number"], subject=row["subject"] or "(erased)", status=row["status"],
                priority=row["priority"], severity=row["severity"],
                requester=RequesterShown(email=row["requester_email"], name=row["requester_name"]), topic=row["topic"],
                channel=row["channel"], department=row["department"], team=row["team"] if caller.sees_all else None,
                assignee=assignee, tags=row["tags"], external_id=row["external_id"],
                answered=replied is not None and (asked is None or replied > asked), hold_until=row["hold_until"],
                created_at=row["created_at"], updated_at=row["updated_at"], versions=row["versions"],
            )
        )  # fmt: skip
    return shown


def _ids_in(value: Any) -> Iterable[UUID]:
    """Yield the person ids that an event's data names."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in {"agent", "person_id"} and isinstance(item, str):
                yield UUID(item)
            else:
                yield from _ids_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _ids_in(item)


def _with_logins(value: Any, people: Mapping[UUID, Person]) -> Any:
    """Return the data with agents by login instead of person id."""
    if isinstance(value, dict):
        return {
            key: (_login(people, item) if key == "agent" and isinstance(item, str) else _with_logins(item, people))
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_with_logins(item, people) for item in value]
    return value


def _login(people: Mapping[UUID, Person], person_id: str) -> str:
    person = people.get(UUID(person_id))
    return (person.login or person.email or person_id) if person else person_id


def _actor(people: Mapping[UUID, Person], actor: Mapping[str, str], *, full: bool) -> dict[str, Any]:
    if actor["kind"] != "person":
        return dict(actor) if full else {"kind": actor["kind"]}
    person = people.get(UUID(actor["id"]))
    shown = person.shown if person else {"login": None, "name": None}
    if not full:
        return {"kind": "person", "name": shown["name"]}
    return {"kind": "person", "id": actor["id"], **shown}


def _via(via: Mapping[str, str], *, full: bool) -> dict[str, Any]:
    """Return the door; a session's id is nobody else's business."""
    return dict(via) if full and via["kind"] != "session" else {"kind": via["kind"]}


async def show_timeline(directory: Directory, rows: Sequence[asyncpg.Record], caller: Caller) -> list[TimelineItem]:
    """Return a timeline as the caller may see it."""
    full = caller.sees_all
    types = {row["event_id"]: row["type"] for row in rows}
    visible = [row for row in rows if full or row["type"] in PUBLIC]
    ids = {UUID(row["actor"]["id"]) for row in visible if row["actor"]["kind"] == "person"}
    for row in visible:
        ids.update(_ids_in(row["data"]))
    people = await directory.people(ids)
    items = []
    for row in visible:
        data = {**_with_logins(row["data"], people), **(row["personal"] or {})}
        if not full:
            for private in (
                "origin",
                "reason",
            ):  # where an imported row stood; what a hold waits for is the desk's business
                data.pop(private, None)
        cause = Cause(id=row["cause"], type=types.get(row["cause"])) if full and row["cause"] else None
        items.append(
            TimelineItem(
                type=row["type"], at=row["at"], recorded_at=row["recorded_at"],
                actor=_actor(people, row["actor"], full=full), via=_via(row["via"], full=full),
                cause=cause, data=data,
            )
        )  # fmt: skip
    return items
