"""What the gateway's routes work with."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response
from pydantic import StringConstraints

from services.gateway import domain
from services.gateway.domain.credentials import Credentials, Identity
from services.gateway.guests import GuestAccess
from services.gateway.linking import Linking
from services.gateway.oidc import Providers
from services.gateway.signing_in import SignIns
from shared.configuration import Entry
from shared.contracts.fields import Text
from shared.db import Pool
from shared.directory.people import Directory, Person
from shared.eventstore.ledger import Ledger
from shared.files import Files
from shared.http.cookies import session_cookie
from shared.http.problems import Problem
from shared.service import component
from shared.settings import Settings
from shared.tokens import Tokens

Password = Annotated[Text, StringConstraints(min_length=8, max_length=200)]
GivenPassword = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
Code = Annotated[Text, StringConstraints(min_length=6, max_length=40)]
"""A one-time code or a recovery code."""


@dataclass(slots=True)
class Gateway:
    """What the gateway's routes work with."""

    settings: Settings
    pool: Pool
    directory: Directory
    tokens: Tokens
    accounts: Ledger[domain.Account]
    credentials: Ledger[Credentials]
    identities: Ledger[Identity]
    keys: Ledger[domain.Key]
    sessions: Ledger[domain.Session]
    entries: Ledger[Entry]
    sign_ins: SignIns
    linking: Linking
    providers: Providers
    guests: GuestAccess
    files: Files

    async def account(self, login: str) -> Person:
        """Return who has an account by login or address.

        Raises:
            Problem: 404.
        """
        person = await self.directory.by_login(login)
        if person is None or person.account is None:
            raise Problem(404, f"There is no account {login!r}.")
        return person


GatewayDep = Annotated[Gateway, Depends(component("gateway"))]


def give_session(response: Response, settings: Settings, token: str) -> None:
    """Give a browser its session as a cookie, which no script reads and no other site's form sends."""
    response.set_cookie(
        session_cookie(settings), token, max_age=int(domain.SESSION_LIFETIME.total_seconds()), httponly=True, samesite="lax",
        secure=settings.is_https,
    )  # fmt: skip


def own_session(via_kind: str, via_id: str) -> UUID:
    """Return the session that a request came by.

    Raises:
        Problem: 409, it came by none: what people sign in with is changed by themselves, not by a program with a key.
    """
    if via_kind != "session":
        raise Problem(409, "This takes a session: sign in, and send its token.")
    return UUID(via_id)
