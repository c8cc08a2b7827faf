"""Accounts, sessions, API keys."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

from shared.contracts.event import Event, NewEvent, rfc3339
from shared.refusal import Refusal

SESSION_LIFETIME = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Account:
    """An account: what it may do, whose it is, and which of its sessions are over: those of an earlier generation but the one kept."""

    exists: bool = False
    roles: tuple[str, ...] = ()
    active: bool = False
    login: str | None = None
    name: str | None = None
    email: str | None = None
    generation: int = 0
    kept: str | None = None


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
    generation: int = 0
    began_at: datetime | None = None


def evolve_account(state: Account, event: Event) -> Account:
    """Fold an account's event."""
    if event.name == "signed_out":
        return replace(state, generation=event.data["generation"], kept=event.data.get("kept"))
    if event.name == "personal_erased":
        return Account(generation=state.generation)
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
        state, person_id=event.data["person_id"], expires_at=event.data["expires_at"], revoked=event.name == "revoked",
        generation=event.data.get("generation", state.generation), began_at=state.began_at or event.occurred_at,
    )  # fmt: skip


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
    wanted = Account(True, tuple(sorted(set(roles))), active, login, name, email, state.generation, state.kept)
    if wanted == state:
        return []
    data = {"person_id": person_id, "roles": list(wanted.roles), "active": active}
    personal = {key: value for key, value in (("login", login), ("name", name), ("email", email)) if value}
    return [NewEvent("ledgerdesk.account.configured", data, personal)]


def configure_entry(kind: str, new: dict[str, Any], old: dict[str, Any] | None) -> list[NewEvent]:
    """Configure a role, or the branding; nothing, if it is so already. Each change is its next version."""
    before = old["version"] if old else 0
    if {**new, "version": before} == old:
        return []
    return [NewEvent(f"ledgerdesk.{kind}.configured", {"new": {**new, "version": before + 1}, "old": old})]


def start_session(person_id: str, now: datetime, *, door: str, generation: int) -> list[NewEvent]:
    """Sign in. `generation` was the account's before it was asked who he is: what ends all sessions meanwhile ends this one."""
    expires = rfc3339(now + SESSION_LIFETIME)
    data = {
        "person_id": person_id, "expires_at": expires, "started_at": rfc3339(now), "door": door, "generation": generation,
    }  # fmt: skip
    return [NewEvent("ledgerdesk.session.started", data)]


def sign_out_everywhere(state: Account, kept: str | None = None) -> list[NewEvent]:
    """End all sessions of an account there are, but for the one that is kept."""
    return [NewEvent("ledgerdesk.account.signed_out", {"generation": state.generation + 1, "kept": kept})]


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


def issue_key(
    now: datetime,
    *,
    name: str,
    roles: Sequence[str],
    key_hash: str,
    person_id: str | None,
    cidrs: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> list[NewEvent]:
    """Issue an API key, known by its keyed hash.

    Raises:
        Refusal: It would be expired already, or a network is none.
    """
    if expires_at is not None and expires_at <= now:
        raise Refusal("expires_at: must be in the future.", status=422, field="expires_at")
    data: dict[str, Any] = {
        "name": name, "roles": sorted(set(roles)), "hash": key_hash, "person_id": person_id,
        "cidrs": sorted({_network(cidr) for cidr in cidrs}), "expires_at": rfc3339(expires_at) if expires_at else None,
    }  # fmt: skip
    return [NewEvent("ledgerdesk.api_key.issued", data)]


def _network(cidr: str) -> str:
    try:
        return str(ip_network(cidr))
    except ValueError:
        message = f"cidrs: {cidr!r} is no network such as 10.1.0.0/16 or 2001:db8::/32 (host bits must be 0)."
        raise Refusal(message, status=422, field="cidrs") from None


def revoke_key(state: Key) -> list[NewEvent]:
    """Revoke a key; doing it twice is no mistake.

    Raises:
        Refusal: There is no such key.
    """
    if state.name is None:
        raise Refusal("There is no such key.", status=404)
    return [] if state.revoked else [NewEvent("ledgerdesk.api_key.revoked", {"reason": None})]
