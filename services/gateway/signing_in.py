"""How somebody gets a session: by password, by a one-time link, from a provider; and with a code, where codes are in use."""

import base64
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from fastapi import Request

from services.gateway import domain
from services.gateway.domain import credentials
from services.gateway.domain.credentials import Credentials, Purpose
from services.gateway.passwords import Passwords
from services.gateway.second_factor import SecondFactor, UnreadableSecretError
from services.gateway.throttle import Throttle
from shared.contracts.canonical import keyed_digest
from shared.contracts.event import Actor, Via
from shared.contracts.ids import derived, random_id
from shared.db import Pool
from shared.directory.people import Directory
from shared.eventstore.ledger import Context, Ledger
from shared.http.commands import CommandRequest
from shared.http.known import address_of
from shared.http.problems import Problem
from shared.refusal import Refusal
from shared.settings import Settings
from shared.tokens import SessionToken, TokenError, Tokens

CHALLENGE = "code-needed"
CHALLENGE_LIFETIME = timedelta(minutes=5)
FRESH = timedelta(minutes=10)
"""How long a sign-in proves who somebody is that has no password to do so."""
LINK_PREFIX = "ldl"
_SECRET_BYTES = 24
_BEARER = {"WWW-Authenticate": "Bearer"}
NOBODY = UUID(int=0)

log = structlog.get_logger("sign-in")


def credential_stream(person_id: UUID) -> UUID:
    """Return the stream of what a person signs in with."""
    return derived("credential", person_id)


def identity_stream(subject: str) -> UUID:
    """Return the stream of an identity elsewhere, by the keyed hash of issuer and subject."""
    return derived("identity", subject)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a sign-in comes from: the client's address, and its browser in words."""

    address: str | None
    browser: str

    @classmethod
    def of(cls, request: Request) -> "Origin":
        """Return a request's."""
        return cls(address_of(request), browser_of(request.headers.get("user-agent", "")))


_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iPadOS"), ("Windows", "Windows"), ("Mac OS", "macOS"), ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def browser_of(user_agent: str) -> str:
    """Return a browser in words, no more of it than tells one's own apart: `Firefox on Linux`; of a program, its name."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    if browser is None:
        return re.sub(r"[^\w.-]", "", user_agent.split("/", 1)[0])[:40]
    return f"{browser} on {system}" if system else browser


@dataclass(slots=True)
class SignIns:
    """Starts sessions."""

    settings: Settings
    pool: Pool
    directory: Directory
    tokens: Tokens
    accounts: Ledger[domain.Account]
    credentials: Ledger[Credentials]
    sessions: Ledger[domain.Session]
    passwords: Passwords
    second_factor: SecondFactor
    throttle: Throttle

    async def credentials_of(self, person_id: UUID) -> Credentials:
        """Return what a person signs in with."""
        state, _ = await self.credentials.state(credential_stream(person_id))
        return state

    async def check_own_password(self, person_id: UUID, password: str | None, via: Via) -> None:
        """Require the password of who is signed in: a session that was taken is not enough to change credentials.

        Who has none signs in with a provider, and must have done so a moment ago.

        Raises:
            Problem: 403, that is too long ago; 422, it is another password; 429, it was guessed at too often.
        """
        state = await self.credentials_of(person_id)
        if state.password is None:
            await self._need_fresh(via)
            return
        attempt = self.throttle.attempt(f"own|{person_id}", None)
        await self.throttle.begin(attempt)
        if not await self.passwords.verify(state.password, password or ""):
            raise Problem(422, "The current password is another.", fields={"current": "is not your current password"})
        await self.throttle.succeeded(attempt)

    async def _need_fresh(self, via: Via) -> None:
        session = (await self.sessions.state(UUID(via.id)))[0] if via.kind == "session" else None
        began = session.began_at if session is not None else None
        if began is None or datetime.now(UTC) - began > FRESH:
            minutes = int(FRESH.total_seconds()) // 60
            raise Problem(
                403, f"You have no password to confirm this by: sign in again, and do it within {minutes} minutes."
            )

    async def by_password(
        self, login: str, password: str, code: str | None, origin: Origin
    ) -> tuple[str, SessionToken]:
        """Return a new session and its token.

        Raises:
            Problem: 401, wrong login or password (which of the two is not said), or a code is needed; 429, too many failures.
            Refusal: 401, the code is wrong.
        """
        person = await self.directory.by_login(login)
        person_id = person.person_id if person else NOBODY
        # Failures are an account's, however it is written: its login, its address, in other letters.
        attempt = self.throttle.attempt(f"account|{person_id}" if person else f"login|{login}", origin.address)
        await self.throttle.begin(attempt)
        account, _ = await self.accounts.state(person_id)
        state = await self.credentials_of(person_id)
        good = await self.passwords.verify(state.password, password)
        if not (good and account.exists and account.active):
            raise Problem(401, "Wrong login or password.", headers=_BEARER)
        await self.throttle.succeeded(attempt)
        return await self.finish(person_id, account.generation, "password", origin, code)

    async def by_challenge(self, challenge: str, code: str, origin: Origin) -> tuple[str, SessionToken]:
        """Take the second step.

        Raises:
            Problem: 401, it is too late or all sessions were ended meanwhile; 429.
            Refusal: 401, the code is wrong.
        """
        try:
            claims = self.tokens.read_short(CHALLENGE, challenge)
        except TokenError:
            raise Problem(401, "That took too long: begin the sign-in again.", headers=_BEARER) from None
        person_id, generation = UUID(str(claims["sub"])), int(str(claims["gen"]))
        account, _ = await self.accounts.state(person_id)
        if not (account.exists and account.active and account.generation == generation):
            raise Problem(401, "Begin the sign-in again.", headers=_BEARER)
        return await self.finish(person_id, generation, str(claims["door"]), origin, code)

    async def finish(
        self, person_id: UUID, generation: int, door: str, origin: Origin, code: str | None = None, *, vouched: bool = False
    ) -> tuple[str, SessionToken]:  # fmt: skip
        """Start the session of who has shown who he is, by a code too where codes are in use. `vouched`: the provider has asked for one.

        Raises:
            Problem: 401 with `second_factor`, if a code is needed and there is none.
            Refusal: 401, the code is wrong.
        """
        strong = vouched
        if (await self.credentials_of(person_id)).totp is not None and not vouched:
            if code is None:
                raise self._code_needed(person_id, generation, door)
            await self.take_code(person_id, code)
            strong, door = True, f"{door}+code"
        return await self._start(person_id, generation, door, origin, strong=strong)

    def _code_needed(self, person_id: UUID, generation: int, door: str) -> Problem:
        claims: dict[str, object] = {"sub": str(person_id), "gen": generation, "door": door}
        return Problem(
            401, "A one-time code is needed: send it with the challenge to POST /api/v1/sessions/code, or as `code` with login and password.",
            fields={"code": "is needed"}, headers=_BEARER,
            second_factor={
                "challenge": self.tokens.short(CHALLENGE, claims, CHALLENGE_LIFETIME),
                "expires_in": int(CHALLENGE_LIFETIME.total_seconds()), "kinds": ["totp", "recovery_code"],
            },
        )  # fmt: skip

    async def take_code(self, person_id: UUID, code: str) -> None:
        """Take a one-time or recovery code; each is good once.

        Raises:
            Refusal: 401, it is wrong or was used.
            Problem: 429. Guesses are counted per person wherever they come from: who guesses here has the password already.
        """
        attempt = self.throttle.attempt(f"code|{person_id}", None)
        await self.throttle.begin(attempt)
        state = await self.credentials_of(person_id)
        step = self.step_of(person_id, state.totp, code)
        recovery = self.second_factor.recovery_hash(person_id, code)
        await self.credentials.execute(
            credential_stream(person_id), lambda s: credentials.use_code(s, step, recovery), self._by_himself(person_id)
        )
        await self.throttle.succeeded(attempt)

    def step_of(self, person_id: UUID, stored: str | None, code: str) -> int | None:
        """Return the step whose code this is."""
        if stored is None:
            return None
        try:
            secret = self.second_factor.decrypt(person_id, stored)
        except UnreadableSecretError:  # the stack's secret is another: an administrator can switch the codes off
            log.exception("one-time code cannot be checked", person=str(person_id))
            return None
        return self.second_factor.step(secret, "".join(code.split()), datetime.now(UTC))

    async def _start(
        self, person_id: UUID, generation: int, door: str, origin: Origin, *, strong: bool
    ) -> tuple[str, SessionToken]:
        session_id, now = random_id(), datetime.now(UTC)
        context = Context(random_id(), Actor("person", str(person_id)), Via("session", str(session_id)), fresh=True)
        await self.sessions.execute(
            session_id, lambda _: domain.start_session(str(person_id), now, door=door, generation=generation), context, new=True
        )  # fmt: skip
        await self.pool.execute(
            "INSERT INTO session_seen (session_id, person_id, browser) VALUES ($1, $2, $3)", session_id, person_id, origin.browser
        )  # fmt: skip
        without = () if strong else tuple(sorted(self.settings.withheld_roles))
        token = SessionToken(person_id, session_id, now + domain.SESSION_LIFETIME, generation, without)
        return self.tokens.session(token), token

    def _by_himself(self, person_id: UUID) -> Context:
        """Return the context of what somebody does before he has a session."""
        return Context(random_id(), Actor("person", str(person_id)), Via("session", "sign-in"), fresh=True)

    async def change_password(self, person_id: UUID, password: str, context: Context, kept: str | None = None) -> None:
        """Set a password, and end the person's sessions but for the one that is kept.

        In this order: who signs in with the old password at this moment gets a session of the old generation, which ends, too.

        Raises:
            Problem: 422, it is too easy to guess.
        """
        await self.need_strong(person_id, password)
        digest = await self.passwords.hash(password)
        await self.credentials.execute(
            credential_stream(person_id), lambda _: credentials.set_password(digest), context
        )
        await self.end_sessions(person_id, context, kept)

    async def set_first_password(self, person_id: UUID, password: str, context: Context) -> None:
        """Set the password of an organisation file, where there is none yet. How good it is, is its writer's business."""
        if (await self.credentials_of(person_id)).password is None:
            digest = await self.passwords.hash(password)
            await self.credentials.execute(
                credential_stream(person_id), lambda _: credentials.set_password(digest), context
            )

    async def need_strong(self, person_id: UUID, password: str) -> None:
        """Require a password that is not too easy to guess.

        Raises:
            Problem: 422.
        """
        account, _ = await self.accounts.state(person_id)
        weakness = await self.passwords.weakness(password, (account.login, account.name, account.email))
        if weakness:
            raise Problem(422, f"password: {weakness}.", fields={"password": weakness})

    async def end_sessions(self, person_id: UUID, context: Context, kept: str | None = None) -> None:
        """End all sessions of a person but for the one that is kept. Every service refuses them within about a second."""
        named = Context(
            derived(context.command_id, "signed-out"), context.actor, context.via, correlation=context.correlation, fresh=context.fresh
        )  # fmt: skip
        await self.accounts.execute(person_id, lambda state: domain.sign_out_everywhere(state, kept), named)

    # -- one-time links ----------------------------------------------------------------------------------------------

    async def issue_link(self, person_id: UUID, command: CommandRequest) -> tuple[str, Purpose, datetime]:
        """Return a new one-time link's token, its purpose, and when it ends. An earlier one is void."""
        state = await self.credentials_of(person_id)
        purpose: Purpose = "reset" if state.password is not None else "invitation"
        secret = secrets.token_bytes(_SECRET_BYTES)
        if command.request_digest is not None:  # derived, so that a repeat is answered with the same link
            key = self.settings.derived_key("link-secret")
            secret = bytes.fromhex(keyed_digest(key, str(command.command_id)))[:_SECRET_BYTES]
        now = datetime.now(UTC)
        result = await self.credentials.execute(
            credential_stream(person_id),
            lambda _: credentials.issue_link(self._link_hash(secret), purpose, now), command.context(),
        )  # fmt: skip
        said = result.events[0].data
        token = base64.urlsafe_b64encode(person_id.bytes + secret).decode().rstrip("=")
        return f"{LINK_PREFIX}_{token}", said["purpose"], datetime.fromisoformat(said["expires_at"])

    def _link_hash(self, secret: bytes) -> str:
        return keyed_digest(self.settings.derived_key("link"), secret.hex())

    def _read_link(self, token: str) -> tuple[UUID, str]:
        """Return whose link it is, and its hash; of something else, nobody's."""
        try:
            raw = base64.urlsafe_b64decode(token.removeprefix(f"{LINK_PREFIX}_") + "==")
            return UUID(bytes=raw[:16]), self._link_hash(raw[16:])
        except ValueError:
            return NOBODY, ""

    async def owner_of_link(self, token: str) -> domain.Account:
        """Return whose account a link is for.

        Raises:
            Refusal: 410, it is not good.
        """
        person_id, digest = self._read_link(token)
        credentials.check_link(await self.credentials_of(person_id), digest, datetime.now(UTC))
        account, _ = await self.accounts.state(person_id)
        if not (account.exists and account.active):
            raise Refusal(credentials.UNUSABLE, status=410, field="token")
        return account

    async def by_link(self, token: str, password: str, origin: Origin) -> tuple[str, SessionToken]:
        """Set a password by a link, end what sessions there were, and sign in.

        Raises:
            Refusal: 410, the link is not good.
            Problem: 422, the password is too easy to guess: the link is still good; 401, a code is needed, too.
        """
        await self.owner_of_link(token)
        person_id, digest = self._read_link(token)
        await self.need_strong(person_id, password)
        hashed = await self.passwords.hash(password)
        context = self._by_himself(person_id)
        await self.credentials.execute(
            credential_stream(person_id), lambda s: credentials.use_link(s, digest, hashed, datetime.now(UTC)), context
        )
        await self.end_sessions(person_id, context)
        account, _ = await self.accounts.state(person_id)
        return await self.finish(person_id, account.generation, "link", origin)
