"""Identity: accounts, passwords, sessions, API keys. Pure; secrets come in as hashes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.contracts.event import Event, NewEvent, rfc3339
from shared.refusal import Refusal

SESSION_LIFETIME = timedelta(hours=12)
FAILURES_ALLOWED = 5
THROTTLE_WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Account:
    """An account: what it may do, and the last password's hash."""

    exists: bool = False
    roles: tuple[str, ...] = ()
    active: bool = False
    login: str | None = None
    name: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """An API key."""

    name: str | None = None
    roles: tuple[str, ...] = ()
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """A session."""

    person_id: str | None = None
    expires_at: str | None = None
    revoked: bool = False


def evolve_account(state: Account, event: Event) -> Account:
    """Fold an account's event."""
    if event.name == "personal_erased":
        return Account()
    personal = event.personal or {}
    return replace(
        state, exists=True, roles=tuple(event.data["roles"]), active=event.data.get("active", True),
        login=personal.get("login"), name=personal.get("name"), email=personal.get("email"),
    )  # fmt: skip


def evolve_key(state: Key, event: Event) -> Key:
    """Fold a key's event."""
    if event.name == "revoked":
        return replace(state, revoked=True)
    return Key(event.data["name"], tuple(event.data["roles"]))


def evolve_session(state: Session, event: Event) -> Session:
    """Fold a session's event."""
    return replace(
        state, person_id=event.data["person_id"], expires_at=event.data["expires_at"], revoked=event.name == "revoked"
    )


def configure_account(
    state: Account,
    *,
    person_id: str,
    roles: Sequence[str],
    active: bool,
    login: str,
    name: str | None,
    email: str | None,
) -> list[NewEvent]:
    """Open or change an account; nothing, if it is so already."""
    wanted = Account(True, tuple(sorted(set(roles))), active, login, name, email)
    if wanted == state:
        return []
    data = {"person_id": person_id, "roles": list(wanted.roles), "active": active}
    personal = {key: value for key, value in (("login", login), ("name", name), ("email", email)) if value}
    return [NewEvent("ledgerdesk.account.configured", data, personal)]


def configure_role(new: dict[str, Any], old: dict[str, Any] | None) -> list[NewEvent]:
    """Configure a role; nothing, if it is so already. Each change is its next version."""
    before = old["version"] if old else 0
    if {**new, "version": before} == old:
        return []
    return [NewEvent("ledgerdesk.role.configured", {"new": {**new, "version": before + 1}, "old": old})]


def set_password(password_hash: str) -> list[NewEvent]:
    """Set a password, given as argon2 hash."""
    return [NewEvent("ledgerdesk.credential.password_set", {"hash": password_hash})]


def start_session(person_id: str, now: datetime) -> list[NewEvent]:
    """Sign in."""
    expires = rfc3339(now + SESSION_LIFETIME)
    return [NewEvent("ledgerdesk.session.started", {"person_id": person_id, "expires_at": expires})]


def revoke_session(state: Session) -> list[NewEvent]:
    """Sign out; doing it twice is no mistake.

    Raises:
        Refusal: There is no such session.
    """
    if state.person_id is None:
        raise Refusal("There is no such session.", status=404)
    if state.revoked:
        return []
    return [NewEvent("ledgerdesk.session.revoked", {"person_id": state.person_id, "expires_at": state.expires_at})]


def issue_key(*, name: str, roles: Sequence[str], key_hash: str, person_id: str | None) -> list[NewEvent]:
    """Issue an API key, known by its keyed hash."""
    data: dict[str, Any] = {"name": name, "roles": sorted(set(roles)), "hash": key_hash, "person_id": person_id}
    return [NewEvent("ledgerdesk.api_key.issued", data)]


def revoke_key(state: Key) -> list[NewEvent]:
    """Revoke a key; doing it twice is no mistake.

    Raises:
        Refusal: There is no such key.
    """
    if state.name is None:
        raise Refusal("There is no such key.", status=404)
    return [] if state.revoked else [NewEvent("ledgerdesk.api_key.revoked", {"reason": None})]
