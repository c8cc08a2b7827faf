"""The sign-in page. Before there is a session, a cookie of the visit stands for it in the form's token."""

import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from services.gateway.pages import security
from services.gateway.pages.render import render
from services.gateway.pages.visit import set_cookie
from shared.settings import Settings

VISIT_COOKIE = "ledgerdesk_visit"
VISIT_LIFETIME = 24 * 3600


def sign_in_page(
    request: Request,
    status: int = 200,
    *,
    then: str | None = None,
    kept: Mapping[str, str] | None = None,
    **context: Any,
) -> HTMLResponse:
    """Return the sign-in page, with what had been typed into a form that could not be sent any more."""
    settings: Settings = request.app.state.settings
    known = request.cookies.get(VISIT_COOKIE)
    visit = known or secrets.token_urlsafe(16)
    shown: dict[str, Any] = {"login": "", "message": None, "expired": False, **context}
    text = render(
        "sign_in.html", visit=None, layout="base.html", stale=False, said=None, csrf=security.csrf_token(settings, visit),
        then=security.local_path(then), kept=dict(kept or {}), **shown,
    )  # fmt: skip
    response = HTMLResponse(text, status)
    if not known:
        set_cookie(response, settings, VISIT_COOKIE, visit, VISIT_LIFETIME)
    return response
