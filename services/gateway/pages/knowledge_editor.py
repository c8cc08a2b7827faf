"""Writing articles: drafts and versions, their files, and where an article stands."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from services.gateway.pages import attaching
from services.gateway.pages.choices import Choice, read_choices
from services.gateway.pages.client import ApiProblem
from services.gateway.pages.knowledge import UNAUTHENTICATED, indented
from services.gateway.pages.language import N_, _
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import Form, Visit, VisitDep, new_key
from shared.files import IMAGES
from shared.http.versions import vector

router = APIRouter(route_class=PageRoute)

LANGUAGES = (
    ("en", N_("English")),
    ("de", N_("German")),
    ("fr", N_("French")),
    ("es", N_("Spanish")),
    ("it", N_("Italian")),
    ("nl", N_("Dutch")),
)
LISTS = (attaching.FIELD, "keep", "departments")
"""Fields that a form has several times."""


@router.get("/kb/new")
async def show_new(visit: VisitDep, from_ticket: str = "", category: str = "") -> Response:
    """Show an empty editor."""
    await visit.start()
    return await _editor(visit, None, {"from_ticket": from_ticket[:200], "category": category[:200]})


@router.post("/kb/new")
async def write_new(visit: VisitDep) -> Response:
    """Write a draft and show it."""
    form = await visit.form(LISTS)
    try:
        await attaching.take(visit.request, visit.api, form)
        body = {**_words(form), **_place(form), "from_ticket": form.get("from_ticket")}
        made = await visit.api.post(
            "/articles", {name: value for name, value in body.items() if value}, form.get("key")
        )
    except ApiProblem as problem:
        return await _refused(visit, None, form, problem)
    return visit.go(f"/kb/{made['id']}")


@router.post("/kb/preview")
async def preview(visit: VisitDep) -> Response:
    """Return what is being written as it will be shown, with the files that would go with it.

    Raises:
        ApiProblem: 401, the session has ended.
    """
    form = await visit.form(LISTS)
    if not form.get("body", "").strip():
        return HTMLResponse("")
    try:
        await attaching.take(visit.request, visit.api, form)
        files = {"attachments": attaching.kept(form)}
        of = {"article": form["article"], "keep": _lines(form, "keep")} if form.get("article") else {}
        made = await visit.api.post("/articles/preview", {"body": form["body"], **files, **of})
    except ApiProblem as problem:
        if problem.status == UNAUTHENTICATED:
            raise
        said = Markup('<p class="problem" role="alert">{}</p>').format(problem.detail)
        return HTMLResponse(said, problem.status)
    return HTMLResponse(made["html"])


@router.get("/kb/{article}/edit")
async def show_editor(article: UUID, visit: VisitDep) -> Response:
    """Show the newest version in the editor."""
    await visit.start()
    newest = await _newest(visit, article)
    form = {
        "title": newest["title"], "summary": newest["summary"] or "", "body": newest["body"], "language": newest["language"],
        "keywords": ", ".join(newest["keywords"]), "etag": vector(newest["versions"]), "category": newest["category"] or "",
        "departments": "\n".join(newest["departments"]), "keep": "\n".join(one["name"] for one in newest["attachments"]),
    }  # fmt: skip
    return await _editor(visit, article, form, newest=newest)


@router.post("/kb/{article}/edit")
async def write_version(article: UUID, visit: VisitDep) -> Response:
    """Write the next version, and put the article where the form says."""
    form = await visit.form(LISTS)
    try:
        await attaching.take(visit.request, visit.api, form)
        await _move(visit, article, form)
        body = {**_words(form), "keep": _lines(form, "keep")}
        await visit.api.put(f"/articles/{article}", body, form.get("key"), form.get("etag"))
    except ApiProblem as problem:
        return await _refused(visit, article, form, problem)
    return visit.go(f"/kb/{article}/versions")


async def _move(visit: Visit, article: UUID, form: Form) -> None:
    """Put an article elsewhere, if the form says so. The words that follow are then for what has been made of it.

    Raises:
        ApiProblem: The API refused; also if the article is not what the form was made of any more.
    """
    shown = await visit.api.get(f"/articles/{article}")
    wanted = _place(form)
    if wanted == {"category": shown["category"], "departments": sorted(shown["departments"])}:
        return
    moved = await visit.api.post(f"/articles/{article}/move", wanted, form.get("key"), if_match=form.get("etag"))
    form["etag"] = vector(moved["versions"])


def _lines(form: Form, name: str) -> list[str]:
    return [line for line in form.get(name, "").split("\n") if line]


def _place(form: Form) -> dict[str, Any]:
    return {"category": form.get("category") or None, "departments": sorted(_lines(form, "departments"))}


def _words(form: Form) -> dict[str, Any]:
    keywords = [word.strip() for word in form.get("keywords", "").split(",") if word.strip()]
    return {
        "title": form.get("title", ""), "body": form.get("body", ""), "summary": form.get("summary", "").strip() or None,
        "keywords": keywords, "language": form.get("language") or "en", "attachments": attaching.kept(form),
    }  # fmt: skip


async def _newest(visit: Visit, article: UUID) -> dict[str, Any]:
    """Return an article as its newest version has it.

    Raises:
        ApiProblem: The API refused.
    """
    shown = await visit.api.get(f"/articles/{article}")
    found: dict[str, Any] = await visit.api.get(f"/articles/{article}/versions/{shown['latest'] or shown['version']}")
    return found


async def _refused(visit: Visit, article: UUID | None, form: Form, problem: ApiProblem) -> Response:
    """Show the editor again, with what had been typed and why it was not taken.

    Raises:
        ApiProblem: 401, the session has ended; or the article is not to be had.
    """
    if problem.status == UNAUTHENTICATED:
        raise problem
    await visit.start()
    newest = await _newest(visit, article) if article else None
    return await _editor(visit, article, form, problem, newest)


async def _editor(
    visit: Visit,
    article: UUID | None,
    form: Form,
    problem: ApiProblem | None = None,
    newest: dict[str, Any] | None = None,
) -> Response:
    categories = indented((await visit.api.get("/articles/categories"))["items"])
    return visit.page(
        "kb_edit.html", problem.status if problem else 200, article=article, form=form, key=new_key(),
        message=problem.detail if problem else None, fields=problem.fields if problem else {},
        categories=[Choice(one["key"], "\N{EM SPACE}" * one["depth"] + one["name"]) for one in categories],
        departments=(await read_choices(visit)).departments, chosen=_lines(form, "departments"),
        languages=[Choice(key, _(name)) for key, name in LANGUAGES], files=newest["attachments"] if newest else [],
        keep=_lines(form, "keep"), images=IMAGES,
    )  # fmt: skip
