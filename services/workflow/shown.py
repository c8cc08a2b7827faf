"""How tickets and their timelines are shown, by who looks: requesters never see notes, routing or agents' addresses."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
from pydantic import BaseModel, Field

from services.workflow.domain import WORKED
from services.workflow.fields import facts_of, fields_told
from shared import forms
from shared.contracts.public import PUBLIC
from shared.directory.people import Directory, Person
from shared.directory.shown import actor_shown, ids_in, with_logins
from shared.http.caller import Caller
from shared.http.forms import audience_of


class PersonShown(BaseModel):
    """An agent, as others see him."""

    login: str | None = None
    name: str | None = None


class RequesterShown(BaseModel):
    """A requester."""

    email: str | None = None
    name: str | None = None


class PromiseShown(BaseModel):
    """A promise: by when, and what became of it."""

    target: str
    due: datetime | None = Field(description="None: it stands still")
    seconds_left: float | None = Field(description="While it stands still")
    state: Literal["running", "paused", "warned", "breached", "met", "met late"]


class SlaShown(BaseModel):
    """What is promised for a ticket."""

    plan: str
    version: int
    promises: list[PromiseShown]


class StateShown(BaseModel):
    """One of the desk's own states, which a status has besides its name."""

    key: str
    name: str


class TicketShown(BaseModel):
    """A ticket as it is now."""

    id: UUID
    number: str
    subject: str
    status: str
    state: StateShown | None = Field(description="The desk's own state of the status; to requesters, if it is public")
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
    fields: dict[str, Any] = Field(description="What custom fields hold, by key, of those that the caller may see")
    answered: bool
    merged_into: UUID | None
    open_tasks: int
    minutes: int | None
    score: int | None
    watched: bool
    hold_until: datetime | None
    due_at: datetime | None = Field(
        description="When the first promise that is not kept is due; it stands still on hold"
    )
    overdue: bool
    closes_at: datetime | None = Field(description="When silence closes it")
    sla: SlaShown | None
    created_at: datetime
    updated_at: datetime
    versions: dict[str, int]


class Cause(BaseModel):
    """The event that made another happen."""

    id: UUID
    type: str | None


class TimelineItem(BaseModel):
    """One step of a ticket's history."""

    id: UUID
    type: str
    at: datetime
    recorded_at: datetime
    edited_at: datetime | None
    ticket: UUID | None = Field(description="The merged ticket that it happened on, if it was not this one")
    actor: dict[str, Any]
    via: dict[str, Any]
    cause: Cause | None
    data: dict[str, Any]


def _agent(people: Mapping[UUID, Person], agent: UUID | None) -> PersonShown | None:
    if agent is None:
        return None
    person = people.get(agent)
    return PersonShown(**person.shown) if person else PersonShown(login=None, name=None)


async def show_ticket(
    directory: Directory, rows: Sequence[Any], caller: Caller, *, at: datetime | None = None, inside: bool | None = None
) -> list[TicketShown]:
    """Return tickets as the caller may see them.

    Args:
        directory: Who is who, and what is configured.
        rows: Of table `ticket`, or what `past.row_of` makes.
        caller: Who looks.
        at: When they were so; None: now.
        inside: Whether he sees all that is in them; None: as each row says.
    """
    all_of_it = inside
    people = await directory.people({row["agent"] for row in rows if row["agent"]})
    states = await _states(directory) if any(row["state"] for row in rows) else {}
    fields = await directory.fields() if any(row["fields"] for row in rows) else {}
    forms_by_topic = {topic: forms.form_of(fields.values(), topic) for topic in {row["topic"] for row in rows}}
    shown, now = [], at or datetime.now(UTC)
    for row in rows:
        form = forms_by_topic[row["topic"]]
        assignee = _agent(people, row["agent"])
        inside = caller.sees_inside(row) if all_of_it is None else all_of_it
        if assignee is not None and not inside:
            assignee = PersonShown(name=assignee.name)
        replied, asked = row["last_reply_at"], row["last_message_at"]
        shown.append(
            TicketShown(
                id=row["stream_id"], number=row["number"], subject=row["subject"] or "(erased)", status=row["status"],
                state=_state_shown(row["state"], states, inside=inside),
                priority=row["priority"], severity=row["severity"],
                requester=RequesterShown(email=row["requester_email"], name=row["requester_name"]), topic=row["topic"],
                channel=row["channel"], department=row["department"], team=row["team"] if inside else None,
                assignee=assignee, tags=row["tags"], external_id=row["external_id"],
                fields=forms.readable(fields, form, row["fields"], audience_of(caller, inside=inside), facts_of(row)),
                merged_into=row["merged_into"], open_tasks=sum(not task["done"] for task in row["tasks"]) if inside else 0,
                minutes=row["minutes"] if inside else None, score=row["score"],
                watched=caller.person_id is not None and str(caller.person_id) in row["watchers"],
                answered=replied is not None and (asked is None or replied > asked), hold_until=row["hold_until"],
                due_at=row["due_at"], overdue=row["due_at"] is not None and row["due_at"] < now and row["status"] in WORKED,
                closes_at=row["closes_at"], sla=_sla(row["sla"]) if inside else None,
                created_at=row["created_at"], updated_at=row["updated_at"], versions=row["versions"],
            )
        )  # fmt: skip
    return shown


async def _states(directory: Directory) -> Mapping[str, Mapping[str, Any]]:
    """Return the desk's own states, by key."""
    lifecycle = await directory.entry("lifecycle", "desk") or {}
    return {state["key"]: state for state in lifecycle.get("states", [])}


def _state_shown(key: str | None, states: Mapping[str, Mapping[str, Any]], *, inside: bool) -> StateShown | None:
    """Return a state by its name; one that is configured no more has none but its key."""
    state = states.get(key or "", {})
    if key is None or not (inside or state.get("public")):
        return None
    return StateShown(key=key, name=state.get("name", key))


def _sla(said: Mapping[str, Any]) -> SlaShown | None:
    if not said.get("plan"):
        return None
    promises = [
        PromiseShown(target=target, due=clock.get("due"), seconds_left=clock.get("left"), state=_state(clock))
        for target, clock in sorted(said["clocks"].items())
    ]
    return SlaShown(plan=said["plan"], version=said["plan_version"], promises=promises)


def _state(clock: Mapping[str, Any]) -> Literal["running", "paused", "warned", "breached", "met", "met late"]:
    if clock.get("met"):
        return "met late" if clock.get("late") else "met"
    if clock.get("breached"):
        return "breached"
    if clock.get("due") is None:
        return "paused"
    return "warned" if clock.get("warned") else "running"


def _via(via: Mapping[str, str], *, full: bool) -> dict[str, Any]:
    """Return the door; a session's id is nobody else's business."""
    return dict(via) if full and via["kind"] != "session" else {"kind": via["kind"]}


_ONLY_FOR_THE_DESK = (
    "origin",
    "reason",
    "into",
    "previous",
    "previous_state",
    "mentions",
    "follows",
    "canned",
    "state",
)
"""Where an imported row stood, what a hold waits for, the desk's own states, what another ticket is: the desk's business."""


def _corrections(rows: Sequence[asyncpg.Record]) -> dict[str, asyncpg.Record]:
    """Return the last correction of what was said, by the event that said it."""
    return {row["data"]["event"]: row for row in rows if row["type"] in {"edited", "message_edited"}}


def _said(row: asyncpg.Record, correction: asyncpg.Record | None) -> dict[str, Any]:
    """Return the words of an entry, as they are now."""
    words = forms.without_fields(row["type"], row["personal"] or {})
    if correction is not None and correction["personal"]:
        words["body"] = correction["personal"]["body"]
    return words


async def show_timeline(
    directory: Directory, rows: Sequence[asyncpg.Record], ticket: UUID, *, full: bool
) -> list[TimelineItem]:
    """Return a timeline; `full` to who sees all that is in it. Rows of tickets that are merged into `ticket` say so.

    A requester sees changes of the custom fields that he sees.
    """
    types = {row["event_id"]: row["type"] for row in rows}
    corrections = _corrections(rows)
    told = await fields_told(directory, rows, "agent" if full else "customer")
    visible = [row for row in rows if full or row["type"] in PUBLIC or row["event_id"] in told]
    ids = {UUID(row["actor"]["id"]) for row in visible if row["actor"]["kind"] == "person"}
    for row in visible:
        ids.update(ids_in(row["data"]))
    people = await directory.people(ids)
    items = []
    for row in visible:
        correction = corrections.get(str(row["event_id"]))
        data = {
            **with_logins(forms.without_fields(row["type"], row["data"]), people), **_said(row, correction),
            **told.get(row["event_id"], {}),
        }  # fmt: skip
        if not full:
            for private in _ONLY_FOR_THE_DESK:
                data.pop(private, None)
        cause = Cause(id=row["cause"], type=types.get(row["cause"])) if full and row["cause"] else None
        items.append(
            TimelineItem(
                id=row["event_id"], type=row["type"], at=row["at"], recorded_at=row["recorded_at"],
                edited_at=correction["at"] if correction is not None else None,
                ticket=row["ticket_id"] if row["ticket_id"] != ticket else None,
                actor=actor_shown(people, row["actor"], full=full), via=_via(row["via"], full=full),
                cause=cause, data=data,
            )
        )  # fmt: skip
    return items
