"""Knowledge's part of an organisation file: the categories. Used by `ledgerdesk org apply`."""

from fastapi import APIRouter
from pydantic import BaseModel

from services.knowledge import domain
from services.knowledge.api import KnowledgeDep
from shared.configuration import Entry
from shared.contracts.articles import Visibility
from shared.contracts.event import NewEvent
from shared.contracts.fields import Key, Line, Strict
from shared.contracts.ids import derived, directory_id
from shared.eventstore.ledger import Context
from shared.http.caller import CallerDep
from shared.http.configured import EntryVersion, need_one_entry
from shared.http.named import Known, Names, in_use
from shared.http.problems import Problem

internal = APIRouter(prefix="/internal/knowledge", tags=["knowledge"], include_in_schema=False)


class CategoryEntry(Strict):
    """A category; see `shared.contracts.articles.Category`."""

    key: Key
    name: Line
    parent: Key | None = None
    order: int = 0
    visibility: Visibility = "public"
    departments: list[Key] = []
    active: bool = True


class KnowledgeSection(Strict):
    """What knowledge owns of an organisation file."""

    categories: list[CategoryEntry] = []
    known: Known = Known()


class Applied(BaseModel):
    """How many entries changed, and the position of the store that holds them."""

    changed: int
    position: int


@internal.put("/organisation")
async def apply_section(
    body: KnowledgeSection, caller: CallerDep, knowledge: KnowledgeDep, if_version: EntryVersion
) -> Applied:
    """Make the categories say what this section says; one that it leaves out stays.

    Raises:
        Problem: 422, one cannot be: its parent or a department is unknown, or it would be within itself.
    """
    caller.need("system", "administrator")
    need_one_entry(body, if_version, "known")
    new = {category.key: category.model_dump(mode="json") for category in body.categories}
    there = {category["key"]: category for category in await knowledge.directory.entries("category")}
    wrong = domain.problem_with([*{**there, **new}.values()])
    if wrong is not None:
        key, reason = wrong
        raise Problem(422, f"category {key}: {reason}.", fields={f"categories.{key}.parent": reason})
    names = Names(knowledge.directory, knowledge.entries.store, body.known, {})
    for category in in_use(body.categories):
        names.need(f"categories.{category.key}.departments", "department", *category.departments)
    await names.check()
    changed = 0
    for key, entry in new.items():
        stream_id = directory_id("category", key)
        _, version = await knowledge.entries.state(stream_id)

        def decide(old: Entry, entry: Entry = entry) -> list[NewEvent]:
            return [] if entry == old else [NewEvent("ledgerdesk.category.configured", {"new": entry, "old": old})]

        context = Context(derived("apply", "category", entry, version), caller.actor, caller.via)
        result = await knowledge.entries.execute(stream_id, decide, context, if_version)
        changed += bool(result.events) and not result.repeat
    return Applied(changed=changed, position=await knowledge.entries.store.last_position())
