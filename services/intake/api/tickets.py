"""Open a ticket, add a message."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter
from pydantic import BaseModel

from services.intake import domain
from services.intake.api.common import Intake, IntakeDep, NewTicket, NewTicketWithFiles, RequesterBody, Taken
from shared import forms
from shared.contracts.directory import EVERY_TOPIC
from shared.contracts.fields import Body, Strict
from shared.eventstore.ledger import Result
from shared.http.attachments import Attachments
from shared.http.caller import Caller
from shared.http.commands import CommandDep, CommandRequest
from shared.http.forms import audience_of
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import TicketRef, known_ticket

router = APIRouter(tags=["intake"], responses=RESPONSES)


class MessageBody(Strict):
    """A customer's words."""

    body: Body
    attachments: Attachments = []


class PersonShown(BaseModel):
    """A person as others see him."""

    login: str | None = None
    name: str | None = None


class RequesterShown(BaseModel):
    """A requester as others see him."""

    email: str | None = None
    name: str | None = None


class OpenedTicket(BaseModel):
    """A ticket as it was opened."""

    id: UUID
    number: str
    subject: str
    status: str = "new"
    priority: str
    severity: str | None
    requester: RequesterShown
    topic: str | None
    department: str | None = None
    team: str | None = None
    assignee: PersonShown | None = None
    tags: list[str]
    external_id: str | None
    fields: dict[str, Any]
    created_at: datetime | None
    updated_at: datetime | None
    versions: dict[str, int]


def opened(ticket_id: UUID, result: Result) -> OpenedTicket:
    """Return the answer that `created` gives, the first time and every time after."""
    event = result.events[0]
    personal = event.personal or {"subject": "", "requester": {}}
    return OpenedTicket(
        id=ticket_id, number=event.data["number"], subject=personal["subject"],
        priority=event.data.get("priority") or "normal", severity=event.data.get("severity"),
        requester=RequesterShown(**personal["requester"]), topic=event.data.get("topic"), tags=event.data.get("tags", []),
        external_id=event.data.get("external_id"), fields=forms.plain(forms.as_opened(event.data, event.personal)),
        created_at=result.occurred_at, updated_at=result.occurred_at,
        versions={"intake": 1},
    )  # fmt: skip


async def _department(caller: Caller, topic: str | None, intake: Intake) -> str | None:
    """Return the department to which a topic's tickets go, where that matters to what the caller may do."""
    if not caller.department_roles:
        return None  # he may the same everywhere
    entry = intake.directory.entry
    route = await entry("topic_route", topic or EVERY_TOPIC) or await entry("topic_route", EVERY_TOPIC)
    department: str | None = (route or {}).get("department")
    return department


async def _for_whom(caller: Caller, body: NewTicketWithFiles, intake: Intake) -> NewTicketWithFiles:
    """Return the body with its requester: requesters ask for themselves alone, the desk for others where it may.

    Raises:
        Problem: 403, a requester names somebody else, or one of the desk may not; 422, nobody is named.
    """
    if caller.is_staff:
        if body.requester is None:
            raise Problem(
                422, "requester: say for whom the ticket is.", fields={"requester": "is needed: {email, name}"}
            )
        if body.requester.email != caller.email:
            caller.need_permission_in("ticket.create", await _department(caller, body.topic, intake))
        return body
    caller.need("requester")
    if caller.email is None:
        raise Problem(
            422, "Your account has no e-mail address.", fields={"requester": "your account has no e-mail address"}
        )
    if body.requester is not None and body.requester.email != caller.email:
        raise Problem(403, "You may open tickets for yourself only.", fields={"requester.email": "must be your own"})
    name = body.requester.name if body.requester else None
    return body.model_copy(update={"requester": RequesterBody(email=caller.email, name=name or caller.name)})


def _channel(caller: Caller) -> str:
    """Return how it came: through a browser's session, or from a program's key."""
    return "web" if caller.via.kind == "session" else "api"


@router.post("/tickets", status_code=201)
async def open_ticket(body: NewTicketWithFiles, command: CommandDep, intake: IntakeDep) -> OpenedTicket:
    """Open a ticket. With an Idempotency-Key, however often it is sent, there is one ticket and one answer."""
    body = await _for_whom(command.caller, body, intake)
    audience = audience_of(command.caller, inside=command.caller.is_staff)
    files = await intake.attaching.take(body.attachments, command, intake.tickets)
    ticket_id, result = await intake.open(
        body, _channel(command.caller), command.context(), audience=audience, attachments=files
    )
    command.answer(ticket_id, "intake", result)
    command.response.headers["Location"] = f"/api/v1/tickets/{ticket_id}"
    return opened(ticket_id, result)


class MessageTaken(Taken):
    """A message was taken, on the ticket named here."""

    ticket: UUID
    number: str


@router.post("/tickets/{ref}/messages", status_code=201)
async def add_message(ref: TicketRef, body: MessageBody, command: CommandDep, intake: IntakeDep) -> MessageTaken:
    """Add a customer's message to a ticket. On a resolved or closed ticket it reopens it.

    On one that is closed for longer than the desk's policy allows, it opens a new ticket, which follows the old one: the answer
    names it.
    """
    row = await known_ticket(intake.pool, ref, command.caller)
    caller = command.caller
    if not caller.is_asker(row):
        caller.need_permission("ticket.create", row)
    elif not caller.is_staff:
        caller.need("requester")
    person_id = caller.person_id or row["requester_id"]
    requester = await intake.directory.by_id(person_id) if caller.person_id is None else None
    if requester is not None and requester.forgotten:
        raise Problem(409, "The requester has been forgotten, and can say nothing more: write a note instead.")
    files = await intake.attaching.take(body.attachments, command, intake.tickets)
    if await intake.tickets.repeat_of(command.context()) is None and await intake.too_late(row, datetime.now(UTC)):
        await command.need_version("intake", intake, row)
        return await _in_a_new_ticket(row, body, files, command, intake)
    said = domain.ReceiveMessage(str(person_id), caller.email, caller.name, body.body, _channel(caller), files)
    result = await command.run("intake", intake, row, lambda state: domain.receive_message(state, said))
    return MessageTaken(
        id=row["stream_id"], versions={"intake": result.version}, ticket=row["stream_id"], number=row["number"]
    )


async def _in_a_new_ticket(
    row: asyncpg.Record, body: MessageBody, files: Sequence[Mapping[str, Any]], command: CommandRequest, intake: Intake
) -> MessageTaken:
    """Open a ticket with the words of a message that came too late for the old one."""
    history, _ = await intake.tickets.store.load(row["stream_id"])
    first = next((event.personal for event in history if event.type == domain.CREATED), None) or {}
    caller, requester = command.caller, first.get("requester") or {}
    if caller.is_asker(row):  # else it was taken down for the requester, and is his
        requester = {"email": caller.email or requester.get("email"), "name": caller.name or requester.get("name")}
    email = requester.get("email")
    if email is None:
        raise Problem(409, "The ticket is closed for too long, and its requester has no address: open a new ticket.")
    new = NewTicket(
        subject=first.get("subject") or f"Ticket {row['number']}", body=body.body,
        requester=RequesterBody(email=email, name=requester.get("name")),
    )  # fmt: skip
    follows = {"ticket": str(row["stream_id"]), "kind": "late", "events": []}
    ticket_id, result = await intake.open(new, _channel(caller), command.context(), follows, attachments=files)
    command.answer(ticket_id, "intake", result)
    return MessageTaken(
        id=ticket_id, versions={"intake": result.version}, ticket=ticket_id, number=result.events[0].data["number"]
    )
