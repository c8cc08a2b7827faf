"""Signing in and out: login and password, then a code where codes are in use.

These pages do not go by way of the API but ask its own parts: it matters from which address somebody comes, which a request within
this process has not.
"""

from collections.abc import Awaitable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from services.gateway.api import Gateway
from services.gateway.api.common import give_session
from services.gateway.pages import security
from services.gateway.pages.client import ApiProblem
from services.gateway.pages.door import (
    TOO_OLD,
    VISIT_COOKIE,
    is_own_form,
    outside_form,
    outside_page,
    sign_in_page,
)
from services.gateway.pages.language import N_, _
from services.gateway.pages.refusals import in_words
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import AFTER_COOKIE, VisitDep
from services.gateway.signing_in import Origin
from shared.http.cookies import cookie_name, session_cookie
from shared.http.known import origin_of
from shared.http.problems import Problem
from shared.refusal import Refusal
from shared.settings import Settings
from shared.tokens import SessionToken

router = APIRouter(route_class=PageRoute)

_MESSAGES = {
    401: N_("That login and password do not go together. Check both and try again."),
    422: N_("Enter your login (or e-mail address) and your password."),
}
MOST_LOGIN, MOST_PASSWORD = 254, 200


def gateway_of(request: Request) -> Gateway:
    """Return what the gateway works with."""
    gateway: Gateway = request.app.state.services["gateway"].components
    return gateway


async def nobody_yet(gateway: Gateway) -> bool:
    """Whether there is no account at all: then the first page makes one."""
    return not await gateway.pool.fetchval("SELECT EXISTS (SELECT FROM person WHERE account IS NOT NULL)")


def drop_cookie(response: Response, settings: Settings, name: str) -> None:
    """Take a cookie back. Over https a browser heeds that only if it says it is for https."""
    response.delete_cookie(name, secure=settings.is_https, httponly=True, samesite="lax")


async def let_in(request: Request, session: Awaitable[tuple[str, SessionToken]], then: str) -> Response:
    """Answer with a session and go on; or with the page that asks for a code.

    Raises:
        Problem: What the sign-in was refused with.
        Refusal: Likewise.
    """
    try:
        token, _session = await session
    except Problem as problem:
        if (needed := problem.extra.get("second_factor")) is None:
            raise
        return code_page(request, str(needed["challenge"]), then)
    settings: Settings = request.app.state.settings
    response = RedirectResponse(then, 303)
    give_session(response, settings, token)
    drop_cookie(
        response, settings, cookie_name(settings, VISIT_COOKIE)
    )  # a token from before is good for nothing after it
    response.delete_cookie(AFTER_COOKIE)
    return response


def code_page(request: Request, challenge: str, then: str, status: int = 200, message: str | None = None) -> Response:
    """Return the page that asks for a code."""
    return outside_page(request, "sign_in_code.html", status, challenge=challenge, then=then, message=message)


@router.get("/")
async def root(request: Request) -> Response:
    """Go to the queue, or to the sign-in page; on a desk that is being set up, to where that goes on."""
    signed_in = request.cookies.get(session_cookie(request.app.state.settings))
    if signed_in and not await gateway_of(request).directory.entries("department"):
        return RedirectResponse("/welcome/desk", 303)
    return RedirectResponse("/queue" if signed_in else "/sign-in", 303)


@router.get("/sign-in")
async def show_sign_in(
    request: Request, then: Annotated[str | None, Query(alias="next", max_length=2000)] = None,
    expired: Annotated[str | None, Query(max_length=5)] = None, out: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:  # fmt: skip
    """Show the sign-in page; after signing out, where to sign out of the provider, too."""
    if await nobody_yet(gateway_of(request)):
        return RedirectResponse("/welcome", 303)
    also_out: dict[str, Any] | None = None
    provider = gateway_of(request).providers.all.get(out or "")
    if provider is not None:
        back_to = origin_of(request) + "/sign-in"
        url = await provider.sign_out_url(back_to)
        also_out = {"name": provider.settings.name, "url": url} if url else None
    return sign_in_page(request, then=then, expired=bool(expired), also_out=also_out)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Sign in and go back to where one was."""
    form = await outside_form(request)
    login, then = form.get("login", "").strip(), security.local_path(form.get("next"))
    password = form.get("password", "")
    if not is_own_form(request, form):
        return sign_in_page(request, 403, then=then, login=login, message=_(TOO_OLD))
    if not login or not password or len(login) > MOST_LOGIN or len(password) > MOST_PASSWORD or "\x00" in login:
        return sign_in_page(request, 422, then=then, login=login, message=_(_MESSAGES[422]))
    sign_ins = gateway_of(request).sign_ins
    try:
        return await let_in(request, sign_ins.by_password(login, password, None, Origin.of(request)), then)
    except Problem as problem:
        message = _(_MESSAGES[problem.status]) if problem.status in _MESSAGES else in_words(problem.detail)
        return sign_in_page(request, problem.status, then=then, login=login, message=message)


@router.post("/sign-in/code")
async def second_step(request: Request) -> Response:
    """Take the second step."""
    form = await outside_form(request)
    challenge, then = form.get("challenge", ""), security.local_path(form.get("next"))
    if not is_own_form(request, form):
        return sign_in_page(request, 403, then=then, message=_(TOO_OLD))
    code = form.get("code", "").strip()[:40]
    sign_ins = gateway_of(request).sign_ins
    try:
        return await let_in(request, sign_ins.by_challenge(challenge, code, Origin.of(request)), then)
    except Refusal as refusal:
        return code_page(request, challenge, then, refusal.status, in_words(refusal.detail))
    except Problem as problem:
        return sign_in_page(request, problem.status, then=then, message=in_words(problem.detail))


@router.post("/sign-out")
async def sign_out(visit: VisitDep) -> Response:
    """Sign out: the session ends everywhere, not in this browser only."""
    await visit.form()
    provider = await _provider_of(visit)
    await visit.api.delete("/sessions/current")
    response = RedirectResponse("/sign-in" + (f"?out={provider}" if provider else ""), 303)
    drop_cookie(response, visit.settings, session_cookie(visit.settings))
    response.delete_cookie(AFTER_COOKIE)
    return response


async def _provider_of(visit: VisitDep) -> str | None:
    """Return the provider by which this session began, so that one may sign out there, too."""
    if not visit.settings.oidc_providers:
        return None
    try:
        items = (await visit.api.get("/sessions"))["items"]
    except ApiProblem:
        return None
    door = next((item["door"] or "" for item in items if item["current"]), "")
    return door.removesuffix("+code").partition("oidc:")[2] or None
