"""What the gateway's routes work with."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import Depends
from pydantic import StringConstraints

from services.gateway import domain
from shared.configuration import Entry
from shared.contracts.canonical import keyed_digest
from shared.contracts.event import Via
from shared.contracts.fields import Text
from shared.contracts.ids import derived, random_id
from shared.db import Pool
from shared.directory.people import Directory
from shared.eventstore.ledger import Context, Ledger
from shared.http.caller import Caller
from shared.http.problems import Problem
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
    entries: Ledger[Entry]
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
