"""Routing by HTTP: who handles a ticket."""

from collections.abc import Callable
from functools import partial
from typing import Self
from uuid import UUID

import asyncpg
from fastapi import APIRouter
from pydantic import BaseModel, Field, model_validator

from services.routing import domain
from services.routing.api.common import RoutingApp, RoutingDep
from services.routing.config import load_config
from shared.contracts.event import NewEvent
from shared.contracts.fields import Body, Key, Line, Strict
from shared.contracts.permissions import Permission
from shared.http.commands import CommandDep, CommandRequest
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import TicketRef, known_ticket

router = APIRouter(tags=["routing"], responses=RESPONSES)


class MessageOnly(Strict):
    """Words to leave with a move."""

    message: Body | None = None


class AssignBody(Strict):
    """To whom: an agent, a team, or both."""

    agent: Line | None = Field(None, description="Login or e-mail address of the agent", examples=["jane"])
    team: Key | None = Field(None, description="Key of the team")
    message: Body | None = Field(None, examples=["Please have a look: this smells like the mail relay."])

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.agent is None and self.team is None:
            raise ValueError("name an agent or a team")
        return self


class TransferBody(Strict):
    """Where to."""

    department: Key = Field(examples=["system-administration"])
    message: Body | None = None


class ReferBody(Strict):
    """To whom: an agent, a team or a department; one of the three."""

    agent: Line | None = Field(None, description="Login or e-mail address of the agent", examples=["jane"])
    team: Key | None = Field(None, description="Key of the team")
    department: Key | None = Field(None, description="Key of the department")
    message: Body | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(to is not None for to in (self.agent, self.team, self.department)) != 1:
            raise ValueError("name an agent, a team or a department: one of the three")
        return self


class Taken(BaseModel):
    """A command was taken."""

    id: UUID
    versions: dict[str, int]


Decide = Callable[[domain.Handling], list[NewEvent]]
_OVER = {
    "closed": "The ticket is closed: reopen it first.",
    "merged": "The ticket is merged into another: act on that one, or unmerge this one first.",
}
"""Statuses in which nobody is given a ticket, and what to do instead."""


async def _row(ref: str, permission: Permission, command: CommandRequest, routing: RoutingApp) -> asyncpg.Record:
    """Return the ticket of a command of somebody who works it. First of all: who may not learns nothing else."""
    row = await known_ticket(routing.pool, ref, command.caller)
    command.caller.need_permission(permission, row)
    return row


async def _work_on(row: asyncpg.Record, command: CommandRequest, routing: RoutingApp, decide: Decide) -> Taken:
    """Run a command on a ticket that is still work."""
    # As far as routing knows. An assignment that crosses a close or a merge is a fact: see docs/consistency.md.
    if row["status"] in _OVER and await routing.tickets.repeat_of(command.context()) is None:
        raise Problem(409, _OVER[row["status"]])
    result = await command.run("routing", routing, row, decide)
    return Taken(id=row["stream_id"], versions={"routing": result.version})


async def _agent(routing: RoutingApp, who: str | None) -> str | None:
    """Return the person id of the agent who is named.

    Raises:
        Problem: 422, there is no such active agent.
    """
    if who is None:
        return None
    agent = await routing.directory.agent(who)
    if agent is None or agent.agent is None or not agent.agent.get("active", True):
        raise Problem(
            422, f"agent: {who!r} is no active agent.",
            fields={"agent": "must be the login or e-mail address of an active agent"},
        )  # fmt: skip
    return str(agent.person_id)


async def _team(routing: RoutingApp, key: str | None) -> None:
    """See to it that there is such a team, if one is named.

    Raises:
        Problem: 422.
    """
    team = await routing.directory.entry("team", key) if key is not None else None
    if key is not None and (team is None or not team.get("active", True)):
        raise Problem(422, f"team: there is no team {key!r}.", fields={"team": "must be the key of an active team"})


@router.post("/tickets/{ref}/assign")
async def assign(ref: TicketRef, body: AssignBody, command: CommandDep, routing: RoutingDep) -> Taken:
    """Assign the ticket to an agent, a team, or both, and leave a message."""
    row = await _row(ref, "ticket.assign", command, routing)
    agent_id = await _agent(routing, body.agent)
    await _team(routing, body.team)
    return await _work_on(
        row, command, routing,
        lambda state: domain.assign(state, agent=agent_id, team=body.team, message=body.message),
    )  # fmt: skip


@router.post("/tickets/{ref}/claim")
async def claim(ref: TicketRef, command: CommandDep, routing: RoutingDep, body: MessageOnly | None = None) -> Taken:
    """Take the ticket for yourself."""
    row = await _row(ref, "ticket.assign", command, routing)
    if not command.caller.is_agent:
        raise Problem(403, "Only an agent can have tickets; this credential is not an agent's.")
    agent = str(command.caller.person_id)
    message = body.message if body else None
    return await _work_on(row, command, routing, lambda state: domain.claim(state, agent=agent, message=message))


@router.post("/tickets/{ref}/release")
async def release(ref: TicketRef, command: CommandDep, routing: RoutingDep, body: MessageOnly | None = None) -> Taken:
    """Give the ticket back to its queue."""
    caller = command.caller
    row = await known_ticket(routing.pool, ref, caller)
    caller.need_one_of(row, "ticket.release", "ticket.release_others")
    me = str(caller.person_id) if caller.person_id else None
    message = body.message if body else None

    def decide(state: domain.Handling) -> list[NewEvent]:
        theirs = state.agent is not None and state.agent != me
        caller.need_permission("ticket.release_others" if theirs else "ticket.release", row)
        return domain.release(state, by=me, may_release_others=theirs, message=message)

    return await _work_on(row, command, routing, decide)


@router.post("/tickets/{ref}/transfer")
async def transfer(ref: TicketRef, body: TransferBody, command: CommandDep, routing: RoutingDep) -> Taken:
    """Move the ticket to another department. An agent who does not work there gives it up."""
    row = await _row(ref, "ticket.transfer", command, routing)
    config = await load_config(routing.pool, routing.directory)
    if not config.departments.get(body.department, {}).get("active", False):
        known = [key for key, entry in config.departments.items() if entry.get("active", True)]
        raise Problem(
            422, f"department: there is no department {body.department!r}.",
            fields={"department": f"must be one of: {', '.join(known[:50])}" if known else "none is configured"},
        )  # fmt: skip
    return await _work_on(
        row, command, routing,
        lambda state: domain.transfer(state, department=body.department, config=config, message=body.message),
    )  # fmt: skip


async def _refer(
    ref: str, body: ReferBody, command: CommandRequest, routing: RoutingApp, decide: Callable[..., list[NewEvent]]
) -> Taken:
    row = await _row(ref, "ticket.refer", command, routing)
    agent = await _agent(routing, body.agent)
    await _team(routing, body.team)
    if body.department is not None and await routing.directory.entry("department", body.department) is None:
        raise Problem(
            422, f"department: there is no department {body.department!r}.",
            fields={"department": "must be the key of a department"},
        )  # fmt: skip
    result = await command.run(
        "routing", routing, row, lambda state: decide(state, agent=agent, team=body.team, department=body.department)
    )
    return Taken(id=row["stream_id"], versions={"routing": result.version})


@router.post("/tickets/{ref}/refer")
async def refer(ref: TicketRef, body: ReferBody, command: CommandDep, routing: RoutingDep) -> Taken:
    """Give an agent, a team or a department sight of the ticket: it stays with whom it is."""
    return await _refer(ref, body, command, routing, partial(domain.refer, message=body.message))


@router.post("/tickets/{ref}/withdraw-referral")
async def withdraw_referral(ref: TicketRef, body: ReferBody, command: CommandDep, routing: RoutingDep) -> Taken:
    """Take the sight of a referral away again."""
    return await _refer(ref, body, command, routing, domain.withdraw)
