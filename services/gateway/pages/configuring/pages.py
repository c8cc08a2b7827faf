"""The pages: an entry is read from its owner's ledger, with its history, and put back only if nobody has changed it meanwhile."""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from starlette.datastructures import UploadFile

from services.gateway.brand_images import MOST_IMAGE
from services.gateway.pages.choices import Choice
from services.gateway.pages.client import ApiProblem
from services.gateway.pages.configuring.form import (
    Entry,
    changes,
    entry_of,
    errors_of,
    initial_of,
    rows_shown,
    value_at,
)
from services.gateway.pages.configuring.kinds import KINDS, NAMED, WORDS, Kind
from services.gateway.pages.configuring.trial import trial_of
from services.gateway.pages.language import _
from services.gateway.pages.render import words
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import Visit, VisitDep, new_key
from shared.contracts.ids import directory_id
from shared.contracts.permissions import MEANING
from shared.directory.shown import actor_shown
from shared.http.forms import show_form

router = APIRouter(route_class=PageRoute)

SIGNED_OUT, FORBIDDEN, NOT_FOUND, STALE = 401, 403, 404, 412
LOOKS, PAUSE = 40, 0.05
"""How often, and how many seconds apart, it is looked whether the gateway knows what was saved."""
HISTORY = 50
DESK = "desk"
"""The key of what there is one of."""
PERSONAL = ("login", "name", "email")
"""Of an agent: what its events keep apart."""

KindName = Annotated[str, Path(max_length=30)]
EntryKey = Annotated[str, Path(max_length=200)]


@dataclass(slots=True)
class Stored:
    """An entry as its owner has it: its state, the version of its stream, and what made it so."""

    entry: Entry | None = None
    version: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)


async def only_administrators(visit: Visit) -> None:
    """Let administrators through.

    Raises:
        ApiProblem: 403.
    """
    if not visit.me:
        await visit.start()
    if "administrator" not in visit.roles:
        raise ApiProblem(FORBIDDEN, "Not allowed", _("This is for administrators."))


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise ApiProblem(NOT_FOUND, "Not found", _("There is nothing called “%(name)s” to configure.", name=name))
    return KINDS[name]


def _stream(name: str, key: str) -> UUID:
    try:
        return UUID(key) if name == "agent" else directory_id(name, key)
    except ValueError:
        raise ApiProblem(NOT_FOUND, "Not found", _("There is nothing called “%(name)s”.", name=key)) from None


async def _stored(visit: Visit, name: str, key: str) -> Stored:
    """Return an entry from its owner's ledger: no view is asked, so it is never behind."""
    events = await visit.api.lines(f"/internal/{_kind(name).owner}/streams/{_stream(name, key)}")
    found = Stored(version=events[-1]["version"] if events else 0)
    said: list[dict[str, Any]] = []
    before: Entry | None = None
    for event in (one for one in events if "new" in one["data"]):
        after = _flat(name, event["data"]["new"], event.get("personal"))
        said.append({**event, "changed": changes(before, after)})
        before = after
    found.entry = before
    ids = {UUID(event["actor"]["id"]) for event in said if event["actor"]["kind"] == "person"}
    people = await visit.gateway.directory.people(ids)
    found.history = [{**one, "who": actor_shown(people, one["actor"], full=True)} for one in reversed(said[-HISTORY:])]
    return found


def _flat(name: str, new: Mapping[str, Any], personal: Mapping[str, Any] | None) -> Entry:
    """Return an entry as its form has it: an agent's roles are rows there."""
    entry = {key: value for key, value in new.items() if key != "version"}
    if name != "agent":
        return entry
    roles = [{"department": department, "role": role} for department, role in entry.get("roles", {}).items()]
    return {**entry, **{key: value for key, value in (personal or {}).items() if key in PERSONAL}, "roles": roles}


def _stated(name: str, kind: Kind, entry: Entry) -> Entry:
    """Return an entry as its owner takes it: the inverse of `_flat`. Groups with nothing in them are left out."""
    said = {key: value for key, value in entry.items() if key not in kind.optional or value}
    if name == "agent":
        said["roles"] = {row.get("department", ""): row.get("role", "") for row in said.get("roles", [])}
    return said


async def _offered(visit: Visit) -> dict[str, list[Choice]]:
    """Return what the forms offer, by name."""
    directory = visit.gateway.directory
    offered = {name: [Choice(key, words(key)) for key in keys] for name, keys in WORDS.items()}
    found = await asyncio.gather(*(directory.entries(name) for name in (*NAMED, "field")))
    for name, entries in zip(NAMED, found, strict=False):
        offered[name] = [
            Choice(e["key"], (e.get("name") or e["key"]) + ("" if e.get("active", True) else f" ({_('inactive')})")) for e in entries
        ]  # fmt: skip
    rows = await visit.gateway.pool.fetch(
        "SELECT stream_id, coalesce(name, login, email) AS name FROM person WHERE agent IS NOT NULL "
        "AND coalesce((agent->>'active')::bool, true) ORDER BY name LIMIT 1000"
    )
    offered["agent"] = [Choice(str(row["stream_id"]), row["name"] or str(row["stream_id"])) for row in rows]
    custom = [Choice(f"field.{e['key']}", e["name"]) for e in found[-1] if e.get("active", True)]
    offered["rule_fields"] = [*offered["test_fields"], *custom]
    offered["condition_fields"] = [Choice(key, words(key)) for key in ("topic", "priority", "severity")] + custom
    offered["routed_topics"] = [Choice("*", _("Every other topic")), *offered["topic"]]
    offered["permissions"] = [Choice(key, f"{key}: {_(MEANING[key])}") for key in MEANING]
    return offered


@dataclass(slots=True)
class Asked:
    """What the page of an entry shows: what was written, and what came of it."""

    entry: Entry
    version: int
    problem: ApiProblem | None = None
    since: Sequence[dict[str, Any]] = ()
    tried: dict[str, Any] | None = None
    period: Mapping[str, str] = field(default_factory=dict)


async def _page(visit: Visit, name: str, key: str | None, stored: Stored, asked: Asked) -> Response:
    kind = _kind(name)
    found, left = errors_of(kind.sections, asked.problem.fields if asked.problem else {})
    return visit.page(
        "admin_entry.html", asked.problem.status if asked.problem else 200, kind=kind, kind_name=name, entry_key=key,
        asked=asked, stored=stored, offered=await _offered(visit), fields=found, left=left, value_at=value_at,
        rows_shown=rows_shown, key=new_key(),
    )  # fmt: skip


@router.get("/admin/organisation/{name}/new")
async def show_new(name: KindName, visit: VisitDep) -> Response:
    """Show an empty form."""
    await only_administrators(visit)
    kind = _kind(name)
    return await _page(visit, name, None, Stored(), Asked(initial_of(kind.sections), 0))


@router.post("/admin/organisation/{name}/new")
async def save_new(name: KindName, visit: VisitDep) -> Response:
    """Configure what was not there; or only try it, a rule."""
    return await _take(visit, name, None)


@router.get("/admin/organisation/{name}/entry/{key}")
async def show_entry(name: KindName, key: EntryKey, visit: VisitDep) -> Response:
    """Show an entry's form, and its history.

    Raises:
        ApiProblem: 404, there is none.
    """
    await only_administrators(visit)
    stored = await _stored(visit, name, key)
    if stored.entry is None:
        raise ApiProblem(NOT_FOUND, "Not found", _("There is nothing called “%(name)s”.", name=key))
    return await _page(visit, name, key, stored, Asked(stored.entry, stored.version))


@router.post("/admin/organisation/{name}/entry/{key}")
async def save_entry(name: KindName, key: EntryKey, visit: VisitDep) -> Response:
    """Change an entry; or only try it, a rule."""
    return await _take(visit, name, key)


async def _take(visit: Visit, name: str, key: str | None) -> Response:
    form = await visit.form()
    await only_administrators(visit)
    kind = _kind(name)
    sent = await visit.request.form()
    several = {one: [value for value in sent.getlist(one) if isinstance(value, str)] for one in sent}
    several |= await _images(sent)
    stored = await _stored(visit, name, key) if key is not None else Stored()
    entry = entry_of(kind.sections, several, stored.entry or {}, new=key is None)
    version = int(form["etag"]) if form.get("etag", "").isdecimal() else 0
    asked = Asked(entry, version, period={part: form.get(part, "") for part in ("from", "to")})
    try:
        if name == "rule" and form.get("do") == "try":
            asked.tried = await trial_of(visit, _stated(name, kind, entry), asked.period)
            return await _page(visit, name, key, stored, asked)
        saved = await _save(visit, name, kind, entry, version if key is not None else 0)
    except ApiProblem as problem:
        if problem.status == SIGNED_OUT:
            raise
        asked.problem = problem
        if problem.status == STALE and key is not None:
            asked.since = [one for one in stored.history if one["version"] > version]
            asked.version = stored.version
        return await _page(visit, name, key, stored, asked)
    visit.say(_("Saved. It holds from now on."))
    await _until_known(visit, name, saved)
    return visit.go(f"/admin/organisation/{name}")


async def _images(sent: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the files of a form as data URLs; what they are, the owner finds by their bytes."""
    found = {}
    for name, file in sent.items():
        if isinstance(file, UploadFile) and file.filename:
            content = await file.read(MOST_IMAGE + 1)
            found[name] = ["data:;base64," + base64.b64encode(content).decode()]
    return found


async def _save(visit: Visit, name: str, kind: Kind, entry: Entry, version: int) -> str:
    """Put an entry to its owner, and return its key."""
    said = _stated(name, kind, entry)
    if name == "agent" and "person_id" not in said:  # who is new here is registered first
        person = {"email": said.get("email") or "", "name": said.get("name")}
        known = await visit.api.put("/internal/intake/organisation", {"people": [person]})
        said["person_id"] = next(iter(known["people"].values()))
    if kind.single:
        body: dict[str, Any] = {kind.section: {one: value for one, value in said.items() if one != kind.key}}
    else:
        body = {kind.section: [said]}
    await visit.api.put(f"/internal/{kind.owner}/organisation", body, if_match=str(version))
    return DESK if kind.single else str(said.get(kind.key))


async def _until_known(visit: Visit, name: str, key: str) -> None:
    """Wait, not for long, until the gateway's own copy shows what was saved."""
    stored = await _stored(visit, name, key)
    wanted = {one: value for one, value in (stored.entry or {}).items() if one not in PERSONAL or name != "agent"}
    for _look in range(LOOKS):
        if name == "agent":
            person = await visit.gateway.directory.by_id(UUID(key))
            shown: Mapping[str, Any] | None = _flat(name, person.agent, None) if person and person.agent else None
        else:
            shown = await visit.gateway.directory.entry(name, key)
        if shown is not None and all(shown.get(one) == value for one, value in wanted.items()):
            return
        await asyncio.sleep(PAUSE)


@router.get("/admin/form")
async def show_preview(visit: VisitDep, topic: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Show a topic's form as requesters fill it in."""
    await only_administrators(visit)
    topics = await visit.gateway.directory.entries("topic")
    fields = (await visit.gateway.directory.fields()).values()
    shown = show_form(fields, topic or None, "customer")
    return visit.page(
        "admin_form.html", topics=[Choice(t["key"], t["name"]) for t in topics if t["active"]], topic=topic, form=shown,
        names={f"field.{f['key']}": f["name"] for f in fields},
    )  # fmt: skip


def address_of(name: str, key: str) -> str:
    """Return the address of an entry's page."""
    return f"/admin/organisation/{name}/entry/{quote(key, safe='')}"
