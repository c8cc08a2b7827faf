"""What was said at the door, changed afterwards: corrections, words taken back, messages split off; and who else is let in."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.intake import domain
from services.intake.api.common import SPLIT, Intake, IntakeDep, NewTicket, RequesterBody, Taken
from services.intake.api.tickets import OpenedTicket, opened
from shared.contracts.fields import Body, Email, Id, Line, Strict
from shared.http.caller import CallerDep
from shared.http.commands import CommandDep
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import TicketRef, known_ticket

router = APIRouter(tags=["intake"], responses=RESPONSES)


class CorrectionBody(Strict):
    """What a message says from now on."""

    body: Body


@router.put("/tickets/{ref}/messages/{event}")
async def edit_message(
    ref: TicketRef, event: UUID, body: CorrectionBody, command: CommandDep, intake: IntakeDep
) -> Taken:
    """Correct a customer's message, or the words a ticket was opened with. What it said before stays on the timeline."""
    row = await known_ticket(intake.pool, ref, command.caller)
    command.caller.need_permission("thread.edit", row)
    result = await command.run(
        "intake", intake, row, lambda state: domain.edit_message(state, event=str(event), body=body.body)
    )
    return Taken(id=row["stream_id"], versions={"intake": result.version})


@router.delete("/tickets/{ref}/messages/{event}")
async def take_back_message(ref: TicketRef, event: UUID, command: CommandDep, intake: IntakeDep) -> Taken:
    """Blank a customer's message and its corrections for ever, in the store and everywhere else. That it was written stays."""
    row = await known_ticket(intake.pool, ref, command.caller)
    command.caller.need_permission("thread.edit", row)
    result = await command.run("intake", intake, row, lambda state: domain.take_back_message(state, event=str(event)))
    await intake.eraser.blank(row["stream_id"])
    return Taken(id=row["stream_id"], versions={"intake": result.version})


class SplitBody(Strict):
    """Which messages go to a ticket of their own."""

    messages: Annotated[list[Id], Field(min_length=1, max_length=50)] = Field(
        description="Ids of `message_received` items of the timeline; their words are copied"
    )
    subject: Line = Field(description="Of the new ticket")


@router.post("/tickets/{ref}/split", status_code=201)
async def split(ref: TicketRef, body: SplitBody, command: CommandDep, intake: IntakeDep) -> OpenedTicket:
    """Open a ticket of its own with some of a ticket's messages, for who wrote the first of them. The old one says where they went."""
    row = await known_ticket(intake.pool, ref, command.caller)
    command.caller.need_permission("ticket.merge", row)
    await command.need_version("intake", intake, row)
    state, _ = await intake.tickets.state(row["stream_id"])
    words = domain.split(state, list(dict.fromkeys(body.messages)))
    first, author = words[0], (words[0].personal or {}).get("author") or {}
    email = author.get("email")
    if email is None:
        email = (await _people(intake, {UUID(first.person_id)}))[UUID(first.person_id)].email
    if email is None:
        raise Problem(409, "Who wrote it has no address to open a ticket for.", fields={"messages": "take another one"})
    new = NewTicket(
        subject=body.subject,
        body=(first.personal or {})["body"],
        requester=RequesterBody(email=email, name=author.get("name")),
    )
    follows = {"ticket": str(row["stream_id"]), "kind": "split", "events": body.messages}
    ticket_id, result = await intake.open(
        new, SPLIT, command.context(), follows, attachments=(first.personal or {}).get("attachments", ())
    )
    for number, one in enumerate(words[1:], 1):
        said = one.personal or {}
        await intake.message(
            ticket_id,
            UUID(one.person_id),
            said.get("author") or {},
            said["body"],
            SPLIT,
            command.context(f"message {number}"),
            said.get("attachments", ()),
        )
    command.answer(ticket_id, "intake", result)
    return opened(ticket_id, result)


class CollaboratorBody(Strict):
    """Who is let in."""

    email: Email
    name: Line | None = None


class CollaboratorTaken(Taken):
    """Somebody was let in."""

    person_id: UUID


class CollaboratorShown(BaseModel):
    """Somebody who is let in on a ticket."""

    person_id: UUID
    email: str | None
    name: str | None


@router.get("/tickets/{ref}/collaborators")
async def list_collaborators(
    ref: TicketRef, caller: CallerDep, intake: IntakeDep
) -> dict[str, list[CollaboratorShown]]:
    """List who is let in on the ticket besides its requester."""
    row = await known_ticket(intake.pool, ref, caller)
    ids = [UUID(one) for one in row["collaborators"]]
    people = await _people(intake, set(ids))
    return {"items": [people[one] for one in ids]}


async def _people(intake: Intake, ids: set[UUID]) -> dict[UUID, CollaboratorShown]:
    """Return what is known of these: of whom the directory has not heard yet, what intake itself wrote down."""
    known = await intake.directory.people(ids)
    found = {one: CollaboratorShown(person_id=one, email=who.email, name=who.name) for one, who in known.items()}
    written = await intake.people.registrations(ids - set(found))
    for one in ids - set(found):
        said = written.get(one, {})
        found[one] = CollaboratorShown(person_id=one, email=said.get("email"), name=said.get("name"))
    return found


@router.post("/tickets/{ref}/collaborators", status_code=201)
async def add_collaborator(
    ref: TicketRef, body: CollaboratorBody, command: CommandDep, intake: IntakeDep
) -> CollaboratorTaken:
    """Let somebody in on the ticket: he reads it as the requester does, and may write."""
    row = await known_ticket(intake.pool, ref, command.caller)
    if command.caller.person_id != row["requester_id"]:
        if not command.caller.is_staff:
            raise Problem(403, "Only the requester, or who works the ticket, may let others in.")
        command.caller.need_permission("ticket.edit", row)
    person_id = await intake.people.person(body.email, body.name, command.context())
    result = await command.run(
        "intake", intake, row,
        lambda state: domain.add_collaborator(state, person_id=str(person_id), email=body.email, name=body.name),
    )  # fmt: skip
    return CollaboratorTaken(id=row["stream_id"], versions={"intake": result.version}, person_id=person_id)


@router.delete("/tickets/{ref}/collaborators/{person}")
async def remove_collaborator(ref: TicketRef, person: UUID, command: CommandDep, intake: IntakeDep) -> Taken:
    """Let a collaborator in no more. One may go by himself."""
    row = await known_ticket(intake.pool, ref, command.caller)
    if command.caller.person_id not in {row["requester_id"], person}:
        if not command.caller.is_staff:
            raise Problem(403, "Only the requester, who works the ticket, or the collaborator himself may do that.")
        command.caller.need_permission("ticket.edit", row)
    result = await command.run(
        "intake", intake, row, lambda state: domain.remove_collaborator(state, person_id=str(person))
    )
    return Taken(id=row["stream_id"], versions={"intake": result.version})
