"""What intake owns of the configuration; called by `ledgerdesk org apply`."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.intake import domain
from services.intake.api.common import Intake, IntakeDep
from services.intake.form_check import faults
from shared.contracts.custom_fields import FieldChoice, FieldCondition, FieldRights, FieldType
from shared.contracts.event import NewEvent
from shared.contracts.fields import Body, Email, FieldKey, Key, Line, Strict
from shared.contracts.ids import derived, directory_id
from shared.eventstore.ledger import Context
from shared.http.caller import CallerDep
from shared.http.configured import EntryVersion, need_one_entry
from shared.http.problems import Problem


class PersonEntry(Strict):
    """A person of an organisation file."""

    email: Email
    name: Line | None = None


class TopicEntry(Strict):
    """A topic of an organisation file."""

    key: Key
    name: Line
    active: bool = True


class FieldEntry(Strict):
    """A custom field of tickets' forms; see `shared.contracts.custom_fields.CustomField`."""

    key: FieldKey
    name: Line
    help: Body | None = None
    type: FieldType
    choices: Annotated[list[FieldChoice], Field(max_length=200)] = []
    topics: Annotated[list[Key], Field(max_length=200)] = []
    order: int
    customer: FieldRights = FieldRights()
    agent: FieldRights = FieldRights()
    required_to_close: bool = False
    shown_when: Annotated[list[FieldCondition], Field(max_length=20)] = []
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
    fields: list[FieldEntry] = []


class Applied(BaseModel):
    """What a section came to: how many entries changed, and the position that holds them."""

    changed: int
    position: int
    people: dict[str, str] = {}


internal = APIRouter(prefix="/internal/intake", tags=["intake"], include_in_schema=False)


@internal.put("/organisation")
async def apply_section(body: IntakeSection, caller: CallerDep, intake: IntakeDep, if_version: EntryVersion) -> Applied:
    """Make the directory say what this section says; entries that say so already are left alone."""
    caller.need("system", "administrator")
    need_one_entry(body, if_version, "people")
    await _check_fields(body, intake)
    changed = 0
    kinds: tuple[tuple[str, Sequence[OrganisationEntry | TopicEntry | FieldEntry]], ...] = (
        ("organisation", body.organisations), ("topic", body.topics), ("field", body.fields),
    )  # fmt: skip
    for kind, entries in kinds:
        for entry in entries:
            stream_id = directory_id(kind, entry.key)
            new = entry.model_dump(mode="json")
            context = Context(
                derived("apply", kind, entry.key, new, await _version(intake, stream_id)), caller.actor, caller.via
            )
            result = await intake.entries.execute(
                stream_id, partial(_configure, kind, new, versioned=kind == "field"), context, if_version
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


async def _check_fields(body: IntakeSection, intake: Intake) -> None:
    """See to it that forms can be made of the fields, and filled in.

    Raises:
        Problem: 422, naming each place in the section.
    """
    there = await intake.directory.fields()
    for field in body.fields:  # what the view does not show yet is there all the same
        entry, _ = await intake.entries.state(directory_id("field", field.key))
        there |= {field.key: entry} if entry else {}
    topics = {topic.key for topic in body.topics} | {topic["key"] for topic in await intake.directory.entries("topic")}
    keys = [field.key for field in body.fields]
    wrong = {f"fields.{key}": "is there twice" for key in keys if keys.count(key) > 1}
    wrong = wrong or faults([field.model_dump(mode="json") for field in body.fields], there, frozenset(topics))
    if body.fields and wrong:
        raise Problem(422, "; ".join(f"{place}: {message}" for place, message in wrong.items()), fields=wrong)


def _configure(
    kind: str, new: dict[str, Any], old: dict[str, Any] | None, *, versioned: bool = False
) -> list[NewEvent]:
    return domain.configure(kind, new, old, versioned=versioned)


async def _version(intake: Intake, stream_id: UUID) -> int:
    head = (await intake.tickets.store.heads([stream_id])).get(stream_id)
    return head.version if head else 0
