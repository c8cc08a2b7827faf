"""Signing in with another provider: there and back."""

from datetime import timedelta
from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from services.gateway.oidc import Provider, ProviderError, Transaction
from services.gateway.pages import security
from services.gateway.pages.door import sign_in_page
from services.gateway.pages.language import N_, _
from services.gateway.pages.refusals import in_words
from services.gateway.pages.route import PageRoute
from services.gateway.pages.sign_in import drop_cookie, gateway_of, let_in
from services.gateway.pages.visit import set_cookie
from services.gateway.signing_in import Origin
from shared.http.cookies import cookie_name
from shared.http.known import origin_of
from shared.http.problems import Problem
from shared.refusal import Refusal
from shared.settings import Settings
from shared.tokens import TokenError

COOKIE = "ledgerdesk_elsewhere"
LIFETIME = timedelta(minutes=10)
AWAY = N_("%(name)s does not answer as it should just now. Try again in a moment, or sign in with your password.")
NOT_OURS = N_("That sign-in was not begun in this browser, or it took too long. Please begin it again.")
Text = Annotated[str, Query(max_length=4000)]

log = structlog.get_logger("oidc")
router = APIRouter(route_class=PageRoute)


def _provider(request: Request, key: str) -> Provider:
    provider = gateway_of(request).providers.all.get(key)
    if provider is None:
        raise Problem(404, _("There is no such provider to sign in with."))
    return provider


def _callback(request: Request, provider: Provider) -> str:
    return f"{origin_of(request)}/sign-in/with/{provider.settings.key}/callback"


@router.get("/sign-in/with/{key}")
async def begin(
    request: Request, key: str, then: Annotated[str | None, Query(alias="next", max_length=2000)] = None
) -> Response:
    """Go to the provider. What must come back goes along in a cookie, signed and for ten minutes."""
    provider, settings, transaction = _provider(request, key), request.app.state.settings, Transaction.new()
    try:
        url = await provider.authorize_url(transaction, _callback(request, provider))
    except ProviderError as error:
        await log.awarning("provider failed", provider=key, error=str(error))
        return sign_in_page(request, 502, then=then, message=_(AWAY, name=provider.settings.name))
    claims: dict[str, object] = {
        "state": transaction.state, "nonce": transaction.nonce, "verifier": transaction.verifier, "provider": key,
        "next": security.local_path(then),
    }  # fmt: skip
    response = RedirectResponse(url, 303)
    kept = gateway_of(request).tokens.short("elsewhere", claims, LIFETIME)
    set_cookie(response, settings, cookie_name(settings, COOKIE), kept, int(LIFETIME.total_seconds()))
    return response


@router.get("/sign-in/with/{key}/callback")
async def come_back(
    request: Request, key: str, state: Text = "", code: Text = "", error: Text = "", iss: Text | None = None
) -> Response:
    """Take what the provider has sent the browser back with. The cookie is good once, whatever comes of it."""
    provider, settings = _provider(request, key), request.app.state.settings
    response = await _come_back(request, provider, state, code, error, iss)
    drop_cookie(response, settings, cookie_name(settings, COOKIE))
    return response


async def _come_back(
    request: Request, provider: Provider, state: str, code: str, error: str, issuer: str | None
) -> Response:
    settings: Settings = request.app.state.settings
    name, key = provider.settings.name, provider.settings.key
    try:
        kept = gateway_of(request).tokens.read_short(
            "elsewhere", request.cookies.get(cookie_name(settings, COOKIE), "")
        )
    except TokenError:
        return sign_in_page(request, 403, message=_(NOT_OURS))
    transaction = Transaction(*(str(kept[part]) for part in ("state", "nonce", "verifier")))
    if kept["provider"] != key or not transaction.came_back(state) or issuer not in {None, provider.settings.issuer}:
        return sign_in_page(request, 403, message=_(NOT_OURS))
    then = str(kept["next"])
    if error or not code:
        return sign_in_page(request, 403, then=then, message=_("%(name)s did not sign you in.", name=name))
    try:
        claims = await provider.claims(transaction, code, _callback(request, provider))
        return await let_in(request, gateway_of(request).linking.sign_in(provider, claims, Origin.of(request)), then)
    except ProviderError as failure:
        await log.awarning("provider failed", provider=key, error=str(failure))
        return sign_in_page(request, 502, then=then, message=_(AWAY, name=name))
    except (Problem, Refusal) as refused:
        return sign_in_page(request, refused.status, then=then, message=in_words(refused.detail))
