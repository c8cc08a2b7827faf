"""The gateway's routes: below the API, and the pages at the root of the origin. Who answers no requests loads none of them."""

from services.gateway import presence, stream
from services.gateway.api import accounts as api_accounts
from services.gateway.api import guests, keys, me, organisation, second_factor, seen, sessions
from services.gateway.pages import (
    accounts,
    admin,
    brand,
    bulk,
    configuring,
    correcting,
    dashboards,
    display,
    elsewhere,
    filling_in,
    guest,
    helping,
    here,
    inbox,
    knowledge,
    knowledge_editor,
    new_ticket,
    parked,
    profile,
    queue,
    queues,
    reports,
    set_password,
    sign_in,
    static_files,
    ticket,
    welcome,
    work,
)
from services.gateway.pages.language import languages
from services.gateway.pages.route import nothing_here
from shared.http.internal import internal_router
from shared.http.parked import parked_router
from shared.settings import Settings

ROUTERS = (
    sessions.router, me.router, second_factor.router, keys.router, api_accounts.router, guests.router, organisation.internal,
    seen.internal, stream.router, presence.router, internal_router("gateway"), parked_router("gateway"),
)  # fmt: skip
_OUTSIDE = (brand, welcome, sign_in, elsewhere, set_password, display, guest)
_INSIDE = (
    profile,
    queue,
    queues,
    inbox,
    new_ticket,
    here,
    filling_in,
    correcting,
    helping,
    ticket,
    work,
    bulk,
    reports,
    dashboards,
    knowledge_editor,
    knowledge,
    admin,
    accounts,
    parked,
    static_files,
)
PAGES = (*(page.router for page in (*_OUTSIDE, *_INSIDE)), *configuring.ROUTERS)
"""At the root of the origin, not below /api/v1. /tickets/new before /tickets/{number}, /kb/new before /kb/{article}."""
NOTHING = nothing_here
"""What a browser is answered where there is no page."""


def prepare(settings: Settings) -> None:
    """Read what the pages are written with: a catalogue that cannot be read is said at the start, not to who opens a page."""
    languages(settings.locales)
