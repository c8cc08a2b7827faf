"""The pages before there is a session: sign-in, the code, a new password. A cookie of the visit stands for a session in their forms' tokens."""

import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from services.gateway.pages import security
from services.gateway.pages.language import N_, _
from services.gateway.pages.render import render
from services.gateway.pages.visit import Form, Refused, read_form, set_cookie
from shared.http.cookies import cookie_name
from shared.settings import Settings

VISIT_COOKIE = "ledgerdesk_visit"
VISIT_LIFETIME = 24 * 3600
TOO_OLD = N_("The page had been open for long, or your browser keeps no cookies. Please try again.")


def outside_page(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """Return a page for somebody who is not signed in."""
    settings: Settings = request.app.state.settings
    name = cookie_name(settings, VISIT_COOKIE)
    known = request.cookies.get(name)
    visit = known or secrets.token_urlsafe(16)
    text = render(
        template,
        visit=None,
        layout="base.html",
        stale=False,
        said=None,
        csrf=security.csrf_token(settings, "visit", visit),
        **context,
    )
    response = HTMLResponse(text, status)
    if not known:
        set_cookie(response, settings, name, visit, VISIT_LIFETIME)
    return response


def sign_in_page(
    request: Request,
    status: int = 200,
    *,
    then: str | None = None,
    kept: Mapping[str, str] | None = None,
    **context: Any,
) -> HTMLResponse:
    """Return the sign-in page, with what had been typed into a form that could not be sent any more."""
    shown: dict[str, Any] = {"login": "", "message": None, "expired": False, "also_out": None, **context}
    settings: Settings = request.app.state.settings
    return outside_page(
        request, "sign_in.html", status, then=security.local_path(then), kept=dict(kept or {}), providers=settings.oidc_providers,
        **shown,
    )  # fmt: skip


def is_own_form(request: Request, form: Form) -> bool:
    """Whether a form came from a page of this visit."""
    settings: Settings = request.app.state.settings
    visit = request.cookies.get(cookie_name(settings, VISIT_COOKIE), "")
    return bool(visit) and security.csrf_good(settings, "visit", visit, form.get("csrf", ""))


async def outside_form(request: Request) -> Form:
    """Return the fields of a form of somebody who is not signed in; whether it is ours, `is_own_form` says.

    Raises:
        Refused: It was sent from another site.
    """
    if not security.same_site(request, request.app.state.settings):
        raise Refused(_("This form was sent from another site. Nothing has been done."))
    return await read_form(request)
