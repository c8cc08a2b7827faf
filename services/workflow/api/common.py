"""What workflow's routes work with, and how a command on a ticket is run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import Depends
from pydantic import BaseModel

from services.workflow import domain
from services.workflow.alarms import Alarms
from services.workflow.domain import let_in
from services.workflow.domain.dashboards import Dashboard
from services.workflow.domain.queues import SavedQueue
from shared.configuration import Entry
from shared.contracts.event import NewEvent
from shared.contracts.fields import Body, Strict
from shared.contracts.permissions import Permission
from shared.db import Pool
from shared.directory.people import Directory
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Ledger
from shared.http.attachments import Attaching
from shared.http.caller import Caller
from shared.http.commands import CommandRequest
from shared.http.problems import Problem
from shared.http.tickets import known_ticket
from shared.service import component


@dataclass(slots=True)
class WorkflowApp:
    """What workflow's routes work with."""

    pool: Pool
    directory: Directory
    tickets: Ledger[domain.Life]
    eraser: Eraser
    entries: Ledger[Entry]
    queues: Ledger[SavedQueue]
    dashboards: Ledger[Dashboard]
    alarms: Alarms
    attaching: Attaching


WorkflowDep = Annotated[WorkflowApp, Depends(component("workflow"))]


class MessageOnly(Strict):
    """Words to leave with a move."""

    message: Body | None = None


class Taken(BaseModel):
    """A command was taken."""

    id: UUID
    versions: dict[str, int]


Decide = Callable[[domain.Life], list[NewEvent]]


def words_of(body: MessageOnly | None) -> str | None:
    """Return the words left with a move, if any."""
    return body.message if body else None


def person_of(caller: Caller) -> str | None:
    """Return who acts, as events name persons; None for another system."""
    return str(caller.person_id) if caller.person_id else None


async def run(
    row: asyncpg.Record, command: CommandRequest, workflow: WorkflowApp, decide: Decide, *, on_merged: bool = False
) -> Taken:
    """Run a command on a ticket that the caller may act on; one that is merged into another takes few."""

    def guarded(state: domain.Life) -> list[NewEvent]:
        facts = decide(state if on_merged else domain.needs_no_merge(state))
        return let_in.marked(facts) if _is_let_in(command.caller, row) else facts

    result = await command.run("workflow", workflow, row, guarded)
    return Taken(id=row["stream_id"], versions={"workflow": result.version})


def _is_let_in(caller: Caller, row: asyncpg.Record) -> bool:
    """Whether he acts on somebody else's ticket as its requester does."""
    return caller.is_asker(row) and caller.person_id != row["requester_id"]


async def for_staff(
    ref: str, permission: Permission | None, command: CommandRequest, workflow: WorkflowApp
) -> asyncpg.Record:
    """Return the ticket of a command of somebody who works it, and has the permission in its department (None: none is needed).

    A requester learns nothing of tickets that are not his.
    """
    row = await known_ticket(workflow.pool, ref, command.caller)
    command.caller.need_inside(row)
    if permission is not None:
        command.caller.need_permission(permission, row)
    return row


async def by_staff(
    ref: str, permission: Permission, command: CommandRequest, workflow: WorkflowApp, decide: Decide, *,
    on_merged: bool = False,
) -> Taken:  # fmt: skip
    """Run a command of somebody who works tickets."""
    row = await for_staff(ref, permission, command, workflow)
    return await run(row, command, workflow, decide, on_merged=on_merged)


async def for_anybody(
    ref: str, permission: Permission, command: CommandRequest, workflow: WorkflowApp
) -> asyncpg.Record:
    """Return the ticket of a command that its requester may give, too; one of the desk takes the permission."""
    row = await known_ticket(workflow.pool, ref, command.caller)
    if not command.caller.is_asker(row):
        command.caller.need_permission(permission, row)
    elif not command.caller.is_staff:
        command.caller.need("requester")
    return row


async def moves_on(row: asyncpg.Record, command: CommandRequest, workflow: WorkflowApp) -> domain.Moves:
    """Return the moves that the desk's lifecycle allows the caller on a ticket."""
    caller, entry = command.caller, await workflow.directory.entry("lifecycle", "desk")
    return domain.moves_of(entry, caller.roles_on(row), desk=caller.sees_inside(row))


async def agent_named(workflow: WorkflowApp, who: str, field: str) -> str:
    """Return the person id of an active agent named by login or address.

    Raises:
        Problem: 422.
    """
    agent = await workflow.directory.agent(who)
    if agent is None or agent.agent is None or not agent.agent.get("active", True):
        raise Problem(
            422, f"{field}: {who!r} is no active agent.",
            fields={field: "must be the login or e-mail address of an active agent"},
        )  # fmt: skip
    return str(agent.person_id)
