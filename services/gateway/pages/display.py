"""How pages are shown to somebody: the form in which language and time zone are chosen, signed in or not."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.gateway.pages import security
from services.gateway.pages.choosing import LANGUAGE_COOKIE, ZONE_COOKIE, remember
from services.gateway.pages.door import outside_form
from services.gateway.pages.language import languages, zone_named
from services.gateway.pages.route import PageRoute
from shared.settings import Settings

router = APIRouter(route_class=PageRoute)


@router.post("/display")
async def choose(request: Request) -> Response:
    """Keep what was chosen of the two, and go back; what is empty, or not there to be chosen, is left to the browser.

    Who is not signed in has no session to prove that the form is his: that it comes from our own page is enough for how it looks.

    Raises:
        Refused: It was sent from another site.
    """
    form = await outside_form(request)
    settings: Settings = request.app.state.settings
    response = RedirectResponse(_back(form.get("next")), 303)
    if (language := form.get("language")) is not None:
        remember(response, settings, LANGUAGE_COOKIE, language if language in languages(settings.locales) else "")
    if (zone := form.get("zone")) is not None:
        remember(response, settings, ZONE_COOKIE, zone if zone_named(zone) else "")
    return response


def _back(given: str | None) -> str:
    """Return where the form stood: a page of those who are signed in, or one of those before."""
    if given and given.partition("?")[0] in {"/sign-in", "/set-password"} and security.is_local(given):
        return given
    return security.local_path(given, "/sign-in")
