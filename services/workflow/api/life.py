"""The verbs of a ticket's life."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from services.workflow import domain
from services.workflow.api.common import (
    MessageOnly,
    Taken,
    WorkflowDep,
    by_anybody,
    by_staff,
    for_anybody,
    for_staff,
    run,
    words_of,
)
from services.workflow.fields import sheet_for
from shared.contracts.event import NewEvent, rfc3339
from shared.contracts.fields import Body, Priority, Severity, Strict
from shared.http.commands import CommandDep
from shared.http.forms import audience_of
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import TicketRef

router = APIRouter(tags=["workflow"], responses=RESPONSES)


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


@router.post("/tickets/{ref}/prioritise")
async def prioritise(ref: TicketRef, body: PrioritiseBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Set priority, severity or both."""
    if body.priority is None and body.severity is None:
        raise Problem(
            422, "Say which priority or severity.", fields={"priority": "priority, severity or both must be given"}
        )
    row = await for_staff(ref, "ticket.edit", command, workflow)
    asked: Mapping[str, Any] = {"priority": row["asked_priority"], "severity": row["asked_severity"]}
    return await run(
        row, command, workflow,
        lambda state: domain.prioritise(
            state, priority=body.priority, severity=body.severity, message=body.message, asked=asked
        ),
    )  # fmt: skip


@router.post("/tickets/{ref}/hold")
async def hold(ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: HoldBody | None = None) -> Taken:
    """Put the ticket on hold, or change what it waits for."""
    reason = body.reason if body else None
    until = rfc3339(body.until) if body and body.until else None
    return await by_staff(
        ref, "ticket.hold", command, workflow, lambda state: domain.hold(state, reason=reason, until=until)
    )


@router.post("/tickets/{ref}/resume")
async def resume(ref: TicketRef, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Go on with a ticket that is on hold."""
    return await by_staff(ref, "ticket.hold", command, workflow, domain.resume)


@router.post("/tickets/{ref}/resolve")
async def resolve(ref: TicketRef, body: ResolveBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Say that it is solved, and how; the requester reads it."""
    return await by_staff(
        ref, "ticket.close", command, workflow, lambda state: domain.resolve(state, resolution=body.resolution)
    )


@router.post("/tickets/{ref}/close")
async def close(ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: MessageOnly | None = None) -> Taken:
    """Close the ticket: nothing that is required to close it may be missing, be it a task or a custom field."""
    message = words_of(body)
    row = await for_anybody(ref, "ticket.close", command, workflow)
    sheet = await sheet_for(workflow.directory, row)
    audience = audience_of(command.caller, inside=command.caller.sees_inside(row))

    def decide(state: domain.Life) -> list[NewEvent]:
        closed = domain.close(state, message=message)
        domain.needs_fields(state, sheet=sheet, audience=audience)
        return closed

    return await run(row, command, workflow, decide)


@router.post("/tickets/{ref}/reopen")
async def reopen(ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: MessageOnly | None = None) -> Taken:
    """Take up again what was resolved or closed."""
    message = words_of(body)
    return await by_anybody(ref, "ticket.close", command, workflow, lambda state: domain.reopen(state, message=message))


@router.post("/tickets/{ref}/escalate")
async def escalate(
    ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: MessageOnly | None = None
) -> Taken:
    """Call for attention, one level up."""
    message = words_of(body)
    return await by_staff(
        ref, "ticket.escalate", command, workflow, lambda state: domain.escalate(state, message=message)
    )


@router.post("/tickets/{ref}/acknowledge")
async def acknowledge(
    ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: MessageOnly | None = None
) -> Taken:
    """Say that it has been seen."""
    message = words_of(body)
    return await by_staff(
        ref, "ticket.escalate", command, workflow, lambda state: domain.acknowledge(state, message=message)
    )
