"""What intake's routes and reactions work with: opening tickets, taking messages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import Depends
from pydantic import BaseModel, Field

from services.intake import domain
from services.intake.door import Door
from services.intake.forgetting import Forgetting
from services.intake.opening import Opening
from services.intake.people import People
from shared import forms
from shared.contracts.fields import Body, Email, Key, Line, Priority, Severity, Strict, Tag
from shared.contracts.ids import derived
from shared.db import Pool
from shared.directory.people import Directory
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Context, Ledger, Result
from shared.http.attachments import Attaching, Attachments
from shared.http.forms import FieldValues
from shared.http.problems import Problem
from shared.service import component

SPLIT = "split"
"""How a ticket came that was split off another."""


_STANDS_FOR = """
WITH RECURSIVE way (stream_id, merged_into, closed_at) AS (
    SELECT stream_id, merged_into, closed_at FROM ticket WHERE stream_id = $1
    UNION SELECT t.stream_id, t.merged_into, t.closed_at FROM way JOIN ticket t ON t.stream_id = way.merged_into
)
SELECT closed_at FROM way WHERE merged_into IS NULL
"""


@dataclass(slots=True)
class Intake:
    """What intake's routes and reactions work with."""

    pool: Pool
    directory: Directory
    tickets: Ledger[domain.Door]
    entries: Ledger[dict[str, Any] | None]
    people: People
    forgetting: Forgetting
    eraser: Eraser
    opening: Opening
    door: Door
    attaching: Attaching

    async def open(
        self, body: "NewTicket", channel: str, context: Context, follows: Mapping[str, Any] | None = None,
        audience: forms.Audience = "system", attachments: Sequence[Mapping[str, Any]] = (),
    ) -> tuple[UUID, Result]:  # fmt: skip
        """Open a ticket for `body.requester`; once per command id, whoever sends it how often. `follows`: see `Created`.

        `audience` is who fills in its form; what the desk makes of a ticket that is there (a split) is held to nothing required.

        Raises:
            Problem: 422, an unknown topic or no requester, or a rule refuses it.
            Refusal: 422, a custom field.
        """
        ticket_id = derived("ticket", context.command_id)
        before = await self.tickets.repeat_of(context)
        if before is not None:
            return ticket_id, before
        assert body.requester is not None  # noqa: S101 -- the callers fill it in
        needed = await self.opening.needed(body.topic, self.people.registration(body.requester.email))
        if body.topic is not None and not any(topic["active"] for topic in needed.topics):
            raise await self._no_topic(body.topic)
        fields, worded = _filled_in(body, needed.fields, audience)
        if channel != SPLIT:  # which was let in once already
            seen = body.model_dump(include={"subject", "body", "topic", "priority", "severity", "tags"})
            held = {f"{forms.PREFIX}{key}": value for key, value in {**fields, **worded}.items()}
            await self.door.pass_through(needed.rules, {**seen, **held, "channel": channel}, body.requester.email)
        coming = self.opening.number()
        registered = needed.registered
        if registered is not None and not registered.blank:
            person_id = registered.person
        else:
            person_id = await self.people.person(body.requester.email, body.requester.name, context)
        number = await coming
        assert number is not None  # noqa: S101 -- a sequence always has one more
        command = domain.OpenTicket(
            number=number, person_id=str(person_id), email=body.requester.email, name=body.requester.name,
            subject=body.subject, body=body.body, channel=channel, topic=body.topic, priority=body.priority,
            severity=body.severity, tags=list(dict.fromkeys(body.tags)), external_id=body.external_id,
            follows=follows, fields=fields, worded=worded, attachments=attachments,
        )  # fmt: skip
        return ticket_id, await self.tickets.execute(
            ticket_id, lambda state: domain.open_ticket(state, command), context, new=True
        )

    async def _no_topic(self, key: str) -> Problem:
        """Return the answer to who names a topic that is not there, or out of use: it names those that are."""
        known = [t["key"] for t in await self.directory.entries("topic") if t["active"]]
        return Problem(
            422, f"There is no topic {key!r}.",
            fields={"topic": f"must be one of: {', '.join(known)}" if known else "no topics are configured: leave it out"},
        )  # fmt: skip

    async def message(
        self, ticket_id: UUID, person_id: UUID, author: Mapping[str, str | None], body: str, channel: str, context: Context,
        attachments: Sequence[Mapping[str, Any]] = (),
    ) -> Result:  # fmt: skip
        """Take a customer's message for a ticket."""
        command = domain.ReceiveMessage(
            str(person_id), author.get("email"), author.get("name"), body, channel, attachments
        )
        return await self.tickets.execute(ticket_id, lambda state: domain.receive_message(state, command), context)

    async def too_late(self, row: asyncpg.Record, now: datetime) -> bool:
        """Whether a ticket is closed for so long that a message makes a new one; see `Policy.reopen_days`.

        A message on a merged ticket is for the one that stands for it: how long that one is closed counts.
        """
        closed_at = row["closed_at"] if row["merged_into"] is None else await self._closed_at(row["merged_into"])
        if closed_at is None:
            return False
        policy = await self.directory.entry("policy", "desk")
        days = policy.get("reopen_days") if policy else None
        return days is not None and now - closed_at > timedelta(days=days)

    async def _closed_at(self, ticket: UUID) -> datetime | None:
        """Return since when the ticket that stands for this one is closed; nobody stands for those of a ring."""
        found: datetime | None = await self.pool.fetchval(_STANDS_FOR, ticket)
        return found


def _filled_in(
    body: "NewTicket", definitions: Iterable[Mapping[str, Any]], audience: forms.Audience
) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Return what the ticket's custom fields hold: values that are no words, and words.

    Raises:
        Refusal: 422, naming each field that is wrong or missing.
    """
    form = forms.form_of(definitions, body.topic)
    facts = {"topic": body.topic, "priority": body.priority or "normal", "severity": body.severity}
    return forms.parted(form, forms.decided(form, {}, body.fields, audience, facts, opening=True))


IntakeDep = Annotated[Intake, Depends(component("intake"))]


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
    fields: FieldValues = Field({}, description="Custom fields by key, of the topic's form: see GET /topics")


class NewTicketWithFiles(NewTicket):
    """A ticket to be opened, and what goes with its first words."""

    attachments: Attachments = []


class Taken(BaseModel):
    """A command was taken."""

    id: UUID
    versions: dict[str, int]
