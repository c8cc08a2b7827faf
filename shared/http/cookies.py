"""Cookies' names. Over https a browser lets only us set them."""

from shared.settings import Settings

COOKIE = "ledgerdesk_session"
HOST_PREFIX = "__Host-"
"""Where people come by https: no other host, and no plain page, can plant a cookie that is called so."""


def cookie_name(settings: Settings, name: str) -> str:
    """Return what a cookie is called."""
    return f"{HOST_PREFIX}{name}" if settings.is_https else name


def session_cookie(settings: Settings) -> str:
    """Return the name of the session's cookie."""
    return cookie_name(settings, COOKIE)
