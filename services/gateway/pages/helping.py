"""What helps with a ticket, beside it: links for a requester without an account. Asked for once the ticket is shown, so that it waits for nothing."""

import asyncio
from typing import Any

from fastapi import APIRouter, Response

from services.gateway.pages.client import ApiProblem, ticket_path
from services.gateway.pages.language import _
from services.gateway.pages.route import PageRoute
from services.gateway.pages.security import origin_of
from services.gateway.pages.visit import Visit, VisitDep, is_partial

router = APIRouter(route_class=PageRoute)
NO_SESSION = 401


async def _or_nothing(reading: Any) -> Any:
    """Return what is read; None where the reader may not, or it cannot be had just now: the rest is shown all the same.

    Raises:
        ApiProblem: The session has ended.
    """
    try:
        return await reading
    except ApiProblem as problem:
        if problem.status == NO_SESSION:
            raise
        return None


async def _show(visit: Visit, number: str, made: str | None = None) -> Response:
    path = ticket_path(number)
    (ticket,) = await visit.start(visit.api.get(path))
    (links,) = await asyncio.gather(_or_nothing(visit.api.get(f"{path}/guest-links")))
    template = "_help.html" if visit.target == "help" else "help.html"
    return visit.page(template, ticket=ticket, links=links, made=made)


@router.get("/tickets/{number}/help")
async def show(number: str, visit: VisitDep) -> Response:
    """Show what helps."""
    return await _show(visit, number)


@router.post("/tickets/{number}/guest-links")
async def make_link(number: str, visit: VisitDep) -> Response:
    """Make a link for the requester, and show it this once: it stands in no address and in no cookie."""
    form = await visit.form()
    made = await visit.api.post(ticket_path(number, "guest-links"), None, form.get("key"))
    link = f"{origin_of(visit.request)}/guest?link={made['token']}"  # the API was asked from within this process: it knows no address
    return await _show(visit, number, link)


@router.post("/tickets/{number}/guest-links/revoke")
async def revoke(number: str, visit: VisitDep) -> Response:
    """Take one link back, or all."""
    form = await visit.form()
    link = [form["link"]] if form.get("link") else []
    await visit.api.delete(ticket_path(number, "guest-links", *link), form.get("key"))
    if is_partial(visit.request):
        return await _show(visit, number)
    visit.say(_("Taken back."))
    return visit.go(ticket_path(number, "help"))
