"""The verbs of a ticket's life. What the desk's lifecycle says of each is judged with it: see `domain.lifecycle`."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any

import asyncpg
from fastapi import APIRouter
from pydantic import Field

from services.workflow import domain
from services.workflow.api.common import (
    MessageOnly,
    Taken,
    WorkflowApp,
    WorkflowDep,
    for_anybody,
    for_staff,
    moves_on,
    run,
    words_of,
)
from services.workflow.fields import sheet_for
from shared.contracts.event import NewEvent, rfc3339
from shared.contracts.fields import Body, Key, Priority, SaidMoment, Severity, Strict
from shared.contracts.permissions import Permission
from shared.http.commands import CommandDep, CommandRequest
from shared.http.forms import audience_of
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import TicketRef

router = APIRouter(tags=["workflow"], responses=RESPONSES)

TAKES: Mapping[str, Permission] = {
    "prioritise": "ticket.edit", "hold": "ticket.hold", "resume": "ticket.hold", "state": "ticket.hold", "resolve": "ticket.close",
    "close": "ticket.close", "reopen": "ticket.close", "escalate": "ticket.escalate", "acknowledge": "ticket.escalate",
}  # fmt: skip
"""Verb to the permission that it takes of the desk."""
StateKey = Annotated[Key | None, Field(description="One of the desk's own states of the status that this leads to")]


class PrioritiseBody(Strict):
    """What to change; at least one of the two."""

    priority: Priority | None = None
    severity: Severity | None = None
    message: Body | None = None


class MoveBody(MessageOnly):
    """Words to leave with a move, and the state that it leads to."""

    state: StateKey = None


class StateBody(MessageOnly):
    """Into which of the desk's own states; null: into none."""

    state: Key | None = Field(examples=["in-review"])


class ResumeBody(Strict):
    """Why it goes on, and the state that it leads to."""

    reason: Body | None = None
    state: StateKey = None


class HoldBody(Strict):
    """What it waits for, and until when at most."""

    state: StateKey = None
    reason: Body | None = Field(None, examples=["waiting for the vendor"])
    until: SaidMoment | None = Field(None, description="RFC 3339, with a zone")


class ResolveBody(Strict):
    """How it was solved."""

    state: StateKey = None
    resolution: Body = Field(examples=["The relay's certificate had expired; renewed it."])


async def _move(
    row: asyncpg.Record, command: CommandRequest, workflow: WorkflowApp, decide: Callable[..., list[NewEvent]]
) -> Taken:
    """Run a move that the desk's lifecycle may have rules for."""
    moves = await moves_on(row, command, workflow)
    return await run(row, command, workflow, lambda state: decide(state, moves=moves))


def _to(body: MoveBody | ResumeBody | HoldBody | None) -> str | None:
    return body.state if body else None


@router.post("/tickets/{ref}/prioritise")
async def prioritise(ref: TicketRef, body: PrioritiseBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Set priority, severity or both."""
    if body.priority is None and body.severity is None:
        raise Problem(
            422, "Say which priority or severity.", fields={"priority": "priority, severity or both must be given"}
        )
    row = await for_staff(ref, TAKES["prioritise"], command, workflow)
    asked: Mapping[str, Any] = {"priority": row["asked_priority"], "severity": row["asked_severity"]}
    return await _move(
        row, command, workflow,
        partial(domain.prioritise, priority=body.priority, severity=body.severity, message=body.message, asked=asked),
    )  # fmt: skip


@router.post("/tickets/{ref}/hold")
async def hold(ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: HoldBody | None = None) -> Taken:
    """Put the ticket on hold, or change what it waits for."""
    row = await for_staff(ref, TAKES["hold"], command, workflow)
    reason = body.reason if body else None
    until = rfc3339(body.until) if body and body.until else None
    return await _move(row, command, workflow, partial(domain.hold, reason=reason, until=until, to=_to(body)))


@router.post("/tickets/{ref}/resume")
async def resume(ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: ResumeBody | None = None) -> Taken:
    """Go on with a ticket that is on hold."""
    row = await for_staff(ref, TAKES["resume"], command, workflow)
    reason = body.reason if body else None
    return await _move(row, command, workflow, partial(domain.resume, reason=reason, to=_to(body)))


@router.post("/tickets/{ref}/resolve")
async def resolve(ref: TicketRef, body: ResolveBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Say that it is solved, and how; the requester reads it."""
    row = await for_staff(ref, TAKES["resolve"], command, workflow)
    return await _move(row, command, workflow, partial(domain.resolve, resolution=body.resolution, to=body.state))


@router.post("/tickets/{ref}/close")
async def close(ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: MoveBody | None = None) -> Taken:
    """Close the ticket: nothing that is required to close it may be missing, be it a task or a custom field."""
    row = await for_anybody(ref, TAKES["close"], command, workflow)
    sheet = await sheet_for(workflow.directory, row)
    audience = audience_of(command.caller, inside=command.caller.sees_inside(row))

    def decide(state: domain.Life, moves: domain.Moves) -> list[NewEvent]:
        closed = domain.close(state, message=words_of(body), to=_to(body), moves=moves)
        domain.needs_fields(state, sheet=sheet, audience=audience)
        return closed

    return await _move(row, command, workflow, decide)


@router.post("/tickets/{ref}/reopen")
async def reopen(ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: MoveBody | None = None) -> Taken:
    """Take up again what was resolved or closed."""
    row = await for_anybody(ref, TAKES["reopen"], command, workflow)
    return await _move(row, command, workflow, partial(domain.reopen, message=words_of(body), to=_to(body)))


@router.post("/tickets/{ref}/state")
async def change_state(ref: TicketRef, body: StateBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Put the ticket into another of the desk's own states of the status it has; moves to another status name it themselves."""
    row = await for_staff(ref, TAKES["state"], command, workflow)
    return await _move(row, command, workflow, partial(domain.change_state, to=body.state, message=body.message))


@router.post("/tickets/{ref}/escalate")
async def escalate(
    ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: MessageOnly | None = None
) -> Taken:
    """Call for attention, one level up."""
    row = await for_staff(ref, TAKES["escalate"], command, workflow)
    return await _move(row, command, workflow, partial(domain.escalate, message=words_of(body)))


@router.post("/tickets/{ref}/acknowledge")
async def acknowledge(
    ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: MessageOnly | None = None
) -> Taken:
    """Say that it has been seen."""
    row = await for_staff(ref, TAKES["acknowledge"], command, workflow)
    return await _move(row, command, workflow, partial(domain.acknowledge, message=words_of(body)))
