"""A password by a one-time link."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from services.gateway.pages.door import TOO_OLD, is_own_form, outside_form, outside_page
from services.gateway.pages.language import _
from services.gateway.pages.refusals import in_words
from services.gateway.pages.route import PageRoute
from services.gateway.pages.sign_in import MOST_PASSWORD, gateway_of, let_in
from services.gateway.signing_in import Origin
from shared.http.problems import Problem
from shared.refusal import Refusal

LEAST_PASSWORD = 8
router = APIRouter(route_class=PageRoute)


def _page(
    request: Request, token: str, status: int = 200, message: str | None = None, login: str | None = None
) -> Response:
    return outside_page(request, "set_password.html", status, token=token, login=login, message=message)


@router.get("/set-password")
async def show(request: Request, token: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Show the form, if the link is good."""
    try:
        account = await gateway_of(request).sign_ins.owner_of_link(token)
    except Refusal as refusal:
        return _page(request, "", refusal.status, in_words(refusal.detail))
    return _page(request, token, login=account.login)


@router.post("/set-password")
async def take(request: Request) -> Response:
    """Set the password and sign in."""
    form = await outside_form(request)
    token, password = form.get("token", "")[:200], form.get("password", "")
    sign_ins = gateway_of(request).sign_ins
    try:
        login = (await sign_ins.owner_of_link(token)).login
        if not is_own_form(request, form):
            return _page(request, token, 403, _(TOO_OLD), login)
        if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD or "\x00" in password:
            return _page(
                request,
                token,
                422,
                _("A password has %(least)s to %(most)s characters.", least=LEAST_PASSWORD, most=MOST_PASSWORD),
                login,
            )
        if password != form.get("again", ""):
            return _page(request, token, 422, _("The two are not the same. Type both again."), login)
        return await let_in(request, sign_ins.by_link(token, password, Origin.of(request)), "/queue")
    except Refusal as refusal:
        return _page(request, "", refusal.status, in_words(refusal.detail))
    except Problem as problem:
        return _page(
            request,
            token,
            problem.status,
            _("This password is not taken: %(reason)s.", reason=problem.fields.get("password", problem.detail)),
            login,
        )
