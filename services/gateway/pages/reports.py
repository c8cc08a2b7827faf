"""Reports as tables: the API's rows, its definition beside them, the same as CSV; and what a figure counts, one by one."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response

from services.gateway.pages.charts import bars_of, chart_of, drill
from services.gateway.pages.choices import Choice, read_choices
from services.gateway.pages.client import API, ApiProblem
from services.gateway.pages.language import _
from services.gateway.pages.queue import PRIORITIES
from services.gateway.pages.render import NOTHING, date_of, duration, number, words
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import Visit, VisitDep

router = APIRouter(route_class=PageRoute)

PARAMETERS = ("from", "to", "department", "topic", "agent", "priority")
NAMED = frozenset({"name", "kind", "activity", "priority", "from"})
"""Columns whose values are ours, where they are not of an imported log."""
SECONDS = frozenset({"mean", "median", "p90", "p95"})
ROWS = 200
"""Of a table, unless all are asked for: a quarter by day and kind has over a thousand."""
SHOWN = 50
"""Of what a figure counts, on a page."""
UNAUTHENTICATED, FORBIDDEN = 401, 403


def is_number(value: Any) -> bool:
    """Whether a value is one; numbers stand to the right."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def cell(column: str, value: Any) -> str:
    """Return how a value is written."""
    if value is None:
        return NOTHING
    if not is_number(value):
        return date_of(value) if column == "day" else words(value) if column in NAMED else str(value)
    if column in SECONDS:
        return duration(value)
    return number(value)


def _asked(request: Request) -> dict[str, str]:
    """Return the parameters that say something; several keys of group_by come as several checkboxes."""
    given = {name: request.query_params.get(name, "").strip() for name in PARAMETERS}
    keys = [key for text in request.query_params.getlist("group_by") for key in text.split(",") if key]
    given["group_by"] = ",".join(dict.fromkeys(keys))
    return {name: text for name, text in given.items() if text}


async def _catalogue(visit: Visit) -> list[Mapping[str, Any]]:
    (found,) = await visit.start(visit.api.get("/reports"))
    items: list[Mapping[str, Any]] = found["items"]
    return items


def _list_of(filters: Mapping[str, str] | None) -> str | None:
    """Return the address of the list of a row's tickets."""
    return f"/queue?{urlencode({'tab': 'all', **filters})}" if filters else None


def _counted(about: Mapping[str, Any], asked: Mapping[str, str], row: Mapping[str, Any]) -> dict[str, str]:
    """Return, of each figure of a row, the address of the list of what it counts; none of a figure that counts nothing.

    A figure that is computed of others (a median) leads to what it is computed from.
    """
    keys = {key: row[key] for key in [*asked.get("group_by", "").split(","), *about["keys"]] if key in row}
    said = json.dumps(keys, separators=(",", ":"), ensure_ascii=False)
    path = f"/reports/{quote(about['name'], safe='')}/counted"
    return {
        name: f"{path}?{urlencode({**asked, 'figure': name, 'row': said})}"
        for name, value in row.items()
        if name not in keys and name in about["columns"] and is_number(value) and row.get("count", value)
    }


def figures_of(
    about: Mapping[str, Any], asked: Mapping[str, str], answer: Mapping[str, Any] | None, most: int | None = ROWS
) -> dict[str, Any]:
    """Return what is drawn of an answer: chart, table of so many rows at most, and from each row the way to its tickets."""
    rows = answer["rows"] if answer else []
    columns = list(rows[0]) if rows else about["columns"]
    drills = [_list_of(drill(row, asked)) for row in rows]
    ways: Sequence[Mapping[str, str]] = [_counted(about, asked, row) if about.get("listed") else {} for row in rows]
    return {
        "columns": columns, "rows": [[cell(c, row.get(c)) for c in columns] for row in rows[:most]],
        "row_count": len(rows),
        "numbers": {c for c in columns if any(is_number(row.get(c)) for row in rows)}, "drills": drills,
        "ways": ways, "chart": chart_of(rows, drills, ways), "bars": bars_of(rows, columns),
    }  # fmt: skip


async def _dashboards(visit: Visit) -> list[dict[str, Any]]:
    """Return the dashboards to which a report can be added; none where they cannot be had just now."""
    try:
        return [one for one in (await visit.api.get("/dashboards"))["items"] if one["editable"]]
    except ApiProblem:
        return []


def _of_the_catalogue(catalogue: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """Return a report's description.

    Raises:
        ApiProblem: 404.
    """
    about = next((item for item in catalogue if item["name"] == name), None)
    if about is None:
        raise ApiProblem(404, "Not found", _("There is no report “%(name)s”.", name=name))
    return about


@router.get("/reports")
async def show_catalogue(visit: VisitDep) -> Response:
    """Show which reports there are."""
    return visit.page("reports.html", reports=await _catalogue(visit))


@router.get("/reports/{name}")
async def show_report(name: str, request: Request, visit: VisitDep) -> Response:
    """Show a report; when the API refuses a parameter, the form says so and keeps it.

    Raises:
        ApiProblem: There is no such report, or it is not for this person.
    """
    catalogue = await _catalogue(visit)
    about = _of_the_catalogue(catalogue, name)
    asked = _asked(request)
    answer, problem = None, None
    try:
        answer = await visit.api.get(f"/reports/{quote(name, safe='')}", list(asked.items()))
    except ApiProblem as refused:
        if refused.status in {UNAUTHENTICATED, FORBIDDEN}:
            raise
        problem = refused
    choices = await read_choices(visit)
    return visit.page(
        "report.html", problem.status if problem else 200, about=about, catalogue=catalogue, asked=asked, answer=answer,
        problem=problem, dashboards=await _dashboards(visit),
        offers={
            "department": choices.departments, "topic": choices.topics, "agent": choices.agents,
            "priority": [Choice(p, words(p)) for p in PRIORITIES],
        },
        grouped=asked.get("group_by", "").split(","), filters=[f for f in about["filters"] if f not in {"from", "to"}],
        **figures_of(about, asked, answer, None if request.query_params.get("rows") == "all" else ROWS),
        all_rows=f"/reports/{quote(name, safe='')}?{urlencode({**asked, 'rows': 'all'})}",
        csv=f"{API}/reports/{quote(name, safe='')}?{urlencode({**asked, 'format': 'csv'})}",
    )  # fmt: skip


@router.get("/reports/{name}/counted")
async def show_counted(name: str, request: Request, visit: VisitDep) -> Response:
    """Show what a figure counts: as many tickets or events as it says, newest first.

    Raises:
        ApiProblem: The API refused.
    """
    about = _of_the_catalogue(await _catalogue(visit), name)
    asked = _asked(request)
    figure, row, cursor = (request.query_params.get(key, "") for key in ("figure", "row", "cursor"))
    question = [*asked.items(), ("figure", figure), ("row", row)]
    path = f"/reports/{quote(name, safe='')}/counted"
    found = await visit.api.get(path, [*question, ("limit", str(SHOWN)), *([("cursor", cursor)] if cursor else [])])
    more = urlencode([*question, ("cursor", found["next"])]) if found["next"] else None
    return visit.page(
        "counted.html", about=about, asked=asked, found=found, figure=figure,
        of_row=[(key, cell(key, value)) for key, value in found["row"].items()],
        narrowed=[(key, words(text) if key == "priority" else text) for key, text in asked.items() if key != "group_by"],
        subjects=await _subjects(visit, found["items"]), measured=any(one["seconds"] is not None for one in found["items"]),
        back=f"/reports/{quote(name, safe='')}" + (f"?{urlencode(asked)}" if asked else ""),
        first=f"{path}?{urlencode(question)}" if cursor else None, more=f"{path}?{more}" if more else None,
    )  # fmt: skip


async def _subjects(visit: Visit, items: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the tickets' subjects, by id; what is not there yet, or cannot be had just now, is shown without."""
    numbers = sorted({one["number"] for one in items if one["number"]})
    if not numbers:
        return {}
    try:
        found = await visit.api.get("/tickets", [*(("number", number) for number in numbers), ("limit", str(SHOWN))])
    except ApiProblem:
        return {}
    return {one["id"]: one["subject"] for one in found["items"]}
