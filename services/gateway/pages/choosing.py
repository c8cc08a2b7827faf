"""In which language, and in whose time, somebody reads: what he chose, else what his browser asks for.

A choice is a cookie's, so that it holds before one signs in, and for who never does. It is made on `display.py`'s form.
"""

from fastapi import Request, Response

from services.gateway.pages.language import Reader, best, languages, zone_named
from services.gateway.pages.visit import set_cookie
from shared.http.cookies import cookie_name
from shared.settings import Settings

LANGUAGE_COOKIE, ZONE_COOKIE = "ledgerdesk_language", "ledgerdesk_zone"
LIFETIME = 400 * 24 * 3600
"""Seconds; browsers keep none longer."""


def reader_of(request: Request) -> Reader:
    """Return for whom the request's pages are made."""
    settings: Settings = request.app.state.settings
    offered = languages(settings.locales)
    chosen = request.cookies.get(cookie_name(settings, LANGUAGE_COOKIE), "")
    tag = chosen if chosen in offered else best(request.headers.get("accept-language", ""), offered)
    zone = zone_named(request.cookies.get(cookie_name(settings, ZONE_COOKIE), ""))
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return Reader(
        offered[tag],
        zone,
        tuple(offered.values()),
        chosen=chosen in offered,
        here=here if request.method == "GET" else "/sign-in",
    )


def remember(response: Response, settings: Settings, name: str, value: str) -> None:
    """Keep a choice; an empty one is none."""
    called = cookie_name(settings, name)
    if value:
        set_cookie(response, settings, called, value, LIFETIME)
    else:
        response.delete_cookie(called, secure=settings.is_https, httponly=True, samesite="lax")
