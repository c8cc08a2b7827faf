"""What hangs on a ticket, changed by one button: tasks finished, time and collaborators taken off, links ended."""

from urllib.parse import quote

from fastapi import APIRouter, Response

from services.gateway.pages.client import ApiProblem, ticket_path
from services.gateway.pages.language import N_, _
from services.gateway.pages.route import PageRoute
from services.gateway.pages.ticket import done
from services.gateway.pages.visit import VisitDep

router = APIRouter(route_class=PageRoute)

TASKS = {"finish": N_("Task finished."), "reopen": N_("Task reopened."), "drop": N_("Task dropped.")}
REMOVED = {"time": N_("Time taken off."), "collaborators": N_("Let in no more.")}


@router.post("/tickets/{number}/{what}/{item}/{act}")
async def change(number: str, what: str, item: str, act: str, visit: VisitDep) -> Response:
    """Change it.

    Raises:
        ApiProblem: The API refused, or there is no such thing.
    """
    form = await visit.form()
    key = form.get("key")
    if what == "tasks" and act in TASKS:
        await visit.api.post(ticket_path(number, "tasks", quote(item, safe=""), act), None, key)
        return done(visit, number, _(TASKS[act]))
    if what in REMOVED and act == "remove":
        await visit.api.delete(ticket_path(number, what, quote(item, safe="")), key)
        return done(visit, number, _(REMOVED[what]))
    if what == "unlink":
        await visit.api.post(ticket_path(number, "unlink"), {"kind": item, "ticket": act}, key)
        return done(visit, number, _("Unlinked."))
    raise ApiProblem(404, "Not found", _("There is no such thing to do."))
