"""Signing in through an OpenID provider: discovery, authorisation code with PKCE, state and nonce, and what the ID token says.

The protocol's parts are Authlib's and joserfc's; the two requests are made with the same client as everything else.
"""

import re
import secrets
import time
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import structlog
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from shared.http.trust import trusted
from shared.settings import OidcProvider

KEPT = 3600.0
"""Seconds for which a provider's description and keys are kept; unknown keys are asked for at once."""
LEEWAY = 60
TIMEOUT = 10.0
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""Signatures with the provider's own key: one made with our client's secret, or none, proves nothing."""
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_SAFE = re.compile(r"https://|http://(localhost|127\.0\.0\.1|\[::1\])[:/]")

log = structlog.get_logger("oidc")


class ProviderError(Exception):
    """The provider does not answer, or what it says cannot be believed. The message is for the log: no part of it is secret."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """What must come back, and what is needed then. The browser keeps it, signed, in a cookie."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Transaction":
        """Return a new one, of 256 random bits each."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    def came_back(self, state: str) -> bool:
        """Whether this is the answer to this browser's own question."""
        return compare_digest(self.state.encode(), state.encode())


@dataclass(frozen=True, slots=True)
class Claims:
    """Who somebody is, as the provider says it. `email` is there only if the provider vouches for it."""

    issuer: str
    subject: str
    email: str | None
    name: str | None


class Provider:
    """One provider."""

    def __init__(self, settings: OidcProvider, client: httpx.AsyncClient) -> None:
        self.settings = settings
        self._client = client
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}

    async def authorize_url(self, transaction: Transaction, redirect_uri: str) -> str:
        """Return where the browser goes to sign in.

        Raises:
            ProviderError: The provider cannot be asked.
        """
        metadata = await self._metadata()
        url: str = prepare_grant_uri(
            metadata["authorization_endpoint"], self.settings.client_id, "code", redirect_uri, self.settings.scopes,
            transaction.state, nonce=transaction.nonce, code_challenge=create_s256_code_challenge(transaction.verifier),
            code_challenge_method="S256",
        )  # fmt: skip
        return url

    async def claims(self, transaction: Transaction, code: str, redirect_uri: str) -> Claims:
        """Return who has signed in.

        Raises:
            ProviderError: The code is not good, or the answer cannot be believed.
        """
        metadata = await self._metadata()
        body = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": transaction.verifier,
        }  # fmt: skip
        token = await self._ask("POST", metadata["token_endpoint"], data=body, **self._authentication(metadata, body))
        said = await self._id_token(metadata, token, transaction.nonce)
        if "email" not in said and "userinfo_endpoint" in metadata and "access_token" in token:
            bearer = {"Authorization": f"Bearer {token['access_token']}"}
            more = await self._ask("GET", metadata["userinfo_endpoint"], headers=bearer)
            if more.get("sub") != said["sub"]:
                raise ProviderError("userinfo is somebody else's")
            said = {**more, **said}
        vouched = said.get("email_verified")
        verified = (vouched is True or vouched == "true") and isinstance(said.get("email"), str)  # some send the word
        name = said.get("name")
        return Claims(
            self.settings.issuer,
            str(said["sub"]),
            said["email"] if verified else None,
            name[:200] if isinstance(name, str) else None,
        )

    async def sign_out_url(self, back_to: str) -> str | None:
        """Return where one signs out of the provider, too; None if it has no such place, or does not answer."""
        try:
            url = (await self._metadata()).get("end_session_endpoint")
        except ProviderError:
            return None
        if not isinstance(url, str) or not _SAFE.match(url):
            return None
        query = urlencode({"client_id": self.settings.client_id, "post_logout_redirect_uri": back_to})
        return f"{url}{'&' if '?' in url else '?'}{query}"

    def _authentication(self, metadata: dict[str, Any], body: dict[str, str]) -> dict[str, Any]:
        """Return how our client proves itself; adds to the body where it goes there."""
        secret, client_id = self.settings.secret(), self.settings.client_id
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if secret and "client_secret_basic" in methods:
            return {"auth": httpx.BasicAuth(quote(client_id, safe=""), quote(secret, safe=""))}
        body["client_id"] = client_id
        if secret:
            body["client_secret"] = secret
        return {}

    async def _id_token(self, metadata: dict[str, Any], token: dict[str, Any], nonce: str) -> dict[str, Any]:
        settings = self.settings
        algorithms = sorted(ALGORITHMS & set(metadata.get("id_token_signing_alg_values_supported", ["RS256"])))
        try:
            text = str(token["id_token"])
            try:
                decoded = jwt.decode(text, await self._keys(metadata), algorithms=algorithms)
            except InvalidKeyIdError:  # the provider has changed its keys
                self._known.pop(metadata["jwks_uri"], None)
                decoded = jwt.decode(text, await self._keys(metadata), algorithms=algorithms)
            options = {
                "iss": {"essential": True, "value": settings.issuer}, "aud": {"essential": True, "value": settings.client_id},
            }  # fmt: skip
            params = {"nonce": nonce, "client_id": settings.client_id, "access_token": token.get("access_token")}
            claims = CodeIDToken(decoded.claims, decoded.header, options, params)
            claims.validate(leeway=LEEWAY)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ProviderError(f"the ID token cannot be believed: {error!r}") from error
        return dict(claims)

    async def _metadata(self) -> dict[str, Any]:
        issuer = self.settings.issuer
        found = await self._kept(get_well_known_url(issuer, external=True))
        if found.get("issuer") != issuer:
            raise ProviderError(f"{issuer} says that it is {found.get('issuer')!r}")
        for name in _NEEDED:
            if not isinstance(found.get(name), str) or not _SAFE.match(found[name]):
                raise ProviderError(f"{issuer} names no {name} by https")
        return found

    async def _keys(self, metadata: dict[str, Any]) -> KeySet:
        return KeySet.import_key_set(await self._kept(metadata["jwks_uri"]))  # type: ignore[arg-type] # its shape is what it checks

    async def _kept(self, url: str) -> dict[str, Any]:
        now = time.monotonic()
        known = self._known.get(url)
        if known is None or known[0] < now:
            known = self._known[url] = (now + KEPT, await self._ask("GET", url))
        return known[1]

    async def _ask(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        try:
            response = await self._client.request(method, url, **more)
            response.raise_for_status()
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderError(f"{method} {url.partition('?')[0]}: {error!r}") from error
        if not isinstance(answer, dict):
            raise ProviderError(f"{method} {url.partition('?')[0]}: no object")
        return answer


class Providers:
    """All providers that are configured, by their keys."""

    def __init__(self, settings: list[OidcProvider]) -> None:
        self.client = httpx.AsyncClient(timeout=TIMEOUT, trust_env=False, follow_redirects=False, verify=trusted())
        self.all = {one.key: Provider(one, self.client) for one in settings}

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()
