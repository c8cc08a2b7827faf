"""Every page's route: its answers are protected, and what goes wrong is shown as a page."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import urlencode

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from services.gateway.pages.assets import AssetsMissing
from services.gateway.pages.brand import look_up
from services.gateway.pages.choosing import reader_of
from services.gateway.pages.client import ApiProblem
from services.gateway.pages.door import sign_in_page
from services.gateway.pages.language import _, reading
from services.gateway.pages.render import render
from services.gateway.pages.security import protect, same_site
from services.gateway.pages.visit import Refused, SignInNeeded, Visit, is_brief, is_partial, read_form
from shared.http.cookies import session_cookie
from shared.http.problems import TITLES, Problem

SIGNED_OUT, NOT_FOUND = 401, 404
NOT_TYPED = frozenset(
    {
        "csrf", "key", "next", "login", "password", "current", "again", "code", "challenge", "token", "secret", "uri", "session",
        "username", "asked", "do",
    }
)  # fmt: skip
"""Fields that are no words of anybody's, or nobody else's business."""

log = structlog.get_logger("pages")


async def _kept(request: Request) -> dict[str, str]:
    """Return what was typed into a form that is not taken, so that it can be shown: nobody types twice for our sake."""
    if request.method != "POST" or not same_site(request, request.app.state.settings):
        return {}
    if getattr(request.state, "visit", None) is None and not is_brief(request):
        return {}
    form = await read_form(request)
    return {name: text for name, text in form.items() if text.strip() and name not in NOT_TYPED}


def _problem_page(request: Request, status: int, detail: str, kept: Mapping[str, str]) -> HTMLResponse:
    visit: Visit | None = getattr(request.state, "visit", None)
    known = visit if visit is not None and visit.me else None
    title = _(TITLES[status]) if status in TITLES else _("That did not work")
    layout = known.layout if known is not None else "base.html"
    text = render(
        "problem.html",
        visit=known,
        layout=layout,
        stale=False,
        said=None,
        status=status,
        title=title,
        detail=detail,
        kept=kept,
    )
    return HTMLResponse(text, status, headers={"HX-Retarget": "#main", "HX-Reswap": "innerHTML", **_whole(known)})


def _whole(known: Visit | None) -> dict[str, str]:
    """Return what tells htmx that a page is no part of the present one."""
    return {} if known is not None else {"HX-Retarget": "body", "HX-Reswap": "innerHTML"}


def _sign_in(request: Request, then: str, kept: Mapping[str, str]) -> Response:
    """Return the sign-in page: by redirection, or for a form at once, with what had been typed."""
    expired = bool(request.cookies.get(session_cookie(request.app.state.settings)))
    if request.method != "GET":
        page = sign_in_page(request, SIGNED_OUT, then=then, kept=kept, expired=True)
        page.headers.update(_whole(None))
        return page
    query = {"next": then} if then not in {"/", "/queue"} else {}
    if expired:
        query["expired"] = "1"
    if is_partial(request):
        return Response(
            status_code=204, headers={"HX-Redirect": "/sign-in" + (f"?{urlencode(query)}" if query else "")}
        )
    return RedirectResponse("/sign-in" + (f"?{urlencode(query)}" if query else ""), 303)


async def _answer(request: Request, error: Exception) -> Response:
    kept = {} if isinstance(error, Problem) else await _kept(request)  # a Problem: the form itself could not be read
    if isinstance(error, ApiProblem) and error.status == SIGNED_OUT:
        error = SignInNeeded(request.state.visit.here)
    if isinstance(error, SignInNeeded):
        return _sign_in(request, error.then, kept)
    if isinstance(error, AssetsMissing):
        return PlainTextResponse(str(error), 503)
    match error:
        case Refused():
            status, detail = 403, str(error)
        case ApiProblem() | Problem():
            status, detail = error.status, error.detail
        case RequestValidationError():
            status, detail = 422, _("That address has a part we cannot read.")
        case HTTPException():
            status, detail = error.status_code, str(error.detail)
        case _:
            await log.aexception("page failed", method=request.method, path=request.url.path, exc_info=error)
            status, detail = 500, _("Something broke on our side; it has been logged.")
    return _problem_page(request, status, detail, kept)


class PageRoute(APIRoute):
    """A route whose answers are pages, also when it fails."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler that FastAPI calls."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            async def answer() -> Response:
                try:
                    return await inner(request)
                except Exception as error:
                    return await _answer(request, error)

            return await _to_reader(request, answer)

        return handler


async def _to_reader(request: Request, answer: Callable[[], Coroutine[Any, Any, Response]]) -> Response:
    """Return an answer in its reader's language and with our brand, protected."""
    await look_up(request.app)
    with reading(reader := reader_of(request)):
        response = await answer()
    protect(response.headers)
    if response.headers.get("content-type", "").startswith("text/html"):
        response.headers["Content-Language"] = reader.language.tag
        response.headers.add_vary_header("Accept-Language, Cookie")
    return response


async def nothing_here(request: Request) -> Response:
    """Answer a browser that asks for an address at which there is nothing: with a page, and the way back."""

    async def answer() -> Response:
        return _problem_page(request, NOT_FOUND, _("There is no page at this address."), {})

    return await _to_reader(request, answer)
