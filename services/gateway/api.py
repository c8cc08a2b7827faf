"""The gateway by HTTP: sign-in, accounts, API keys."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field, StringConstraints

from services.gateway import domain
from shared.contracts.canonical import keyed_digest
from shared.contracts.event import Via
from shared.contracts.fields import Email, Id, Line, Role, Strict, Tag, Text
from shared.contracts.ids import derived, new_secret, random_id
from shared.db import Pool
from shared.directory.people import Directory
from shared.eventstore.ledger import Context, Ledger
from shared.http.caller import COOKIE, KEY_PREFIX, Caller, CallerDep
from shared.http.commands import CommandDep
from shared.http.problems import RESPONSES, Problem
from shared.service import component
from shared.settings import Settings
from shared.tokens import SessionToken, Tokens

Password = Annotated[Text, StringConstraints(min_length=8, max_length=200)]


@dataclass(slots=True)
class Gateway:
    """What the gateway's routes work with."""

    settings: Settings
    pool: Pool
    directory: Directory
    tokens: Tokens
    accounts: Ledger[domain.Account]
    credentials: Ledger[None]
    keys: Ledger[domain.Key]
    sessions: Ledger[domain.Session]
    hasher: PasswordHasher

    async def set_password(self, person_id: UUID, password: str, context: Context) -> None:
        """Set a password. Its stream is the gateway's alone and goes to no topic."""
        digest = await asyncio.to_thread(self.hasher.hash, password)
        await self.credentials.execute(derived("credential", person_id), lambda _: domain.set_password(digest), context)

    async def check_password(self, person_id: UUID, password: str) -> bool:
        """Whether this is the person's password. Takes as long for somebody who has none."""
        events, _ = await self.credentials.store.load(derived("credential", person_id))
        digest = events[-1].data["hash"] if events else self._decoy
        try:
            return await asyncio.to_thread(self.hasher.verify, digest, password) and bool(events)
        except (VerificationError, InvalidHashError):
            return False

    @property
    def _decoy(self) -> str:
        """A hash that no password has, so that a login without account takes as long as one with."""
        return "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b+dWRWJTmaaobyEPk5h9xq3LXs"

    async def sign_in(self, login: str, password: str) -> tuple[str, SessionToken]:
        """Return a new session's token.

        Raises:
            Problem: 401, wrong login or password (which of the two is not said); 429, too many failures of late.
        """
        who = keyed_digest(self.settings.derived_key("sign-in"), login.lower())
        failures = await self.pool.fetchval(
            "SELECT count(*) FROM sign_in_failure WHERE who = $1 AND failed_at > now() - $2::interval",
            who, domain.THROTTLE_WINDOW,
        )  # fmt: skip
        if failures >= domain.FAILURES_ALLOWED:
            minutes = int(domain.THROTTLE_WINDOW.total_seconds() // 60)
            raise Problem(
                429, f"Too many failed attempts for this login: try again in {minutes} minutes.",
                headers={"Retry-After": str(int(domain.THROTTLE_WINDOW.total_seconds()))},
            )  # fmt: skip
        person = await self.directory.by_login(login)
        good = await self.check_password(person.person_id if person else UUID(int=0), password)
        if person is None or not good or not (person.account and person.account.get("active", True)):
            await self.pool.execute("INSERT INTO sign_in_failure (who) VALUES ($1)", who)
            await self.pool.execute("DELETE FROM sign_in_failure WHERE failed_at < now() - interval '1 day'")
            raise Problem(401, "Wrong login or password.", headers={"WWW-Authenticate": "Bearer"})
        await self.pool.execute("DELETE FROM sign_in_failure WHERE who = $1", who)
        return await self.start_session(person.person_id)

    async def start_session(self, person_id: UUID) -> tuple[str, SessionToken]:
        """Start a session for a person who has shown who he is."""
        session_id, now = random_id(), datetime.now(UTC)
        context = Context(random_id(), Caller(person_id, None, None, None, frozenset(), Via("session", "")).actor,
                          Via("session", str(session_id)))  # fmt: skip
        await self.sessions.execute(session_id, lambda _: domain.start_session(str(person_id), now), context)
        token = SessionToken(person_id, session_id, now + domain.SESSION_LIFETIME)
        return self.tokens.session(token), token


GatewayDep = Annotated[Gateway, Depends(component("gateway"))]
router = APIRouter(tags=["gateway"], responses=RESPONSES)


class SignIn(Strict):
    """Login and password."""

    login: Line
    password: Annotated[Text, StringConstraints(min_length=1, max_length=200)]


class SessionStarted(BaseModel):
    """A session: send the token as bearer."""

    token: str
    expires_at: datetime


@router.post("/sessions", status_code=201, responses={429: {"description": "Too many attempts"}})
async def sign_in(body: SignIn, response: Response, gateway: GatewayDep) -> SessionStarted:
    """Sign in. The answer's token goes into `Authorization: Bearer`; browsers also get a cookie, for reading."""
    token, session = await gateway.sign_in(body.login, body.password)
    secure = gateway.settings.public_url.startswith("https://")
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(domain.SESSION_LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=secure,
    )
    return SessionStarted(token=token, expires_at=session.expires_at)


@router.delete("/sessions/current", status_code=204)
async def sign_out(response: Response, command: CommandDep, gateway: GatewayDep) -> None:
    """Sign out: the session's token is good for nothing any more."""
    caller = command.caller
    if caller.via.kind != "session":
        raise Problem(409, "This credential is no session.")
    session_id = UUID(caller.via.id)
    await gateway.sessions.execute(session_id, domain.revoke_session, command.context())
    response.delete_cookie(COOKIE)


class Me(BaseModel):
    """Who the caller is."""

    login: str | None
    name: str | None
    email: str | None
    roles: list[str]
    via: str


@router.get("/me")
async def read_me(caller: CallerDep) -> Me:
    """Return who you are and what you may do."""
    return Me(login=caller.login, name=caller.name, email=caller.email, roles=sorted(caller.roles), via=caller.via.kind)


class NewKey(Strict):
    """An API key to be issued."""

    name: Tag = Field(examples=["monitoring"])
    roles: Annotated[list[Role], Field(min_length=1, max_length=6)]
    acts_for: Line | None = Field(None, description="Login or e-mail address of the person whose key it is")


class IssuedKey(BaseModel):
    """An API key, shown this once."""

    id: UUID
    name: str
    roles: list[str]
    key: str


class KeyShown(BaseModel):
    """An API key as it is listed."""

    id: UUID
    name: str
    roles: list[str]
    acts_for: str | None
    revoked: bool


@router.post("/keys", status_code=201)
async def issue_key(body: NewKey, command: CommandDep, gateway: GatewayDep) -> IssuedKey:
    """Issue an API key. It is shown once and kept as a keyed hash. With an Idempotency-Key sent again: the same key."""
    command.caller.need("administrator")
    person_id = None
    if body.acts_for is not None:
        person = await gateway.directory.by_login(body.acts_for)
        if person is None:
            raise Problem(
                422, f"acts_for: nobody is called {body.acts_for!r}.", fields={"acts_for": "must be a known person"}
            )
        person_id = str(person.person_id)
    key_id = derived("key", command.command_id)
    if command.request_digest is None:
        secret = new_secret(KEY_PREFIX)
    else:  # derived, so that the answer to a repeat is the first answer although only the hash is kept
        secret = f"{KEY_PREFIX}_{keyed_digest(gateway.settings.derived_key('api-key-secret'), str(command.command_id))}"
    key_hash = keyed_digest(gateway.settings.derived_key("api-key"), secret)
    await gateway.keys.execute(
        key_id, lambda _: domain.issue_key(name=body.name, roles=body.roles, key_hash=key_hash, person_id=person_id),
        command.context(),
    )  # fmt: skip
    return IssuedKey(id=key_id, name=body.name, roles=sorted(set(body.roles)), key=secret)


@router.get("/keys")
async def list_keys(caller: CallerDep, gateway: GatewayDep) -> dict[str, list[KeyShown]]:
    """List the API keys there are, without their secrets."""
    caller.need("administrator")
    rows = await gateway.pool.fetch("SELECT * FROM api_key ORDER BY name, stream_id")
    people = await gateway.directory.people({row["person_id"] for row in rows if row["person_id"]})
    return {
        "items": [
            KeyShown(
                id=row["stream_id"], name=row["name"], roles=row["roles"], revoked=row["revoked"],
                acts_for=people[row["person_id"]].shown["login"] if row["person_id"] in people else None,
            )
            for row in rows
        ]
    }  # fmt: skip


@router.delete("/keys/{key_id}", status_code=204)
async def revoke_key(key_id: UUID, command: CommandDep, gateway: GatewayDep) -> None:
    """Revoke a key. Every service refuses it within about a second."""
    command.caller.need("administrator")
    await gateway.keys.execute(key_id, domain.revoke_key, command.context())


class AccountShown(BaseModel):
    """An account."""

    person_id: UUID
    login: str | None
    name: str | None
    email: str | None
    roles: list[str]
    active: bool


@router.get("/accounts")
async def list_accounts(caller: CallerDep, gateway: GatewayDep) -> dict[str, list[AccountShown]]:
    """List the accounts there are."""
    caller.need("administrator")
    rows = await gateway.pool.fetch("SELECT * FROM person WHERE account IS NOT NULL ORDER BY login, stream_id")
    return {
        "items": [
            AccountShown(
                person_id=row["stream_id"], login=row["login"], name=row["name"], email=row["email"],
                roles=row["account"]["roles"], active=row["account"].get("active", True),
            )
            for row in rows
        ]
    }  # fmt: skip


class PasswordBody(Strict):
    """A new password."""

    password: Password
    current: Annotated[Text, StringConstraints(max_length=200)] | None = Field(None, description="Needed for one's own")


@router.put("/accounts/{login}/password", status_code=204)
async def set_password(login: Line, body: PasswordBody, command: CommandDep, gateway: GatewayDep) -> None:
    """Set an account's password: one's own (with the current one), or anybody's as an administrator."""
    person = await gateway.directory.by_login(login)
    own = person is not None and person.person_id == command.caller.person_id
    if not own:
        command.caller.need("administrator")
    if person is None or person.account is None:
        raise Problem(404, f"There is no account {login!r}.")
    if own and not await gateway.check_password(person.person_id, body.current or ""):
        raise Problem(422, "The current password is another.", fields={"current": "is not your current password"})
    await gateway.set_password(person.person_id, body.password, command.context())


# -- called by `ledgerdesk org apply` --------------------------------------------------------------------------------


class AccountEntry(Strict):
    """An account of an organisation file."""

    person_id: Id
    login: Line
    name: Line | None = None
    email: Email | None = None
    roles: Annotated[list[Role], Field(min_length=1)]
    active: bool = True
    password: Password | None = None


class GatewaySection(Strict):
    """What the gateway owns of an organisation file."""

    accounts: list[AccountEntry] = []


class Applied(BaseModel):
    """How many entries changed, and the position of the store that holds them."""

    changed: int
    position: int


internal = APIRouter(prefix="/internal/gateway", tags=["gateway"], include_in_schema=False)


@internal.put("/organisation")
async def apply_section(body: GatewaySection, caller: CallerDep, gateway: GatewayDep) -> Applied:
    """Make the accounts be what this section says. A password is set only for an account that has none."""
    caller.need("system", "administrator")
    changed = 0
    for entry in body.accounts:
        person_id = UUID(entry.person_id)
        _, version = await gateway.accounts.state(person_id)
        context = Context(derived("apply", "account", person_id, version), caller.actor, caller.via)
        result = await gateway.accounts.execute(
            person_id,
            lambda state, e=entry: domain.configure_account(  # type: ignore[misc] # mypy cannot infer a lambda's defaults
                state, person_id=e.person_id, roles=e.roles, active=e.active, login=e.login, name=e.name, email=e.email
            ),
            context,
        )
        changed += bool(result.events) and not result.repeat
        if entry.password is not None:
            events, _ = await gateway.credentials.store.load(derived("credential", person_id))
            if not events:
                once = Context(derived("apply", "password", person_id), caller.actor, caller.via)
                await gateway.set_password(person_id, entry.password, once)
    return Applied(changed=changed, position=await gateway.accounts.store.last_position())
