"""What protects the pages: the headers of every answer, and the proof that a form was ours."""

import hmac
import re
from typing import Literal
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import MutableHeaders

from services.gateway.pages.assets import theme_digest
from shared.contracts.canonical import keyed_digest
from shared.settings import Settings

HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'self'; script-src 'self' '{theme_digest()}'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""No inline script or style but one, known by its digest: text that slips through escaping still runs nothing."""

_LOCAL_PATH = re.compile(r"/(?![/\\])[\x21-\x7e]*")


def protect(headers: MutableHeaders) -> None:
    """Put the headers on an answer. Pages hold personal data: nobody keeps them unless they say otherwise."""
    for name, value in HEADERS.items():
        headers[name] = value
    headers.setdefault("Cache-Control", "no-store")


Of = Literal["session", "visit", "guest"]
"""Whose a form is: of who is signed in, of who is about to be, of who came by a link."""


def csrf_token(settings: Settings, kind: Of, of: str) -> str:
    """Return the token that a form carries: it proves that the page came from us, in this session (or visit).

    Args:
        settings: Of the stack.
        kind: A browser names its visit by itself: it must not get a session's token by calling it like one.
        of: The session's id, the visit's, or the guest's link.
    """
    return keyed_digest(settings.derived_key("csrf"), f"{kind}|{of}")


def csrf_good(settings: Settings, kind: Of, of: str, given: str) -> bool:
    """Whether this is the token of this session (or visit)."""
    return hmac.compare_digest(csrf_token(settings, kind, of).encode(), given.encode())


def same_site(request: Request, settings: Settings) -> bool:
    """Whether the browser says that a form was sent from our own pages. One that says nothing has the token only."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    if origin is None or (
        origin == "null" and site == "same-origin"
    ):  # a page without referrers names no origin either
        return True
    try:
        host = urlsplit(origin).netloc
        ours = {request.headers.get("host", ""), urlsplit(settings.public_url).netloc} - {""}
    except ValueError:
        return False
    return host in ours


def local_path(given: str | None, otherwise: str = "/queue") -> str:
    """Return where to go next if it is a place of ours, else the other: a link must not send people elsewhere."""
    if given and is_local(given):
        return otherwise if given.startswith(("/sign-", "/api/", "/static/")) else given
    return otherwise


def is_local(given: str) -> bool:
    """Whether it is the path of a place of ours, which leads nowhere else."""
    return len(given) <= 2000 and bool(_LOCAL_PATH.fullmatch(given)) and "\\" not in given  # noqa: PLR2004 -- a long URL
