"""A ticket's custom fields, changed in the dialog: those of its form that its reader may edit, as its topic's form asks for them."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Response

from services.gateway.pages import topic_form
from services.gateway.pages.client import ApiProblem, ticket_path
from services.gateway.pages.finishing import done, show_again
from services.gateway.pages.language import N_, _
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import Form, Visit, VisitDep, new_key

router = APIRouter(route_class=PageRoute)

FINISHING = frozenset({"resolve", "close"})
"""Moves whose form also asks for what must be filled in before the ticket is closed."""
_MARKED = N_("Nothing has been changed: see what is marked below.")
_NO_SESSION = 401


async def sent_by(visit: Visit, lists: Sequence[str] = ()) -> Form:
    """Return what was sent, with all that was chosen for a field."""
    form = await visit.form(lists=(*lists, topic_form.ASKED))
    sent = await visit.request.form()
    for name in {name for name in sent if name.startswith(topic_form.PREFIX)}:
        several = [value for value in sent.getlist(name) if isinstance(value, str) and value]
        form[name] = "\n".join(several).replace("\r\n", "\n")
    return form


async def lacking(visit: Visit, path: str) -> list[topic_form.Field]:
    """Return the fields that keep a ticket from being closed, and that the reader may fill in. None is worth failing a form for."""
    try:
        fields = (await visit.api.get(f"{path}/fields"))["items"]
    except ApiProblem:
        return []
    return [field for field in fields if field["missing"] and field["editable"]]


async def fill_in(visit: Visit, path: str, form: Form) -> None:
    """Change the fields that a move's form has asked for, before the move.

    Raises:
        ApiProblem: The API refused one.
    """
    if topic_form.ASKED not in form:
        return
    fields = (await visit.api.get(f"{path}/fields"))["items"]
    if changes := topic_form.changes(fields, form):
        await visit.api.patch(f"{path}/fields", changes, f"{form.get('key', '')}.fields")


def _facts(ticket: Mapping[str, Any]) -> Form:
    """Return what conditions of fields may ask of the ticket."""
    return {name: ticket[name] or "" for name in ("topic", "priority", "severity")}


async def _show(visit: Visit, number: str, form: Form | None = None, problem: ApiProblem | None = None) -> Response:
    path = ticket_path(number)
    ticket, items = await visit.start(visit.api.get(path), visit.api.get(f"{path}/fields"))
    mine = [field for field in items["items"] if field["editable"]]
    typed = {**topic_form.written(mine), **_facts(ticket)} if form is None else {**form, **_facts(ticket)}
    asked = topic_form.shown(mine, typed)
    message = None
    if problem is not None:
        message = _(_MARKED) if topic_form.all_named(asked, problem.fields) else problem.detail
    return visit.page(
        "ticket_fields.html", problem.status if problem else 200, ticket=ticket, asked=asked, form=typed, message=message,
        fields=topic_form.said(asked, problem.fields) if problem else {}, looked_at=topic_form.looked_at(mine),
        kept=topic_form.kept(typed, asked), key=(form or {}).get("key") or new_key(),
        list_query=visit.request.query_params.get("list", ""),
    )  # fmt: skip


@router.get("/tickets/{number}/fields")
async def show_form(number: str, visit: VisitDep) -> Response:
    """Show the fields, with what they hold."""
    return await _show(visit, number)


@router.post("/tickets/{number}/fields")
async def change(number: str, visit: VisitDep) -> Response:
    """Change them; when one is refused, say why beside it and keep what had been typed.

    Raises:
        ApiProblem: 404, there is no such ticket; 401, the session has ended.
    """
    form = await sent_by(visit)
    path = ticket_path(number)
    if form.get("do") == "next":
        return await _show(visit, number, form)
    try:
        fields = (await visit.api.get(f"{path}/fields"))["items"]
        changes = topic_form.changes(fields, form)
        if changes:
            await visit.api.patch(f"{path}/fields", changes, form.get("key"))
    except ApiProblem as problem:
        if problem.status == _NO_SESSION:
            raise
        return show_again(visit, await _show(visit, number, form, problem))
    return done(visit, number, _("Fields changed.") if changes else _("There was nothing to change."))
