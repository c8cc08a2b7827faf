"""Links by which a requester without an account reads and answers one ticket."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints

from services.gateway.api.common import Gateway, GatewayDep
from services.gateway.domain import guests as domain
from shared.contracts.fields import Email, Key, Strict, Text
from shared.contracts.permissions import Permission
from shared.directory.people import Person
from shared.directory.shown import actor_shown
from shared.http.caller import Caller, CallerDep
from shared.http.commands import CommandDep, CommandRequest
from shared.http.guests import guest_stream, may_be_guest
from shared.http.known import address_of, origin_of
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import TicketRef, known_ticket
from shared.waiting import wait_for

PERMISSION: Permission = "ticket.edit"
"""As for letting others in."""
router = APIRouter(tags=["gateway"], responses=RESPONSES)


class GuestLinkMade(BaseModel):
    """A link, shown this once. Give it to the ticket's requester and to nobody else: who has it is taken for him."""

    id: UUID
    url: str
    token: str
    expires_at: datetime


class GuestLinkShown(BaseModel):
    """A link as it is listed."""

    id: UUID
    issued_at: datetime
    issued_by: dict[str, Any]
    expires_at: datetime
    last_used: datetime | None = Field(description="To ten minutes")
    revoked_at: datetime | None
    good: bool = Field(description="Whether it can still be opened")


class GuestLinksShown(BaseModel):
    """A ticket's links."""

    items: list[GuestLinkShown]
    asked_at: datetime | None = Field(description="When somebody who knew number and address asked for one, last")
    possible: bool = Field(description="Whether the requester is one for whom links are: he has no account")


class GuestToken(Strict):
    """A link's token."""

    token: Annotated[Text, StringConstraints(min_length=1, max_length=200)]


class GuestVisit(BaseModel):
    """What a link was exchanged for: send the token as bearer. The ticket is named by this id."""

    token: str
    ticket: UUID
    expires_at: datetime


class GuestAsk(Strict):
    """Who asks for a link."""

    number: Key
    email: Email


async def _row(gateway: Gateway, ref: str, caller: Caller) -> asyncpg.Record:
    row = await known_ticket(gateway.pool, ref, caller)
    caller.need_permission(PERMISSION, row)
    return row


async def _commanded(gateway: Gateway, ref: str, command: CommandRequest) -> asyncpg.Record:
    """Return the ticket that a command is for.

    Raises:
        Problem: 422, If-Match names the ticket's versions, of which its links are no part.
    """
    row = await _row(gateway, ref, command.caller)
    if command.if_match is not None:
        raise Problem(
            422, "A ticket's links are no part of its versions: they take no If-Match.",
            fields={"If-Match": "must be left out"},
        )  # fmt: skip
    return row


@router.post("/tickets/{ref}/guest-links", status_code=201)
async def issue_guest_link(ref: TicketRef, request: Request, command: CommandDep, gateway: GatewayDep) -> GuestLinkMade:
    """Make a link for the ticket's requester, good for 14 days. It is shown once and kept as a keyed hash."""
    row = await _commanded(gateway, ref, command)
    made = await gateway.guests.issue(row["stream_id"], row["requester_id"], command)
    return GuestLinkMade(
        id=made.link_id,
        url=f"{origin_of(request)}/guest?link={made.token}",
        token=made.token,
        expires_at=made.expires_at,
    )


@router.get("/tickets/{ref}/guest-links")
async def list_guest_links(ref: TicketRef, request: Request, caller: CallerDep, gateway: GatewayDep) -> GuestLinksShown:
    """List a ticket's links, the newest first, without their secrets."""
    refuse_unknown_parameters(request)
    row = await _row(gateway, ref, caller)
    state, _ = await gateway.guests.ledger.state(guest_stream(row["stream_id"]))
    ids = {UUID(one.issued_by["id"]) for one in state.links.values() if one.issued_by["kind"] == "person"}
    requester = await wait_for(lambda: gateway.directory.by_id(row["requester_id"]))
    people: dict[UUID, Person] = await gateway.directory.people(ids)
    now = datetime.now(UTC)
    items = [
        GuestLinkShown(
            id=UUID(link), issued_at=one.issued_at, issued_by=actor_shown(people, dict(one.issued_by), full=True),
            expires_at=one.expires_at, last_used=one.last_used, revoked_at=one.revoked_at, good=one.is_good(now),
        )
        for link, one in state.links.items()
    ]  # fmt: skip
    # Of whom nothing is known it is not said that he has an account: who makes him a link is told that it is too early.
    possible = requester is None or may_be_guest(requester)
    return GuestLinksShown(items=items[::-1], asked_at=state.asked_at, possible=possible)


async def _revoke(ref: str, link: UUID | None, command: CommandRequest, gateway: Gateway) -> None:
    ticket = (await _commanded(gateway, ref, command))["stream_id"]
    await gateway.guests.ledger.execute(
        guest_stream(ticket), lambda state: domain.revoke(state, ticket, link), command.context()
    )


@router.delete("/tickets/{ref}/guest-links", status_code=204)
async def revoke_guest_links(ref: TicketRef, command: CommandDep, gateway: GatewayDep) -> None:
    """Take all links of a ticket back. Every service refuses within about a second what was opened by them."""
    await _revoke(ref, None, command, gateway)


@router.delete("/tickets/{ref}/guest-links/{link}", status_code=204)
async def revoke_guest_link(ref: TicketRef, link: UUID, command: CommandDep, gateway: GatewayDep) -> None:
    """Take a link back. Every service refuses within about a second what was opened by it."""
    await _revoke(ref, link, command, gateway)


@router.post("/guest-links/open", status_code=201)
async def open_guest_link(body: GuestToken, gateway: GatewayDep) -> GuestVisit:
    """Exchange a link for a token that is good for an hour: on this ticket, with its requester's rights."""
    opened = await gateway.guests.open(body.token)
    return GuestVisit(token=opened.token, ticket=opened.ticket_id, expires_at=opened.expires_at)


@router.post("/guest-links/ask", status_code=202, responses={429: {"description": "Asked too often"}})
async def ask_for_guest_link(body: GuestAsk, request: Request, gateway: GatewayDep) -> dict[str, str]:
    """Ask the desk for a link, by the ticket's number and the requester's address. The answer is the same whether there is such a ticket or not.

    No mail goes out: who works the ticket sees that a link is asked for, makes one and hands it over.
    """
    await gateway.guests.ask(body.number, body.email, address_of(request))
    return {"detail": "If there is such a ticket of this address, the desk now knows that you ask for a link."}
