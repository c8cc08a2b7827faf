"""What was said, corrected or taken back: in the dialog, with what it said before."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from services.gateway.pages.client import ApiProblem, ticket_path
from services.gateway.pages.finishing import done, show_again
from services.gateway.pages.language import _
from services.gateway.pages.route import PageRoute
from services.gateway.pages.timeline import SPOKEN, Entry
from services.gateway.pages.visit import Form, Visit, VisitDep, new_key

router = APIRouter(route_class=PageRoute)

_WHERE = {"noted": "notes", "replied": "replies", "message_received": "messages", "created": "messages"}
"""What said it, and where the API has it corrected."""
_OWN = {"noted": "ticket.note", "replied": "ticket.reply"}
_CORRECTIONS = frozenset({"edited", "message_edited"})
_NO_SESSION = 401


def correctable(entries: Sequence[Entry], permissions: set[str]) -> set[str]:
    """Return the ids of what somebody with these permissions (on this ticket) may correct; what is erased has no words."""
    return {
        entry.id for entry in entries
        if entry.text and not entry.elsewhere and entry.type in _WHERE
        and ("thread.edit" in permissions or (entry.mine and _OWN.get(entry.type) in permissions))
    }  # fmt: skip


async def _item(visit: Visit, number: str, event: str) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """Return the ticket, what was said, and its corrections, oldest first.

    Raises:
        ApiProblem: 404, nothing that can be corrected was said by that event.
    """
    path = ticket_path(number)
    ticket, timeline = await visit.start(visit.api.get(path), visit.api.get(f"{path}/timeline"))
    items: Sequence[dict[str, Any]] = timeline["items"]
    said = next((item for item in items if str(item["id"]) == event and item["type"] in _WHERE), None)
    if said is None:
        raise ApiProblem(404, "Not found", _("There are no such words on this ticket."))
    edits = [item for item in items if item["type"] in _CORRECTIONS and item["data"].get("event") == event]
    return ticket, said, edits


def _before(edits: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return what it said before, newest first: until when, and the words (none where they have been erased)."""
    return [{"until": edit["at"], "text": edit["data"].get("previous")} for edit in reversed(edits)]


async def _show(
    visit: Visit, number: str, event: str, form: Form | None = None, problem: ApiProblem | None = None
) -> Response:
    ticket, said, edits = await _item(visit, number, event)
    reused = problem is not None and problem.key_reused
    return visit.page(
        "correct.html", problem.status if problem else 200, ticket=ticket, kind=said["type"],
        event=event, before=_before(edits), problem=problem,
        text=form["body"] if form and "body" in form else said["data"].get(SPOKEN[said["type"]]) or "",
        fields=problem.fields if problem else {}, key=new_key() if reused else (form or {}).get("key") or new_key(),
        list_query=visit.request.query_params.get("list", ""),
    )  # fmt: skip


@router.get("/tickets/{number}/words/{event}")
async def show_form(number: str, event: str, visit: VisitDep) -> Response:
    """Show what was said, to be corrected."""
    return await _show(visit, number, event)


@router.post("/tickets/{number}/words/{event}")
async def correct(number: str, event: str, visit: VisitDep) -> Response:
    """Correct it, or take it back for ever.

    Raises:
        ApiProblem: 404, there are no such words; 401, the session has ended.
    """
    form = await visit.form()
    try:
        _ticket, said, _edits = await _item(visit, number, event)
        path = ticket_path(number, _WHERE[said["type"]], quote(event, safe=""))
        if form.get("do") == "erase":
            await visit.api.delete(path, form.get("key"))
        else:
            await visit.api.put(path, {"body": form.get("body", "")}, form.get("key"))
    except ApiProblem as problem:
        if problem.status == _NO_SESSION:
            raise
        return show_again(visit, await _show(visit, number, event, form, problem))
    return done(visit, number, _("Taken back for ever.") if form.get("do") == "erase" else _("Corrected."))
