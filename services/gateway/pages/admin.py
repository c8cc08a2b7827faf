"""What administrators see: the health of the stack, accounts, API keys, and the organisation as it is configured."""

import asyncio
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Response

from services.gateway.pages.client import ApiProblem
from services.gateway.pages.configuring.kinds import KINDS as CHANGED
from services.gateway.pages.language import _
from services.gateway.pages.render import NOTHING, configured, words
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import Form, Visit, VisitDep, new_key
from shared.contracts.fields import Role

router = APIRouter(route_class=PageRoute)

KINDS = {name: kind.name for name, kind in CHANGED.items()}
ROLES: tuple[str, ...] = tuple(Role.__args__)  # type: ignore[attr-defined] # a Literal's own list; mypy sees only the union
FORBIDDEN, NO_SESSION = 403, 401
LOOKS = 15


async def _only_administrators(visit: Visit) -> None:
    if not visit.me:
        await visit.start()
    if "administrator" not in visit.roles:
        raise ApiProblem(FORBIDDEN, "Not allowed", _("This is for administrators."))


def behind(projection: dict[str, Any], heads: dict[str, int]) -> int:
    """Return how many events a projection has not taken in, over all owners."""
    marks = projection["watermarks"]
    return sum(max(0, head - int(marks.get(owner) or 0)) for owner, head in heads.items())


@router.get("/admin")
async def show_health(visit: VisitDep) -> Response:
    """Show relays and projections: what `ledgerdesk doctor` knows of them."""
    await _only_administrators(visit)
    found = await visit.api.get("/internal/projections")
    heads = {owner["owner"]: int(owner["position"]) for owner in found["owners"]}
    views = [{**one, "behind": behind(one, heads)} for one in found["projections"]]
    bad = any(one["parked"] or one.get("parked_reactions") or one["gaps"] for one in views)
    late = any(one["behind"] for one in views) or any(owner["waiting"] for owner in found["owners"])
    return visit.page(
        "admin_health.html", owners=found["owners"], views=views, seal=found.get("seal"), bad=bad, late=late
    )


async def _until_listed(visit: Visit, key_id: str, *, revoked: bool) -> None:
    """Wait until the list, a view of the gateway's events, shows what was just done to a key; not for long."""
    for _look in range(LOOKS):
        keys = (await visit.api.get("/keys"))["items"]
        if any(one["id"] == key_id and one["revoked"] == revoked for one in keys):
            return
        await asyncio.sleep(0.1)


async def _keys(
    visit: Visit, *, form: Form | None = None, problem: ApiProblem | None = None, issued: Any = None
) -> Response:
    await _only_administrators(visit)
    keys = (await visit.api.get("/keys"))["items"]
    return visit.page(
        "admin_keys.html", problem.status if problem else 200, keys=keys, roles=ROLES, form=form or {}, problem=problem,
        fields=problem.fields if problem else {}, issued=issued, key=new_key(),
    )  # fmt: skip


@router.get("/admin/keys")
async def show_keys(visit: VisitDep) -> Response:
    """Show the API keys there are."""
    return await _keys(visit)


@router.post("/admin/keys")
async def issue_key(visit: VisitDep) -> Response:
    """Issue a key, and show it this once.

    Raises:
        ApiProblem: 401, the session has ended.
    """
    form = await visit.form(lists=("roles",))
    body = {"name": form.get("name", ""), "roles": [role for role in form["roles"].split("\n") if role]}
    if form.get("acts_for", "").strip():
        body["acts_for"] = form["acts_for"].strip()
    try:
        issued = await visit.api.post("/keys", body, form.get("key"))
    except ApiProblem as problem:
        if problem.status == NO_SESSION:
            raise
        return await _keys(visit, form=form, problem=problem)
    await _until_listed(visit, issued["id"], revoked=False)
    return await _keys(visit, issued=issued)


@router.post("/admin/keys/{key_id}/revoke")
async def revoke_key(key_id: str, visit: VisitDep) -> Response:
    """Revoke a key.

    Raises:
        ApiProblem: The API refused.
    """
    form = await visit.form()
    await visit.api.delete(f"/keys/{quote(key_id, safe='')}", form.get("key"))
    await _until_listed(visit, key_id, revoked=True)
    visit.say(_("Revoked. Every service refuses it within about a second."))
    return visit.go("/admin/keys")


@router.get("/admin/organisation/{kind}")
async def show_entries(kind: Annotated[str, Path(max_length=30)], visit: VisitDep) -> Response:
    """Show what is configured of a kind."""
    await _only_administrators(visit)
    if kind not in KINDS:
        raise ApiProblem(404, "Not found", _("There is nothing called “%(name)s” to configure.", name=kind))
    entries = await (_agents(visit) if kind == "agent" else visit.gateway.directory.entries(kind))
    if kind in CHANGED and CHANGED[kind].ordered:
        entries = sorted(entries, key=lambda entry: (entry["order"], entry["key"]))
    hidden = {"key", "name", "active", "version", "person_id", "login"}
    rows = [
        {"key": e.get("person_id") or e.get("key") or e.get("topic") or "", "name": e.get("name") or "",
         "shown": e.get("login") or e.get("key") or e.get("topic") or NOTHING, "active": e.get("active", True), "depth": depth,
         "more": {words(k): configured(v, k) for k, v in e.items() if k not in hidden and v not in (None, [], {}, "")}}
        for e, depth in _nested(entries)
    ]  # fmt: skip
    editable = CHANGED[kind].new if kind in CHANGED else ""
    return visit.page("admin_entries.html", kind=kind, kinds=KINDS, rows=rows, editable=editable)


async def _agents(visit: Visit) -> list[dict[str, Any]]:
    rows = await visit.gateway.pool.fetch(
        "SELECT agent, login, coalesce(name, login, email) AS name FROM person WHERE agent IS NOT NULL ORDER BY name LIMIT 1000"
    )
    return [{**row["agent"], "login": row["login"], "name": row["name"]} for row in rows]


def _nested(entries: list[dict[str, Any]]) -> list[tuple[dict[str, Any], int]]:
    """Return entries with those within them after each, and how deep they are; one that is within nothing known stands outside."""
    if not any(entry.get("parent") for entry in entries):
        return [(entry, 0) for entry in entries]
    keys = {entry["key"] for entry in entries}
    found: list[tuple[dict[str, Any], int]] = []

    def add(parent: str | None, depth: int) -> None:
        for entry in entries:
            above = entry.get("parent") if entry.get("parent") in keys else None
            if above == parent and all(entry is not one for one, _ in found):
                found.append((entry, min(depth, 3)))
                add(entry["key"], depth + 1)

    add(None, 0)
    return found + [(entry, 0) for entry in entries if all(entry is not one for one, _ in found)]
