"""Workflow by HTTP: the verbs of a ticket's life. Reading is in `reads.py`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, Field

from services.workflow import domain
from shared.contracts.event import NewEvent, rfc3339
from shared.contracts.fields import Body, Priority, Severity, Strict
from shared.db import Pool
from shared.directory.people import Directory
from shared.eventstore.ledger import Ledger
from shared.http.commands import CommandDep, CommandRequest
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import TicketRef, known_ticket
from shared.service import component


@dataclass(slots=True)
class WorkflowApp:
    """What workflow's routes work with."""

    pool: Pool
    directory: Directory
    tickets: Ledger[domain.Life]


WorkflowDep = Annotated[WorkflowApp, Depends(component("workflow"))]
router = APIRouter(tags=["workflow"], responses=RESPONSES)


class WordsBody(Strict):
    """What is said."""

    body: Body


class MessageOnly(Strict):
    """Words to leave with a move."""

    message: Body | None = None


class PrioritiseBody(Strict):
    """What to change; at least one of the two."""

    priority: Priority | None = None
    severity: Severity | None = None
    message: Body | None = None


class HoldBody(Strict):
    """What it waits for, and until when at most."""

    reason: Body | None = Field(None, examples=["waiting for the vendor"])
    until: Annotated[AwareDatetime, Field(strict=False)] | None = Field(None, description="RFC 3339, with a zone")


class ResolveBody(Strict):
    """How it was solved."""

    resolution: Body = Field(examples=["The relay's certificate had expired; renewed it."])


class Taken(BaseModel):
    """A command was taken."""

    id: UUID
    versions: dict[str, int]


Decide = Callable[[domain.Life], list[NewEvent]]


async def _run(
    ref: str, command: CommandRequest, workflow: WorkflowApp, decide: Decide, row: asyncpg.Record | None = None
) -> Taken:
    row = row or await known_ticket(workflow.pool, ref, command.caller)
    result = await workflow.tickets.execute(row["stream_id"], decide, command.context(), command.if_version("workflow"))
    command.answer(row["stream_id"], "workflow", result)
    return Taken(id=row["stream_id"], versions={"workflow": result.version})


async def _staff(ref: str, command: CommandRequest, workflow: WorkflowApp, decide: Decide) -> Taken:
    """Run a command of somebody who works tickets; a requester learns nothing of tickets that are not his."""
    row = await known_ticket(workflow.pool, ref, command.caller)
    command.caller.need_staff()
    return await _run(ref, command, workflow, decide, row)


async def _anybody(ref: str, command: CommandRequest, workflow: WorkflowApp, decide: Decide) -> Taken:
    """Run a command that the requester of the ticket may give, too."""
    row = await known_ticket(workflow.pool, ref, command.caller)
    if not command.caller.is_staff:
        command.caller.need("requester")
    return await _run(ref, command, workflow, decide, row)


@router.post("/tickets/{ref}/notes", status_code=201)
async def add_note(ref: TicketRef, body: WordsBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Write an internal note: agents see it, the requester never does."""
    return await _staff(ref, command, workflow, lambda state: domain.note(state, body=body.body))


@router.post("/tickets/{ref}/replies", status_code=201)
async def add_reply(ref: TicketRef, body: WordsBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Answer the requester."""
    return await _staff(ref, command, workflow, lambda state: domain.reply(state, body=body.body))


@router.post("/tickets/{ref}/prioritise")
async def prioritise(ref: TicketRef, body: PrioritiseBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Set priority, severity or both."""
    if body.priority is None and body.severity is None:
        raise Problem(
            422, "Say which priority or severity.", fields={"priority": "priority, severity or both must be given"}
        )
    row = await known_ticket(workflow.pool, ref, command.caller)
    command.caller.need_staff()
    asked: Mapping[str, Any] = {"priority": row["asked_priority"], "severity": row["asked_severity"]}
    return await _run(
        ref, command, workflow,
        lambda state: domain.prioritise(
            state, priority=body.priority, severity=body.severity, message=body.message, asked=asked
        ),
        row,
    )  # fmt: skip


@router.post("/tickets/{ref}/hold")
async def hold(ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: HoldBody | None = None) -> Taken:
    """Put the ticket on hold, or change what it waits for."""
    reason = body.reason if body else None
    until = rfc3339(body.until) if body and body.until else None
    return await _staff(ref, command, workflow, lambda state: domain.hold(state, reason=reason, until=until))


@router.post("/tickets/{ref}/resume")
async def resume(ref: TicketRef, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Go on with a ticket that is on hold."""
    return await _staff(ref, command, workflow, domain.resume)


@router.post("/tickets/{ref}/resolve")
async def resolve(ref: TicketRef, body: ResolveBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Say that it is solved, and how; the requester reads it."""
    return await _staff(ref, command, workflow, lambda state: domain.resolve(state, resolution=body.resolution))


@router.post("/tickets/{ref}/close")
async def close(ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: MessageOnly | None = None) -> Taken:
    """Close the ticket."""
    message = body.message if body else None
    return await _anybody(ref, command, workflow, lambda state: domain.close(state, message=message))


@router.post("/tickets/{ref}/reopen")
async def reopen(ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: MessageOnly | None = None) -> Taken:
    """Take up again what was resolved or closed."""
    message = body.message if body else None
    return await _anybody(ref, command, workflow, lambda state: domain.reopen(state, message=message))


@router.post("/tickets/{ref}/escalate")
async def escalate(
    ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: MessageOnly | None = None
) -> Taken:
    """Call for attention, one level up."""
    message = body.message if body else None
    return await _staff(ref, command, workflow, lambda state: domain.escalate(state, message=message))


@router.post("/tickets/{ref}/acknowledge")
async def acknowledge(
    ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: MessageOnly | None = None
) -> Taken:
    """Say that it has been seen."""
    message = body.message if body else None
    return await _staff(ref, command, workflow, lambda state: domain.acknowledge(state, message=message))
