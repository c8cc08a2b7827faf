"""The knowledge base: found and read by everybody, also before signing in; published by who may. For writing see `knowledge_editor`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from services.gateway.pages.choices import Choice, read_choices
from services.gateway.pages.client import ApiClient, ApiProblem
from services.gateway.pages.language import _
from services.gateway.pages.render import render
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import SignInNeeded, Visit, VisitDep, new_key

router = APIRouter(route_class=PageRoute)

UNAUTHENTICATED = 401
MOVES = {
    "publish": ("visibility", "version"), "restore": ("version",), "withdraw": ("message",),
}  # fmt: skip
"""What is done with an article by one button, and the fields of its form."""


class Reading:
    """One request of somebody who reads: a signed-in person, or a guest."""

    def __init__(self, request: Request) -> None:
        self.visit: Visit | None = None
        self.api = ApiClient(request, None)
        try:
            self.visit = Visit(request)
            request.state.visit = self.visit
            self.api = self.visit.api
        except SignInNeeded:
            self._here = request.url.path
        self._request = request

    async def start(self) -> None:
        """Find out who reads. Whose session has ended reads as a guest."""
        if self.visit is None:
            return
        try:
            await self.visit.start()
        except SignInNeeded:
            self.visit, self.api, self._request.state.visit = None, ApiClient(self._request, None), None

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Read.

        Raises:
            SignInNeeded: Guests read nothing here.
            ApiProblem: The API refused.
        """
        try:
            return await self.api.get(path, list((params or {}).items()))
        except ApiProblem as problem:
            if problem.status == UNAUTHENTICATED:
                raise SignInNeeded(self._request.url.path) from problem
            raise

    @property
    def writes(self) -> bool:
        """Whether to offer what who writes articles does; the API says whether he may."""
        return self.visit is not None and self.visit.is_staff

    def page(self, template: str, status: int = 200, **context: Any) -> Response:
        """Return a page."""
        if self.visit is not None:
            return self.visit.page(template, status, writes=self.writes, **context)
        text = render(
            template, visit=None, layout="base.html", stale=False, said=None, new_key=new_key, writes=False, **context
        )
        return HTMLResponse(text, status)


@router.get("/kb")
async def show_list(request: Request, q: str = "", category: str = "", department: str = "") -> Response:
    """Show the categories, and articles: those that were asked for, else the newest. Departments are the desk's to ask for."""
    reading = Reading(request)
    await reading.start()
    departments = await _departments(reading)
    department = department[:200] if departments else ""
    asked = (("q", q.strip()[:500]), ("category", category[:200]), ("department", department))
    wanted = {name: text for name, text in asked if text}
    categories = (await reading.get("/articles/categories"))["items"]
    found = await reading.get("/articles", wanted)
    return reading.page(
        "kb.html", categories=indented(categories), articles=found["items"], more=found["next"], q=q, category=category,
        department=department, departments=departments,
        path={one["key"]: " / ".join(step["name"] for step in path_of(categories, one["key"])) for one in categories},
    )  # fmt: skip


async def _departments(reading: Reading) -> list[Choice]:
    """Return the departments whose articles somebody may ask for."""
    if reading.visit is None or not reading.visit.sees_all:
        return []
    return (await read_choices(reading.visit)).departments


@router.get("/kb/suggest")
async def suggest(visit: VisitDep, subject: str = "") -> Response:
    """Return what may answer a question that is being typed."""
    found = await visit.api.get("/articles/suggest", [("q", subject[:500])]) if subject.strip() else {"items": []}
    return HTMLResponse(render("_suggested.html", articles=found["items"]))


@router.get("/kb/{article}")
async def show_article(article: UUID, request: Request) -> Response:
    """Show an article."""
    reading = Reading(request)
    await reading.start()
    shown = await reading.get(f"/articles/{article}")
    categories = (await reading.get("/articles/categories"))["items"] if shown["category"] else []
    names = {one.key: one.name for one in await _departments(reading)} if shown["departments"] else {}
    return reading.page(
        "kb_article.html", article=shown, key=new_key(), tickets=await _tickets_of(reading, article),
        path=path_of(categories, shown["category"]), departments=[names.get(key, key) for key in shown["departments"]],
    )  # fmt: skip


async def _tickets_of(reading: Reading, article: UUID) -> list[dict[str, Any]]:
    """Return the tickets that an article has to do with, to who writes articles."""
    if not reading.writes:
        return []
    try:
        found: list[dict[str, Any]] = (await reading.get(f"/articles/{article}/tickets"))["items"]
    except ApiProblem:  # he does not write articles
        return []
    return found


@router.get("/kb/{article}/versions")
async def show_versions(article: UUID, visit: VisitDep, old: int = 0, new: int = 0) -> Response:
    """Show all versions, and what changed between two of them: the last two, unless others are asked for."""
    await visit.start()
    shown = await visit.api.get(f"/articles/{article}")
    versions = (await visit.api.get(f"/articles/{article}/versions"))["items"]
    new = new or versions[0]["version"]
    old = old or max(new - 1, 1)
    compared = None
    if old != new:
        compared = await visit.api.get(f"/articles/{article}/compare", [("old", str(old)), ("new", str(new))])
    return visit.page(
        "kb_versions.html", article=shown, versions=versions, old=old, new=new, compared=compared, writes=visit.is_staff
    )


@router.post("/kb/{article}/rating")
async def rate(article: UUID, visit: VisitDep) -> Response:
    """Take what somebody thinks of an article."""
    form = await visit.form()
    said = {"helpful": form.get("helpful") == "yes", "comment": form.get("comment", "").strip() or None}
    await visit.api.post(f"/articles/{article}/rating", said, form.get("key"))
    visit.say(_("Thank you."))
    return visit.go(f"/kb/{article}")


@router.post("/kb/{article}/{move}")
async def act(article: UUID, move: str, visit: VisitDep) -> Response:
    """Publish, withdraw or restore.

    Raises:
        ApiProblem: There is no such move, or the API refused.
    """
    if move not in MOVES:
        raise ApiProblem(404, "Not found", _("There is nothing at this address."))
    form = await visit.form()
    body: dict[str, Any] = {name: form[name] for name in MOVES[move] if form.get(name, "").strip()}
    if "version" in body:
        body["version"] = int(body["version"]) if body["version"].isdecimal() else 0
    await visit.api.post(f"/articles/{article}/{move}", body, form.get("key"))
    visit.say(
        {"publish": _("Published."), "withdraw": _("Withdrawn."), "restore": _("Restored as the newest version.")}[move]
    )
    return visit.go(f"/kb/{article}" + ("/versions" if move == "restore" else ""))


def indented(categories: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return categories with how deep each is; they come in the order of a tree."""
    depth: dict[str | None, int] = {}
    for category in categories:
        depth[category["key"]] = depth.get(category["parent"], -1) + 1
    return [{**category, "depth": min(depth[category["key"]], 3)} for category in categories]


def path_of(categories: list[dict[str, Any]], key: str | None) -> list[dict[str, Any]]:
    """Return a category after all those that it is within; nothing of one that the reader does not see."""
    by_key = {one["key"]: one for one in categories}
    found: list[dict[str, Any]] = []
    while key in by_key and by_key[key] not in found:
        found.insert(0, by_key[key])
        key = found[0]["parent"]
    return found
