"""Who calls: verified by every service itself, from its own copy of keys, sessions and people."""

import hmac
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_network
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Request
from fastapi.security import APIKeyCookie, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials
from pydantic import TypeAdapter, ValidationError

from shared.contracts.canonical import keyed_digest
from shared.contracts.event import Via
from shared.contracts.fields import Email
from shared.db import Pool
from shared.directory.people import Directory, Person
from shared.http.cookies import COOKIE, session_cookie
from shared.http.guests import PURPOSE, guest_stream, may_be_guest, need_guests_door
from shared.http.known import Known, address_of
from shared.http.problems import Problem
from shared.http.rights import OVERSIGHT, STAFF, Caller
from shared.http.seen import Seen
from shared.http.sight import ALL
from shared.http.standing import roles_in_departments, sight_of
from shared.settings import Settings
from shared.tokens import TokenError, Tokens
from shared.waiting import wait_for

__all__ = [
    "STAFF",
    "Again",
    "AgainDep",
    "Authenticator",
    "Caller",
    "CallerDep",
    "CallerOrGuestDep",
    "authenticate",
    "unauthenticated",
]

KEY_PREFIX = "ldk"
REMEMBER = 1.0
"""Seconds for which a verified credential is not looked up again: a revocation takes that long, plus the lag."""
MOST_REMEMBERED = 10_000

_EMAIL: TypeAdapter[str] = TypeAdapter(Email)


class Authenticator:
    """Turns credentials into callers, for one service."""

    def __init__(self, settings: Settings, pool: Pool, directory: Directory, tokens: Tokens, seen: Seen) -> None:
        self._seen = seen
        self._pool = pool
        self._directory = directory
        self._tokens = tokens
        self._key_secret = settings.derived_key("api-key")
        self._admin_key = settings.admin_api_key.get_secret_value()
        self._known: dict[str, Known] = {}

    async def caller(self, token: str, address: str | None = None) -> Caller | None:
        """Return who a bearer token stands for; None when it is not good.

        Raises:
            Problem: 403, a key that is not good from this address.
        """
        now = time.monotonic()
        known = self._known.get(token)
        if known is None or known.until <= now:
            known = await self._look_up(token, now + REMEMBER)
            if known is None:
                self._known.pop(token, None)
                return None
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[token] = known
        if known.expires_at is not None and known.expires_at <= datetime.now(UTC):
            return None
        known.need_place(address)
        if known.used is not None:
            self._seen.note(*known.used)
        return known.caller

    async def _look_up(self, token: str, until: float) -> Known | None:
        if self._admin_key and hmac.compare_digest(token.encode(), self._admin_key.encode()):
            admin = Caller(None, None, "Administrator's key", None, frozenset({"administrator"}), Via("key", "admin"))
            return Known(admin, until)
        if token.startswith(f"{KEY_PREFIX}_"):
            return await self._by_key(keyed_digest(self._key_secret, token), until)
        try:
            self._tokens.check_internal(token)
        except TokenError:
            return await self._by_session(token, until)
        return Known(Caller(None, None, "Ledgerdesk", None, frozenset({"system"}), Via("system", "internal")), until)

    async def _by_key(self, digest: str, until: float) -> Known | None:
        row = await self._pool.fetchrow("SELECT * FROM api_key WHERE hash = $1 AND NOT revoked", digest)
        if row is None:
            return None
        via = Via("key", row["name"])
        caller = Caller(None, None, row["name"], None, frozenset(row["roles"]), via)
        if row["person_id"] is not None:
            person = await wait_for(partial(self._directory.by_id, row["person_id"]))  # it comes on another topic
            if person is None or person.forgotten or (person.account and not person.account.get("active", True)):
                return None
            caller = await self._of(person, via, frozenset(row["roles"]))
        networks = tuple(ip_network(cidr) for cidr in row["cidrs"])
        return Known(caller, until, ("key", row["stream_id"]), networks, row["expires_at"])

    async def _by_session(self, token: str, until: float) -> Known | None:
        try:
            session = self._tokens.read_session(token)
        except TokenError:
            return await self._by_link(token, until)
        revoked = await self._pool.fetchval("SELECT revoked FROM session WHERE stream_id = $1", session.session_id)
        if revoked:
            return None
        person = await wait_for(partial(self._with_account, session.person_id))
        if person is None or person.forgotten or person.account is None or not person.account.get("active", True):
            return None
        over = session.generation < person.account.get("generation", 0)
        if over and person.account.get("kept") != str(session.session_id):
            return None
        roles = person.roles - set(session.without) or frozenset({"requester"})
        caller = await self._of(person, Via("session", str(session.session_id)), roles)
        return Known(caller, until, ("session", session.session_id), (), session.expires_at)

    async def _with_account(self, person_id: UUID) -> Person | None:
        """Return who has an account, or had one; None while it has not been heard of here.

        The gateway gives a session to nobody else, and whoever asks by one has its signature: he alone waits. An account is never
        taken out of the directory: what was put out of force, or belonged to somebody forgotten, is known to be so at once.
        """
        person = await self._directory.by_id(person_id)
        return person if person is not None and (person.account is not None or person.forgotten) else None

    async def _by_link(self, token: str, until: float) -> Known | None:
        """Return the guest to whom a token was given for his link."""
        try:
            said = self._tokens.read_short(PURPOSE, token)
            ticket, link, person_id = (UUID(str(said[name])) for name in ("ticket", "link", "sub"))
        except (TokenError, KeyError, ValueError):
            return None
        if await self._pool.fetchval(
            "SELECT revoked ? $2 FROM guest WHERE stream_id = $1", guest_stream(ticket), str(link)
        ):
            return None
        person = await wait_for(partial(self._directory.by_id, person_id))  # the link may be quicker than its requester
        if person is None or not may_be_guest(person):
            return None
        guest = Caller(
            person_id, None, person.name, person.email, frozenset({"requester"}), Via("link", str(link)), ticket=ticket
        )  # fmt: skip
        return Known(guest, until, None, (), datetime.fromtimestamp(int(str(said["exp"])), UTC))

    async def _of(self, person: Person, via: Via, roles: frozenset[str] | None = None) -> Caller:
        """Return a person as caller, with his own roles or those of the key."""
        is_agent = bool(person.agent and person.agent.get("active", True))
        roles = person.roles if roles is None else roles
        sight, organisation = ALL, None
        by_department = await roles_in_departments(self._directory, person, roles)
        if roles & OVERSIGHT:
            pass  # whoever leads, administers or reports sees the whole desk
        elif roles & STAFF:
            sight = await sight_of(self._directory, person, by_department)
        elif person.organisation is not None:
            entry = await self._directory.entry("organisation", person.organisation)
            organisation = person.organisation if entry and entry.get("shared") and entry.get("active", True) else None
        return Caller(
            person.person_id, person.login, person.name, person.email, roles, via, is_agent, sight, organisation, by_department
        )  # fmt: skip

    async def on_behalf(self, caller: Caller, who: str, *, met: bool = False) -> Caller:
        """Return the person for whom an administrator's or system key acts: rights and actor are the person's.

        Who has been met elsewhere by now (`met`: there is a ticket, which he may have opened a moment ago) is waited for.

        Raises:
            Problem: 403, the caller may not; 422, nobody of that name.
        """
        if not caller.roles & {"administrator", "system"} or caller.via.kind not in {"key", "system"}:
            raise Problem(
                403, "Only an administrator's or system key may act for somebody else.",
                fields={"Ledgerdesk-On-Behalf-Of": "is not allowed with this credential"},
            )  # fmt: skip
        look = partial(self._directory.by_login, who)
        person = await (wait_for(look) if met else look())
        if person is not None:
            return await self._of(person, caller.via)
        with suppress(ValidationError):  # not met yet: a requester, whom intake will register with the first ticket
            return Caller(None, None, None, _EMAIL.validate_python(who), frozenset({"requester"}), caller.via)
        raise Problem(
            422, f"Nobody has the login or e-mail address {who!r}.",
            fields={"Ledgerdesk-On-Behalf-Of": "must be a login or an e-mail address that the directory knows"},
        )  # fmt: skip


_bearer = HTTPBearer(auto_error=False, description="An API key (`ldk_…`) or a session's token.")
_cookie = APIKeyCookie(
    name=COOKIE,
    auto_error=False,
    description="A browser's session, for reading only; over https its name begins with __Host-.",
)


def unauthenticated() -> Problem:
    """Return the answer to a caller who has not said who it is."""
    return Problem(
        401, "Send `Authorization: Bearer <API key or session token>`; POST /api/v1/sessions gives a token.",
        headers={"WWW-Authenticate": "Bearer"},
    )  # fmt: skip


BearerDep = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def _own_cookie(request: Request, plain: Annotated[str | None, Depends(_cookie)]) -> str | None:
    """Return the session's cookie: over https the one alone that nobody else can have planted."""
    settings: Settings = request.app.state.settings
    return request.cookies.get(session_cookie(settings)) if settings.is_https else plain


CookieDep = Annotated[str | None, Depends(_own_cookie)]
OnBehalfOf = Annotated[
    str | None,
    Header(alias="Ledgerdesk-On-Behalf-Of", max_length=254, description="Login or e-mail of whom a key acts for"),
]


async def authenticate(
    request: Request, bearer: BearerDep, cookie: CookieDep, on_behalf_of: OnBehalfOf = None
) -> Caller:
    """Return the caller of a request.

    Raises:
        Problem: 401; or 403/422 for an act on somebody's behalf that cannot be.
    """
    authenticator: Authenticator = _authenticator(request)
    token = bearer.credentials if bearer else None
    if token is None and cookie and request.method in {"GET", "HEAD"}:
        token = cookie  # a cookie never changes anything here: no request forged elsewhere can use it
    caller = await authenticator.caller(token, address_of(request)) if token else None
    if caller is None:
        raise unauthenticated()
    need_guests_door(request, caller)
    if on_behalf_of:
        caller = await authenticator.on_behalf(caller, on_behalf_of.strip(), met="ref" in request.path_params)
    return caller


async def authenticate_if_said(
    request: Request, bearer: BearerDep, cookie: CookieDep, on_behalf_of: OnBehalfOf = None
) -> Caller | None:
    """Return the caller of a request that a guest may make, too: None for one who does not say who he is.

    Raises:
        Problem: 401, he says it and it is not so; else as `authenticate`.
    """
    if bearer is None and cookie is None and on_behalf_of is None:
        return None
    return await authenticate(request, bearer, cookie, on_behalf_of)


def _authenticator(request: Request) -> Any:
    """Return the authenticator of the service whose route this is: each service looks into its own tables."""
    service = request.scope["route"].tags[0] if getattr(request.scope.get("route"), "tags", None) else "gateway"
    services = request.app.state.services
    chosen = services.get(service) or next(iter(services.values()))
    return chosen.authenticator


CallerDep = Annotated[Caller, Depends(authenticate)]
CallerOrGuestDep = Annotated[Caller | None, Depends(authenticate_if_said)]
Again = Callable[[], Awaitable[Caller]]


async def asked_again(request: Request, bearer: BearerDep, cookie: CookieDep, on_behalf_of: OnBehalfOf = None) -> Again:
    """Return how to find out who calls, now and later: for an answer that outlives a session, or a change of rights."""
    return partial(authenticate, request, bearer, cookie, on_behalf_of)


AgainDep = Annotated[Again, Depends(asked_again)]
