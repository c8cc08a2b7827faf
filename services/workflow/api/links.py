"""How tickets hang together: links, merging, unmerging."""

from dataclasses import replace
from typing import Annotated, Literal

import asyncpg
from fastapi import APIRouter
from pydantic import Field

from services.workflow import domain
from services.workflow.api.common import (
    MessageOnly,
    Taken,
    WorkflowApp,
    WorkflowDep,
    by_staff,
    for_staff,
    run,
    words_of,
)
from shared.contracts.fields import Body, Key, Strict
from shared.http.caller import Caller
from shared.http.commands import CommandDep
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import TicketRef, known_ticket

router = APIRouter(tags=["workflow"], responses=RESPONSES)

LinkKind = Literal["parent", "child", "duplicate", "related"]
Ticket = Annotated[Key, Field(description="Id or number of the other ticket", examples=["100042"])]


class LinkBody(Strict):
    """This ticket has the other one as its parent, child, duplicate or related one."""

    kind: LinkKind
    ticket: Ticket


async def _other(workflow: WorkflowApp, ref: str, caller: Caller, field: str) -> asyncpg.Record:
    """Return the other ticket of a command.

    Raises:
        Problem: 422, naming the field.
    """
    try:
        return await known_ticket(workflow.pool, ref, caller)
    except Problem:
        raise Problem(
            422, f"{field}: there is no ticket {ref!r}.", fields={field: "must be the id or number of a ticket"}
        ) from None


@router.post("/tickets/{ref}/links", status_code=201)
async def link(ref: TicketRef, body: LinkBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Link the ticket to another. The other one shows it, too."""
    row = await for_staff(ref, "ticket.link", command, workflow)
    other = await _other(workflow, body.ticket, command.caller, "ticket")
    me, it = str(row["stream_id"]), str(other["stream_id"])
    return await run(
        row, command, workflow, lambda state: domain.link(state, kind=body.kind, ticket=me, other=it), on_merged=True
    )


class UnlinkBody(Strict):
    """A link, said as `GET …/links` of this ticket says it."""

    kind: Literal["parent", "child", "duplicate", "duplicated", "related"]
    ticket: Ticket


@router.post("/tickets/{ref}/unlink")
async def unlink(ref: TicketRef, body: UnlinkBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """End a link; it may have been made from the other end."""
    row = await for_staff(ref, "ticket.link", command, workflow)
    other = await _other(workflow, body.ticket, command.caller, "ticket")
    kind: str = body.kind
    at, it = row, str(other["stream_id"])
    if {"kind": kind, "other": it} not in row["links"]:
        theirs = next((mine for mine, inverse in domain.INVERSE.items() if inverse == kind), kind)
        if {"kind": theirs, "other": str(row["stream_id"])} in other["links"]:
            kind, at, it = theirs, other, str(row["stream_id"])
            command.caller.need_permission("ticket.link", at)
            await command.need_version("workflow", workflow, row)
            command = replace(command, if_match=None)  # it is of this ticket, and what is written is on the other one
    return await run(at, command, workflow, lambda state: domain.unlink(state, kind=kind, other=it), on_merged=True)


class MergeBody(Strict):
    """Which ticket stands for this one from now on."""

    into: Ticket
    message: Body | None = None


@router.post("/tickets/{ref}/merge")
async def merge(ref: TicketRef, body: MergeBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Merge the ticket into another, which shows its thread from then on and is where to act. It can be unmerged whole."""
    row = await for_staff(ref, "ticket.merge", command, workflow)
    other = await _other(workflow, body.into, command.caller, "into")
    command.caller.need_permission("ticket.merge", other)  # what is written on this one goes on there
    if other["merged_into"] is not None:
        raise Problem(
            409,
            "into: that ticket is merged into another itself.",
            fields={"into": f"must stand for itself; take {other['merged_into']}"},
        )
    me, it = str(row["stream_id"]), str(other["stream_id"])
    return await run(
        row,
        command,
        workflow,
        lambda state: domain.merge(state, ticket=me, into=it, message=body.message),
        on_merged=True,
    )


@router.post("/tickets/{ref}/unmerge")
async def unmerge(ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: MessageOnly | None = None) -> Taken:
    """Let a merged ticket stand for itself again, in the status it had; nothing is lost by a merge."""
    message = words_of(body)
    return await by_staff(
        ref, "ticket.merge", command, workflow, lambda state: domain.unmerge(state, message=message), on_merged=True
    )
