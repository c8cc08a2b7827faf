"""The knowledge base: found and read by everybody, also before signing in; written by who may."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from services.gateway.pages.choices import Choice
from services.gateway.pages.client import ApiClient, ApiProblem
from services.gateway.pages.language import N_, _
from services.gateway.pages.render import render
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import Form, SignInNeeded, Visit, VisitDep, new_key
from shared.http.versions import vector

router = APIRouter(route_class=PageRoute)

UNAUTHENTICATED, STALE = 401, 412
LANGUAGES = (
    ("en", N_("English")),
    ("de", N_("German")),
    ("fr", N_("French")),
    ("es", N_("Spanish")),
    ("it", N_("Italian")),
    ("nl", N_("Dutch")),
)
MOVES = {
    "publish": ("visibility", "version"), "restore": ("version",), "withdraw": ("message",),
}  # fmt: skip
"""What is done with an article by one button, and the fields of its form."""


class Reading:
    """One request of somebody who reads: a signed-in person, or a guest."""

    def __init__(self, request: Request) -> None:
        self.visit: Visit | None = None
        self.api = ApiClient(request.app, None)
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
            self.visit, self.api, self._request.state.visit = None, ApiClient(self._request.app, None), None

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
async def show_list(request: Request, q: str = "", category: str = "") -> Response:
    """Show the categories, and articles: those that were asked for, else the newest."""
    reading = Reading(request)
    await reading.start()
    wanted = {name: text for name, text in (("q", q.strip()[:500]), ("category", category[:200])) if text}
    categories = (await reading.get("/articles/categories"))["items"]
    found = await reading.get("/articles", wanted)
    return reading.page(
        "kb.html", categories=_indented(categories), articles=found["items"], more=found["next"], q=q, category=category
    )


@router.get("/kb/suggest")
async def suggest(visit: VisitDep, subject: str = "") -> Response:
    """Return what may answer a question that is being typed."""
    found = await visit.api.get("/articles/suggest", [("q", subject[:500])]) if subject.strip() else {"items": []}
    return HTMLResponse(render("_suggested.html", articles=found["items"]))


@router.get("/kb/new")
async def show_new(visit: VisitDep, from_ticket: str = "") -> Response:
    """Show an empty editor."""
    await visit.start()
    return await _editor(visit, None, {"from_ticket": from_ticket[:200]})


@router.post("/kb/new")
async def write_new(visit: VisitDep) -> Response:
    """Write a draft and show it."""
    form = await visit.form()
    body = {**_words(form), **{name: form[name] for name in ("category", "from_ticket") if form.get(name)}}
    try:
        made = await visit.api.post(
            "/articles", {name: value for name, value in body.items() if value}, form.get("key")
        )
    except ApiProblem as problem:
        return await _refused(visit, None, form, problem)
    return visit.go(f"/kb/{made['id']}")


@router.post("/kb/preview")
async def preview(visit: VisitDep) -> Response:
    """Return what is being written as it will be shown."""
    form = await visit.form()
    if not form.get("body", "").strip():
        return HTMLResponse("")
    return HTMLResponse((await visit.api.post("/articles/preview", {"body": form["body"]}))["html"])


@router.get("/kb/{article}")
async def show_article(article: UUID, request: Request) -> Response:
    """Show an article."""
    reading = Reading(request)
    await reading.start()
    shown = await reading.get(f"/articles/{article}")
    return reading.page("kb_article.html", article=shown, key=new_key(), tickets=await _tickets_of(reading, article))


async def _tickets_of(reading: Reading, article: UUID) -> list[dict[str, Any]]:
    """Return the tickets that an article has to do with, to who writes articles."""
    if not reading.writes:
        return []
    try:
        found: list[dict[str, Any]] = (await reading.get(f"/articles/{article}/tickets"))["items"]
    except ApiProblem:  # he does not write articles
        return []
    return found


@router.get("/kb/{article}/edit")
async def show_editor(article: UUID, visit: VisitDep) -> Response:
    """Show the newest version in the editor."""
    await visit.start()
    shown = await visit.api.get(f"/articles/{article}")
    newest = await visit.api.get(f"/articles/{article}/versions/{shown['latest'] or shown['version']}")
    form = {
        "title": newest["title"], "summary": newest["summary"] or "", "body": newest["body"], "language": newest["language"],
        "keywords": ", ".join(newest["keywords"]), "etag": vector(newest["versions"]),
    }  # fmt: skip
    return await _editor(visit, str(article), form)


@router.post("/kb/{article}/edit")
async def write_version(article: UUID, visit: VisitDep) -> Response:
    """Write the next version."""
    form = await visit.form()
    try:
        await visit.api.put(f"/articles/{article}", _words(form), form.get("key"), form.get("etag"))
    except ApiProblem as problem:
        return await _refused(visit, str(article), form, problem)
    return visit.go(f"/kb/{article}/versions")


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


def _words(form: Form) -> dict[str, Any]:
    keywords = [word.strip() for word in form.get("keywords", "").split(",") if word.strip()]
    return {
        "title": form.get("title", ""), "body": form.get("body", ""), "summary": form.get("summary", "").strip() or None,
        "keywords": keywords, "language": form.get("language") or "en",
    }  # fmt: skip


def _indented(categories: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return categories with how deep each is; they come in the order of a tree."""
    depth: dict[str | None, int] = {}
    for category in categories:
        depth[category["key"]] = depth.get(category["parent"], -1) + 1
    return [{**category, "depth": min(depth[category["key"]], 3)} for category in categories]


async def _refused(visit: Visit, article: str | None, form: Form, problem: ApiProblem) -> Response:
    """Show the editor again, with what had been typed and why it was not taken.

    Raises:
        ApiProblem: 401, the session has ended.
    """
    if problem.status == UNAUTHENTICATED:
        raise problem
    await visit.start()
    return await _editor(visit, article, form, problem)


async def _editor(visit: Visit, article: str | None, form: Form, problem: ApiProblem | None = None) -> Response:
    categories = _indented((await visit.api.get("/articles/categories"))["items"])
    return visit.page(
        "kb_edit.html", problem.status if problem else 200, article=article, form=form, key=new_key(),
        message=problem.detail if problem else None, fields=problem.fields if problem else {},
        categories=[Choice(one["key"], "\N{EM SPACE}" * one["depth"] + one["name"]) for one in categories],
        languages=[Choice(key, _(name)) for key, name in LANGUAGES],
    )  # fmt: skip
