"""Signing in and out."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from services.gateway.domain import SESSION_LIFETIME
from services.gateway.pages import security
from services.gateway.pages.client import ApiClient, ApiProblem
from services.gateway.pages.door import VISIT_COOKIE, sign_in_page
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import AFTER_COOKIE, Refused, VisitDep, read_form, set_cookie
from shared.http.caller import COOKIE

router = APIRouter(route_class=PageRoute)

_MESSAGES = {
    401: "That login and password do not go together. Check both and try again.",
    422: "Enter your login (or e-mail address) and your password.",
}


@router.get("/")
async def root(request: Request) -> Response:
    """Go to the queue, or to the sign-in page."""
    return RedirectResponse("/queue" if request.cookies.get(COOKIE) else "/sign-in", 303)


@router.get("/sign-in")
async def show_sign_in(
    request: Request, then: Annotated[str | None, Query(alias="next", max_length=2000)] = None,
    expired: Annotated[str | None, Query(max_length=5)] = None,
) -> Response:  # fmt: skip
    """Show the sign-in page."""
    return sign_in_page(request, then=then, expired=bool(expired))


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Sign in and go back to where one was.

    Raises:
        Refused: The form is not ours.
    """
    settings = request.app.state.settings
    if not security.same_site(request, settings):
        raise Refused("This form was sent from another site. Nothing has been done.")
    form = await read_form(request)
    login, then = form.get("login", ""), security.local_path(form.get("next"))
    if not security.csrf_good(settings, request.cookies.get(VISIT_COOKIE, ""), form.get("csrf", "")):
        message = "The page had been open for long, or your browser keeps no cookies. Please try again."
        return sign_in_page(request, 403, then=then, login=login, message=message)
    try:
        body = {"login": login, "password": form.get("password", "")}
        session = await ApiClient(request.app, None).post("/sessions", body)
    except ApiProblem as problem:
        message = _MESSAGES.get(problem.status, problem.detail)
        return sign_in_page(request, problem.status, then=then, login=login, message=message)
    response = RedirectResponse(then, 303)
    set_cookie(response, settings, COOKIE, session["token"], int(SESSION_LIFETIME.total_seconds()))
    response.delete_cookie(VISIT_COOKIE)  # a token from before the sign-in is good for nothing after it
    response.delete_cookie(AFTER_COOKIE)
    return response


@router.post("/sign-out")
async def sign_out(visit: VisitDep) -> Response:
    """Sign out: the session ends everywhere, not in this browser only."""
    await visit.form()
    await visit.api.delete("/sessions/current")
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE)
    response.delete_cookie(AFTER_COOKIE)
    return response
