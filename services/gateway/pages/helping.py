"""What helps with a ticket, beside it: similar ones that were solved, articles, links for a requester without an account.

Asked for once the ticket is shown, so that it waits for nothing.
"""

import asyncio
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from services.gateway.pages.client import ApiProblem, ticket_path
from services.gateway.pages.language import _
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import Visit, VisitDep, is_partial

router = APIRouter(route_class=PageRoute)
NO_SESSION = 401
MOST = 5


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
    links, similar, linked, suggested = await asyncio.gather(
        _or_nothing(visit.api.get(f"{path}/guest-links")), _or_nothing(visit.api.get(f"{path}/similar", [("limit", str(MOST))])),
        _or_nothing(visit.api.get(f"{path}/articles")),
        _or_nothing(visit.api.get("/articles/suggest", [("ticket", ticket["id"]), ("limit", str(MOST))])),
    )  # fmt: skip
    has = _items(linked)
    known = {one["id"] for one in has}
    template = "_help.html" if visit.target == "help" else "help.html"
    return visit.page(
        template, ticket=ticket, links=links, made=made, similar=_items(similar), linked=has,
        suggested=[one for one in _items(suggested) if one["id"] not in known], writes=_writes(visit),
    )  # fmt: skip


def _items(found: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = found["items"] if found is not None else []
    return items


def _writes(visit: Visit) -> bool:
    """Whether to offer what who writes articles does; the API says whether he may."""
    said = visit.me["permissions"]
    everywhere = [said["default"], *(one["permissions"] for one in said["departments"].values())]
    return any("article.manage" in permissions for permissions in everywhere)


@router.get("/tickets/{number}/help")
async def show(number: str, visit: VisitDep) -> Response:
    """Show what helps."""
    return await _show(visit, number)


@router.post("/tickets/{number}/articles")
async def link_article(number: str, visit: VisitDep) -> Response:
    """Say that an article has to do with the ticket, or that it has not."""
    form = await visit.form()
    verb = "unlink" if form.get("do") == "unlink" else "link"
    article = quote(form.get("article", "") or "none", safe="")
    await visit.api.post(f"/articles/{article}/{verb}", {"ticket": number}, form.get("key"))
    return await _again(visit, number, _("Linked.") if verb == "link" else _("Unlinked."))


@router.post("/tickets/{number}/guest-links")
async def make_link(number: str, visit: VisitDep) -> Response:
    """Make a link for the requester, and show it this once: it stands in no address and in no cookie."""
    form = await visit.form()
    made = await visit.api.post(ticket_path(number, "guest-links"), None, form.get("key"))
    return await _show(visit, number, made["url"])


@router.post("/tickets/{number}/guest-links/revoke")
async def revoke(number: str, visit: VisitDep) -> Response:
    """Take one link back, or all."""
    form = await visit.form()
    link = [form["link"]] if form.get("link") else []
    await visit.api.delete(ticket_path(number, "guest-links", *link), form.get("key"))
    return await _again(visit, number, _("Taken back."))


async def _again(visit: Visit, number: str, said: str) -> Response:
    if is_partial(visit.request):
        return await _show(visit, number)
    visit.say(said)
    return visit.go(ticket_path(number, "help"))
