"""What intake owns of the configuration; called by `ledgerdesk org apply`."""

from functools import partial
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from services.intake import domain
from services.intake.api.common import Intake, IntakeDep
from shared.contracts.event import NewEvent
from shared.contracts.fields import Email, Key, Line, Strict
from shared.contracts.ids import derived, directory_id
from shared.eventstore.ledger import Context
from shared.http.caller import CallerDep


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
    shared: bool = False
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
