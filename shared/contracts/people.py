"""Payloads of people, and of how they sign in: `ledgerdesk.directory` and `ledgerdesk.identity`. Secrets are in `credentials`."""

from typing import Annotated

from pydantic import Field

from shared.contracts.fields import Email, Id, Key, Line, Role, Strict, Tag


class PersonRegistered(Strict):
    """Somebody is known to the desk from here on."""

    organisation: Key | None = None


class PersonPersonal(Strict):
    """Who he is."""

    email: Email | None = None
    name: Line | None = None


class AccountConfigured(Strict):
    """An account, keyed by the person; what it may do."""

    person_id: Id
    roles: list[Role]
    active: bool = True


class AccountPersonal(Strict):
    """As whom somebody signs in."""

    login: Line
    name: Line | None = None
    email: Email | None = None


class SignedOut(Strict):
    """All sessions of an account that began in an earlier generation are over, but for the one that is kept."""

    generation: Annotated[int, Field(ge=1)]
    kept: Id | None = None


class SessionStarted(Strict):
    """Somebody signed in.

    Attributes:
        door: How: `password`, `password+code`, `link`, `oidc:…`.
        generation: Of the account's sessions; see `SignedOut`.
    """

    person_id: Id
    expires_at: str
    started_at: str | None = None
    door: Tag | None = None
    generation: int = 0


class SessionRevoked(Strict):
    """A session was ended before its time."""

    person_id: Id
    expires_at: str


class ApiKeyIssued(Strict):
    """A key, by its keyed hash; `person_id` is None for another system.

    Attributes:
        cidrs: The networks from which it is good; none: all.
        expires_at: Until when; None: until it is revoked.
    """

    name: Tag
    roles: list[Role]
    hash: Key
    person_id: Id | None = None
    cidrs: Annotated[list[Key], Field(max_length=50)] = []
    expires_at: str | None = None


class ApiKeyRevoked(Strict):
    """A key is good no more."""

    reason: Tag | None = None
