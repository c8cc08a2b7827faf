"""Dashboards: reports side by side under a name. Each tile is asked for by itself, so that a slow one keeps no other waiting."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from services.gateway.pages.client import ApiProblem
from services.gateway.pages.language import _
from services.gateway.pages.render import render
from services.gateway.pages.reports import PARAMETERS, figures_of
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import Form, Visit, VisitDep

router = APIRouter(route_class=PageRoute)

NOT_FOUND, NO_SESSION = 404, 401
SHOWN_ROWS = 8
"""Of a table on a tile; the report has them all."""
LOOKS = ("chart", "table")
NEW = "new"

Dashboard = dict[str, Any]


async def _all(visit: Visit) -> list[Dashboard]:
    (found,) = await visit.start(visit.api.get("/dashboards"))
    items: list[Dashboard] = found["items"]
    return items


async def _one(visit: Visit, ident: str, *, part: bool = False) -> Dashboard:
    """Return a dashboard that the reader has; for a `part` of the page, nothing else is read: there are many at once.

    Raises:
        ApiProblem: 404.
    """
    items: list[Dashboard] = (await visit.api.get("/dashboards"))["items"] if part else await _all(visit)
    found = next((one for one in items if one["id"] == ident), None)
    if found is None:
        raise ApiProblem(NOT_FOUND, "Not found", _("There is no such dashboard."))
    return found


def _query(tile: Mapping[str, Any]) -> str:
    return urlencode({name: tile["filters"][name] for name in (*PARAMETERS, "group_by") if name in tile["filters"]})


async def _save(visit: Visit, held: Mapping[str, Any], key: str | None = None, **changes: Any) -> None:
    """Have a dashboard say something else, if it still is what was shown: of two who change it at once, both are heard.

    Raises:
        ApiProblem: 412, it was changed meanwhile; or it is not for this person to change.
    """
    body = {name: held[name] for name in ("name", "tiles", "share", "order")} | changes
    await visit.api.put(f"/dashboards/{held['id']}", body, key, f'"workflow.{held["version"]}"')


@router.get("/dashboards")
async def show_all(visit: VisitDep) -> Response:
    """List one's dashboards and those that the desk shares."""
    return visit.page("dashboards.html", dashboards=await _all(visit), problem=None, typed="")


@router.post("/dashboards")
async def make(visit: VisitDep) -> Response:
    """Make a dashboard and show it."""
    form = await visit.form()
    try:
        made = await visit.api.post(
            "/dashboards", {"name": form.get("name", ""), "share": _share(form)}, form.get("key")
        )
    except ApiProblem as problem:
        if problem.status == NO_SESSION:
            raise
        held = await _all(visit)
        return visit.page(
            "dashboards.html", problem.status, dashboards=held, problem=problem, typed=form.get("name", "")
        )
    return visit.go(f"/dashboards/{made['id']}")


def _share(form: Form) -> str:
    return "desk" if form.get("share") == "desk" else "nobody"


@router.post("/dashboards/add")
async def add(visit: VisitDep) -> Response:
    """Put a report, as it was asked, on a dashboard: one that there is, or a new one."""
    form = await visit.form()
    asked = {name: text for name, text in parse_qsl(form.get("asked", "")) if name in {*PARAMETERS, "group_by"}}
    tile = {"report": form.get("report", ""), "filters": asked, "look": form.get("look", LOOKS[0])}
    ident = form.get("dashboard", NEW)
    if ident == NEW:
        name = form.get("name", "").strip() or _("My dashboard")
        ident = (await visit.api.post("/dashboards", {"name": name, "tiles": [tile]}, form.get("key")))["id"]
    else:
        held = await _one(visit, ident)
        await _save(visit, held, form.get("key"), tiles=[*held["tiles"], tile])
    visit.say(_("Added to the dashboard."))
    return visit.go(f"/dashboards/{quote(ident, safe='')}")


@router.get("/dashboards/{ident}")
async def show(ident: str, visit: VisitDep) -> Response:
    """Show a dashboard; its tiles are asked for then, each by itself."""
    held = await _one(visit, ident)
    titles = {one["name"]: one["title"] for one in (await visit.api.get("/reports"))["items"]}
    tiles = [
        {**tile, "title": titles.get(tile["report"], tile["report"]), "query": _query(tile)} for tile in held["tiles"]
    ]
    return visit.page("dashboard.html", dashboard=held, tiles=tiles)


@router.post("/dashboards/{ident}")
async def change(ident: str, visit: VisitDep) -> Response:
    """Rename a dashboard, or share it."""
    form = await visit.form()
    held = await _one(visit, ident)
    await _save(visit, held, form.get("key"), name=form.get("name", ""), share=_share(form))
    visit.say(_("Dashboard saved."))
    return visit.go(f"/dashboards/{ident}")


@router.post("/dashboards/{ident}/remove")
async def remove(ident: str, visit: VisitDep) -> Response:
    """Remove a dashboard."""
    form = await visit.form()
    await visit.api.delete(f"/dashboards/{quote(ident, safe='')}", form.get("key"))
    visit.say(_("Dashboard removed."))
    return visit.go("/dashboards")


@router.get("/dashboards/{ident}/tiles/{number}")
async def show_tile(ident: str, number: int, request: Request, visit: VisitDep) -> Response:
    """Return what stands on a tile: the report's chart or table as it is now, or why it cannot be shown."""
    del request
    held = await _one(visit, ident, part=True)
    if not 0 <= number < len(held["tiles"]):
        raise ApiProblem(NOT_FOUND, "Not found", _("There is no such tile on it any more."))
    tile = held["tiles"][number]
    catalogue = (await visit.api.get("/reports"))["items"]
    about = next((one for one in catalogue if one["name"] == tile["report"]), None)
    answer, problem = None, None
    try:
        answer = await visit.api.get(f"/reports/{quote(tile['report'], safe='')}", list(tile["filters"].items()))
    except ApiProblem as refused:
        if refused.status == NO_SESSION:
            raise
        problem = refused
    figures = figures_of(about or {"columns": []}, tile["filters"], answer)
    more = max(0, len(figures["rows"]) - SHOWN_ROWS)
    if figures["chart"] is None or tile["look"] == "table":
        figures |= {"chart": None, "rows": figures["rows"][:SHOWN_ROWS]}
    text = render(
        "_tile.html", visit=visit, tile=tile, about=about or {"title": tile["report"]}, answer=answer, problem=problem, more=more,
        query=_query(tile), **figures,
    )  # fmt: skip
    return HTMLResponse(text)


@router.post("/dashboards/{ident}/tiles/{number}")
async def change_tile(ident: str, number: int, visit: VisitDep) -> Response:
    """Move a tile, show it otherwise, or take it off.

    Raises:
        ApiProblem: 404, there is no such tile; 412, the dashboard was changed meanwhile.
    """
    form = await visit.form()
    held = await _one(visit, ident)
    tiles: list[dict[str, Any]] = list(held["tiles"])
    if not 0 <= number < len(tiles) or form.get("version") != str(held["version"]):
        raise ApiProblem(412, "Changed meanwhile", _("The dashboard was changed meanwhile: look at it again."))
    tile = tiles.pop(number)
    match form.get("do"):
        case "up" | "down" as way:
            tiles.insert(max(0, number + (1 if way == "down" else -1)), tile)
        case "look":
            tiles.insert(number, {**tile, "look": LOOKS[1 - LOOKS.index(tile["look"])]})
        case "remove":
            pass
        case _:
            raise ApiProblem(NOT_FOUND, "Not found", _("There is no such thing to do."))
    await _save(visit, held, form.get("key"), tiles=tiles)
    return visit.go(f"/dashboards/{ident}")
