"""Tokens that every service can verify by itself: sessions of people, and short-lived ones between our own services."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from shared.settings import Settings

ALGORITHM = "HS256"
INTERNAL_LIFETIME = timedelta(minutes=5)


class TokenError(ValueError):
    """The token is not ours, or no longer good."""


@dataclass(frozen=True, slots=True)
class SessionToken:
    """What a session token says: whose, which session, until when, of which generation, and which roles are withheld from it."""

    person_id: UUID
    session_id: UUID
    expires_at: datetime
    generation: int = 0
    without: tuple[str, ...] = ()


class Tokens:
    """Makes and reads tokens, with a key derived from the stack's secret for each kind."""

    def __init__(self, settings: Settings) -> None:
        self._session_key = OctKey.import_key(settings.derived_key("session-token"))
        self._internal_key = OctKey.import_key(settings.derived_key("internal-token"))
        self._short_key = OctKey.import_key(settings.derived_key("short-token"))
        self._internal: tuple[str, datetime] | None = None

    def session(self, token: SessionToken) -> str:
        """Return the text of a session token."""
        claims = {
            "sub": str(token.person_id), "sid": str(token.session_id), "exp": int(token.expires_at.timestamp()),
            "aud": "session", "gen": token.generation,
            **({"without": list(token.without)} if token.without else {}),
        }  # fmt: skip
        return jwt.encode({"alg": ALGORITHM}, claims, self._session_key)

    def internal(self) -> str:
        """Return a token with the system role, good for five minutes; made anew each half of that."""
        now = datetime.now(UTC)
        if self._internal is None or self._internal[1] < now:
            claims = {"aud": "internal", "exp": int((now + INTERNAL_LIFETIME).timestamp())}
            text = jwt.encode({"alg": ALGORITHM}, claims, self._internal_key)
            self._internal = (text, now + INTERNAL_LIFETIME / 2)
        return self._internal[0]

    def read_session(self, text: str) -> SessionToken:
        """Return what a session token says.

        Raises:
            TokenError: It is not ours or has expired.
        """
        claims = self._claims(text, self._session_key, "session")
        try:
            without = claims.get("without", [])
            return SessionToken(
                UUID(str(claims["sub"])), UUID(str(claims["sid"])), datetime.fromtimestamp(int(str(claims["exp"])), UTC),
                int(str(claims.get("gen", 0))), tuple(map(str, without)) if isinstance(without, list) else (),
            )  # fmt: skip
        except (KeyError, ValueError) as error:
            raise TokenError("malformed token") from error

    def short(self, purpose: str, claims: Mapping[str, object], lifetime: timedelta) -> str:
        """Return a token that carries something from one request to the next, for one purpose."""
        expires = int((datetime.now(UTC) + lifetime).timestamp())
        return jwt.encode({"alg": ALGORITHM}, {**claims, "aud": purpose, "exp": expires}, self._short_key)

    def read_short(self, purpose: str, text: str) -> dict[str, object]:
        """Return what such a token carries.

        Raises:
            TokenError: It is not ours, for another purpose, or too old.
        """
        return self._claims(text, self._short_key, purpose)

    def check_internal(self, text: str) -> None:
        """Check a token between services.

        Raises:
            TokenError: It is not ours or has expired.
        """
        self._claims(text, self._internal_key, "internal")

    def _claims(self, text: str, key: OctKey, audience: str) -> dict[str, object]:
        try:
            claims = jwt.decode(text, key, algorithms=[ALGORITHM]).claims
            jwt.JWTClaimsRegistry(exp={"essential": True}, aud={"essential": True, "value": audience}).validate(claims)
        except (JoseError, ValueError) as error:
            raise TokenError("the token is not ours or has expired") from error
        return dict(claims)
