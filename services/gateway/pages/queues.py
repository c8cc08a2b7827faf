"""Saved queues: one's own and those that are shared, and the form in which one is made or changed."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from services.gateway.pages.choices import Choice, read_choices
from services.gateway.pages.client import ApiProblem
from services.gateway.pages.language import N_, _
from services.gateway.pages.queue import PRIORITIES, SORTS, STATUSES, asked, chosen, tab_of
from services.gateway.pages.render import words
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import Form, Visit, VisitDep, new_key

router = APIRouter(route_class=PageRoute)

SEVERITIES = ("Sev-A", "Sev-B", "Sev-C")
NOT_FOUND, NO_SESSION = 404, 401
NOT_KEPT = frozenset({"sort", "cursor", "limit"})
YES_NO = {"true": N_("Yes"), "false": N_("No")}
SEVERAL = {"status": STATUSES, "priority": PRIORITIES, "severity": SEVERITIES}
"""Filters that take several values, which are alternatives."""
ME = {
    "teams": N_("Of my teams"), "involved": N_("I have it, or have had it"), "watching": N_("I watch it"),
    "task": N_("With an open task of mine"),
}  # fmt: skip
"""Filters that are about whoever looks."""
TEXTS = {
    "q": N_("Words"),
    "requester": N_("Requester"),
    "tag": N_("Tag"),
    "state": N_("State"),
    "created_from": N_("Created from"),
    "created_to": N_("Created before"),
}
COLUMNS = ("team", "topic", "severity", "channel", "external_id", "created_at", "minutes", "score")


def _held(visit: Visit, ident: str) -> dict[str, Any]:
    """Return a queue that the reader may change.

    Raises:
        ApiProblem: 404.
    """
    found = next((one for one in visit.saved if one["id"] == ident and one["editable"]), None)
    if found is None:
        raise ApiProblem(NOT_FOUND, "Not found", _("There is no such queue that you may change."))
    return found


def _filters(form: Form) -> dict[str, list[str]]:
    """Return what a form asks: every `f.NAME` that says something."""
    given = {name.removeprefix("f."): text.split("\n") for name, text in form.items() if name.startswith("f.")}
    found = {name: [value.strip() for value in values if value.strip()] for name, values in given.items()}
    for name in ("created_from", "created_to"):
        found[name] = [text if "T" in text else f"{text}T00:00:00Z" for text in found.get(name, [])]
    return {name: values for name, values in found.items() if values}


def _body(form: Form) -> dict[str, Any]:
    share = form.get("share", "nobody")
    order = form.get("order", "0")
    return {
        "name": form.get("name", ""), "filters": _filters(form), "columns": [c for c in form.get("columns", "").split("\n") if c],
        "sort": form.get("sort", "-updated_at"), "share": share, "team": (form.get("team") or None) if share == "team" else None,
        "order": int(order) if order.isdecimal() else 0,
    }  # fmt: skip


async def _show(
    visit: Visit, ident: str, queue: Mapping[str, Any], problem: ApiProblem | None = None, key: str | None = None
) -> Response:
    """Show the form of a queue (`ident` is "new" for one that is to be)."""
    choices = await read_choices(visit)
    custom = [one for one in await visit.gateway.directory.entries("field") if one.get("active", True)]
    fields = {name.removeprefix("filters."): text for name, text in problem.fields.items()} if problem else {}
    return visit.page(
        "queue_form.html", problem.status if problem else 200, ident=ident, queue=queue, choices=choices, custom=custom,
        several={name: [Choice(k, words(k)) for k in keys] for name, keys in SEVERAL.items()}, me=ME, texts=TEXTS, yes_no=[Choice(key, _(said)) for key, said in YES_NO.items()],
        assignees=[Choice("me", _("Whoever looks")), Choice("none", _("Nobody")), *choices.agents],
        sorts=[Choice(k, _(v)) for k, v in SORTS.items()], columns=[Choice(c, words(c)) for c in COLUMNS], problem=problem, fields=fields,
        key=key or new_key(),
    )  # fmt: skip


@router.get("/queues")
async def show_queues(visit: VisitDep) -> Response:
    """List the queues of one's own, and those that others share."""
    await visit.start()
    choices = await read_choices(visit)
    return visit.page("queues.html", choices=choices)


@router.get("/queues/new")
async def show_new(visit: VisitDep) -> Response:
    """Show the form of a new queue, filled in with what the list asked that it was begun from."""
    await visit.start()
    key, given = chosen(visit.request.query_params)
    question = asked(tab_of(visit, key), given)
    filters: dict[str, list[str]] = {}
    for name, value in question:
        if name not in NOT_KEPT:
            filters.setdefault(name, []).append(value)
    queue: dict[str, Any] = {
        "name": "", "filters": filters, "columns": [], "share": "nobody", "team": None, "order": len(visit.saved),
        "sort": dict(question).get("sort", "-updated_at"),
    }  # fmt: skip
    return await _show(visit, "new", queue)


@router.get("/queues/{ident}")
async def show_one(ident: str, visit: VisitDep) -> Response:
    """Show the form of a queue."""
    await visit.start()
    return await _show(visit, ident, _held(visit, ident))


async def _form(visit: Visit) -> Form:
    """Return the form's fields: filters and columns may come several times."""
    names = (await visit.request.form()).keys()
    return await visit.form(lists=sorted({name for name in names if name.startswith("f.")} | {"columns"}))


@router.post("/queues/{ident}")
async def save(ident: str, visit: VisitDep) -> Response:
    """Save a queue; when it is refused, say why beside its form and keep what was said.

    Raises:
        ApiProblem: 401, 404.
    """
    form = await _form(visit)
    body = _body(form)
    try:
        if ident == "new":
            ident = (await visit.api.post("/queues", body, form.get("key")))["id"]
        else:
            await visit.api.put(f"/queues/{quote(ident, safe='')}", body, form.get("key"))
    except ApiProblem as problem:
        if problem.status in {NO_SESSION, NOT_FOUND}:
            raise
        await visit.start()
        return await _show(visit, ident, body, problem, None if problem.key_reused else form.get("key"))
    visit.say(_("Queue saved."))
    return visit.go("/queue", {"tab": f"saved-{ident}"})


@router.post("/queues/{ident}/{act}")
async def change(ident: str, act: str, visit: VisitDep) -> Response:
    """Move a queue up or down among one's own, or remove it.

    Raises:
        ApiProblem: 404, there is no such queue, or nothing of the kind to do.
    """
    form = await visit.form()
    await visit.start()
    queue = _held(visit, ident)
    if act == "remove":
        await visit.api.delete(f"/queues/{quote(ident, safe='')}", form.get("key"))
        visit.say(_("Queue removed. Its tickets are where they were."))
    elif act in {"up", "down"}:
        await _move(visit, [one for one in visit.saved if one["mine"]], queue, -1 if act == "up" else 1)
    else:
        raise ApiProblem(NOT_FOUND, "Not found", _("There is no such thing to do."))
    return visit.go("/queues")


async def _move(visit: Visit, mine: Sequence[dict[str, Any]], queue: Mapping[str, Any], step: int) -> None:
    """Have a queue stand one place further; each that stands elsewhere than it says is told so."""
    order = [one["id"] for one in mine]
    if queue["id"] not in order:
        return
    place = order.index(queue["id"])
    order.insert(max(0, place + step), order.pop(place))
    told = ("name", "filters", "columns", "sort", "share", "team")
    for one in mine:
        if one["order"] != (wanted := order.index(one["id"])):
            await visit.api.put(f"/queues/{one['id']}", {**{name: one[name] for name in told}, "order": wanted})
