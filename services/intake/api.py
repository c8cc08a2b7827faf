"""Intake by HTTP: open a ticket, add a message, configure topics and organisations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.intake import domain
from services.intake.forgetting import Forgetting
from services.intake.people import People
from shared.contracts.event import NewEvent
from shared.contracts.fields import Body, Email, Key, Line, Priority, Severity, Strict, Tag
from shared.contracts.ids import derived, directory_id
from shared.db import Pool
from shared.directory.people import Directory
from shared.eventstore.ledger import Context, Ledger, Result
from shared.http.caller import Caller, CallerDep
from shared.http.commands import CommandDep
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import TicketRef, known_ticket
from shared.service import component
from shared.together import Together


@dataclass(slots=True)
class Intake:
    """What intake's routes and reactions work with."""

    pool: Pool
    directory: Directory
    tickets: Ledger[domain.Door]
    entries: Ledger[dict[str, Any] | None]
    people: People
    forgetting: Forgetting
    numbers: Together[object, str]

    async def open(self, body: "NewTicket", channel: str, context: Context) -> tuple[UUID, Result]:
        """Open a ticket for `body.requester`; once per command id, whoever sends it how often.

        Raises:
            Problem: 422, an unknown topic or no requester.
        """
        ticket_id = derived("ticket", context.command_id)
        before = await self.tickets.repeat_of(context)
        if before is not None:
            return ticket_id, before
        if body.topic is not None:
            topic = await self.directory.entry("topic", body.topic)
            if topic is None or not topic["active"]:
                known = [t["key"] for t in await self.directory.entries("topic") if t["active"]]
                raise Problem(
                    422, f"There is no topic {body.topic!r}.",
                    fields={"topic": f"must be one of: {', '.join(known)}" if known else "no topics are configured: leave it out"},
                )  # fmt: skip
        assert body.requester is not None  # noqa: S101 -- the callers fill it in
        person_id = await self.people.person(body.requester.email, body.requester.name, context)
        number = await self.numbers.get(object())
        assert number is not None  # noqa: S101 -- a sequence always has one more
        command = domain.OpenTicket(
            number=number, person_id=str(person_id), email=body.requester.email, name=body.requester.name,
            subject=body.subject, body=body.body, channel=channel, topic=body.topic, priority=body.priority,
            severity=body.severity, tags=list(dict.fromkeys(body.tags)), external_id=body.external_id,
        )  # fmt: skip
        return ticket_id, await self.tickets.execute(
            ticket_id, lambda state: domain.open_ticket(state, command), context, new=True
        )

    async def message(
        self, ticket_id: UUID, person_id: UUID, author: Mapping[str, str | None], body: str, channel: str, context: Context,
        if_version: int | None = None,
    ) -> Result:  # fmt: skip
        """Take a customer's message for a ticket."""
        command = domain.ReceiveMessage(str(person_id), author.get("email"), author.get("name"), body, channel)
        return await self.tickets.execute(
            ticket_id, lambda state: domain.receive_message(state, command), context, if_version
        )


async def draw_numbers(pool: Pool, wanted: Sequence[object]) -> dict[object, str]:
    """Return a ticket number for each of these that want one."""
    rows = await pool.fetch("SELECT nextval('ticket_number')::text FROM generate_series(1, $1)", len(wanted))
    return {one: row[0] for one, row in zip(wanted, rows, strict=True)}


IntakeDep = Annotated[Intake, Depends(component("intake"))]
router = APIRouter(tags=["intake"], responses=RESPONSES)


class RequesterBody(Strict):
    """Who asks."""

    email: Email = Field(examples=["ken@example.org"])
    name: Line | None = Field(None, examples=["Ken Ito"])


class NewTicket(Strict):
    """A ticket to be opened."""

    subject: Line = Field(examples=["The VPN drops every ten minutes"])
    body: Body = Field(examples=["Since this morning, on every network."])
    requester: RequesterBody | None = Field(None, description="Needed unless a requester asks for himself")
    topic: Key | None = Field(None, description="Key of a configured topic")
    priority: Priority | None = None
    severity: Severity | None = None
    tags: Annotated[list[Tag], Field(max_length=50)] = []
    external_id: Key | None = Field(None, description="The ticket's name in another system")


class MessageBody(Strict):
    """A customer's words."""

    body: Body


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
    created_at: datetime | None
    updated_at: datetime | None
    versions: dict[str, int]


class Taken(BaseModel):
    """A command was taken."""

    id: UUID
    versions: dict[str, int]


def opened(ticket_id: UUID, result: Result) -> OpenedTicket:
    """Return the answer that `created` gives, the first time and every time after."""
    event = result.events[0]
    personal = event.personal or {"subject": "", "requester": {}}
    return OpenedTicket(
        id=ticket_id, number=event.data["number"], subject=personal["subject"],
        priority=event.data.get("priority") or "normal", severity=event.data.get("severity"),
        requester=RequesterShown(**personal["requester"]), topic=event.data.get("topic"), tags=event.data.get("tags", []),
        external_id=event.data.get("external_id"), created_at=result.occurred_at, updated_at=result.occurred_at,
        versions={"intake": 1},
    )  # fmt: skip


def _for_whom(caller: Caller, body: NewTicket) -> NewTicket:
    """Return the body with its requester: requesters ask for themselves alone.

    Raises:
        Problem: 403, a requester names somebody else; 422, nobody is named.
    """
    if caller.is_staff:
        if body.requester is None:
            raise Problem(
                422, "requester: say for whom the ticket is.", fields={"requester": "is needed: {email, name}"}
            )
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
async def open_ticket(body: NewTicket, command: CommandDep, intake: IntakeDep) -> OpenedTicket:
    """Open a ticket. With an Idempotency-Key, however often it is sent, there is one ticket and one answer."""
    body = _for_whom(command.caller, body)
    ticket_id, result = await intake.open(body, _channel(command.caller), command.context())
    command.answer(ticket_id, "intake", result)
    command.response.headers["Location"] = f"/api/v1/tickets/{ticket_id}"
    return opened(ticket_id, result)


@router.post("/tickets/{ref}/messages", status_code=201)
async def add_message(ref: TicketRef, body: MessageBody, command: CommandDep, intake: IntakeDep) -> Taken:
    """Add a customer's message to a ticket. On a resolved or closed ticket it reopens it."""
    row = await known_ticket(intake.pool, ref, command.caller)
    if not command.caller.is_staff:
        command.caller.need("requester")
    caller = command.caller
    author = {"email": caller.email, "name": caller.name}
    person_id = caller.person_id or row["requester_id"]
    requester = await intake.directory.by_id(person_id) if caller.person_id is None else None
    if requester is not None and requester.forgotten:
        raise Problem(409, "The requester has been forgotten, and can say nothing more: write a note instead.")
    result = await intake.message(
        row["stream_id"],
        person_id,
        author,
        body.body,
        _channel(caller),
        command.context(),
        command.if_version("intake"),
    )
    command.answer(row["stream_id"], "intake", result)
    return Taken(id=row["stream_id"], versions={"intake": result.version})


# -- configuration: called by `ledgerdesk org apply` -----------------------------------------------------------------


class PersonEntry(Strict):
    """A person of an organisation file."""

    email: Email
    name: Line | None = None


class TopicEntry(Strict):
    """A topic of an organisation file."""

    key: Key
    name: Line
    active: bool = True


class OrganisationEntry(Strict):
    """A customer organisation; addresses of its domains belong to it."""

    key: Key
    name: Line
    domains: list[Key] = []
    active: bool = True


class IntakeSection(Strict):
    """What intake owns of an organisation file."""

    people: list[PersonEntry] = []
    topics: list[TopicEntry] = []
    organisations: list[OrganisationEntry] = []


class Applied(BaseModel):
    """What a section came to: how many entries changed, and the position that holds them."""

    changed: int
    position: int
    people: dict[str, str] = {}


internal = APIRouter(prefix="/internal/intake", tags=["intake"], include_in_schema=False)


@internal.put("/organisation")
async def apply_section(body: IntakeSection, caller: CallerDep, intake: IntakeDep) -> Applied:
    """Make the directory say what this section says; entries that say so already are left alone."""
    caller.need("system", "administrator")
    changed = 0
    for kind, entries in (("organisation", body.organisations), ("topic", body.topics)):
        for entry in entries:
            stream_id = directory_id(kind, entry.key)
            new = entry.model_dump(mode="json")
            context = Context(
                derived("apply", kind, entry.key, new, await _version(intake, stream_id)), caller.actor, caller.via
            )
            result = await intake.entries.execute(
                stream_id,
                partial(_configure, kind, new),
                context,
            )
            changed += bool(result.events) and not result.repeat
    people = {}
    for person in body.people:
        context = Context(derived("apply", "person", person.email), caller.actor, caller.via)
        # The organisations of this very call are not in the view yet.
        named = next(
            (o.key for o in body.organisations if o.active and person.email.rpartition("@")[2] in o.domains), None
        )
        people[person.email] = str(await intake.people.person(person.email, person.name, context, named))
    return Applied(changed=changed, position=await intake.tickets.store.last_position(), people=people)


def _configure(kind: str, new: dict[str, Any], old: dict[str, Any] | None) -> list[NewEvent]:
    return domain.configure(kind, new, old)


async def _version(intake: Intake, stream_id: UUID) -> int:
    head = (await intake.tickets.store.heads([stream_id])).get(stream_id)
    return head.version if head else 0
