"""What people sign in with: passwords, one-time codes, links to set a password, identities elsewhere."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any, Literal

from shared.contracts.event import Event, NewEvent, rfc3339
from shared.refusal import Refusal

RECOVERY_CODES = 10
LINK_LIFETIME: Mapping[str, timedelta] = {"invitation": timedelta(days=7), "reset": timedelta(hours=24)}
UNUSABLE = "This link is not good any more: it was used, it is too old, or there is a newer one. Ask for another."
WRONG_CODE = "The code is wrong or was used already: wait for the next one."
Purpose = Literal["invitation", "reset"]


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link that was not used yet."""

    hash: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one person signs in with.

    Attributes:
        password: The argon2 hash.
        totp: The secret for one-time codes, encrypted; None: no second step.
        offered: One that is not confirmed yet.
        step: The last step of which a code was taken.
        recovery: Keyed hashes of recovery codes that are left.
        identities: Issuer to keyed hash of the subject there.
    """

    password: str | None = None
    totp: str | None = None
    offered: str | None = None
    step: int = -1
    recovery: frozenset[str] = frozenset()
    link: Link | None = None
    identities: Mapping[str, str] = field(default_factory=dict)


_CHANGES: Mapping[str, Callable[[Credentials, dict[str, Any]], dict[str, Any]]] = {
    "password_set": lambda _, said: {"password": said["hash"], "link": None},
    "totp_enrolled": lambda _, said: {"offered": said["secret"]},
    "totp_confirmed": lambda state, said: {"totp": state.offered, "offered": None, "step": said["step"]},
    "totp_used": lambda _, said: {"step": said["step"]},
    "totp_removed": lambda *_: {"totp": None, "offered": None, "recovery": frozenset()},
    "recovery_codes_made": lambda _, said: {"recovery": frozenset(said["hashes"])},
    "recovery_code_used": lambda state, said: {"recovery": state.recovery - {said["hash"]}},
    "link_issued": lambda _, said: {"link": Link(said["hash"], datetime.fromisoformat(said["expires_at"]))},
    "link_used": lambda *_: {"link": None},
    "identity_bound": lambda state, said: {"identities": {**state.identities, said["issuer"]: said["subject"]}},
    "identity_unbound": lambda state, said: {
        "identities": {issuer: subject for issuer, subject in state.identities.items() if issuer != said["issuer"]}
    },
}


def evolve(state: Credentials, event: Event) -> Credentials:
    """Fold an event of a person's credentials."""
    change = _CHANGES.get(event.name)
    return replace(state, **change(state, event.data)) if change else state


def _fact(name: str, **data: Any) -> NewEvent:
    return NewEvent(f"ledgerdesk.credential.{name}", data)


def set_password(password_hash: str) -> list[NewEvent]:
    """Set a password, given as argon2 hash. A link that is still open is void."""
    return [_fact("password_set", hash=password_hash)]


# -- one-time codes --------------------------------------------------------------------------------------------------


def enrol_totp(state: Credentials, secret: str) -> list[NewEvent]:
    """Offer an (encrypted) secret; one offered before is void.

    Raises:
        Refusal: There is one in use.
    """
    if state.totp is not None:
        raise Refusal("One-time codes are in use already: switch them off first.")
    return [_fact("totp_enrolled", secret=secret)]


def confirm_totp(state: Credentials, step: int | None, recovery: Sequence[str]) -> list[NewEvent]:
    """Take the offered secret into use, since a code of it was shown; with recovery codes, by keyed hash.

    Args:
        state: The credentials.
        step: The step whose code it was; None: it was a wrong one.
        recovery: Keyed hashes.

    Raises:
        Refusal: The code is wrong, or nothing was offered.
    """
    if state.offered is None:
        raise Refusal("There is no secret to confirm: begin with one.")
    if step is None:
        raise Refusal("code: is not the one that the secret gives now.", status=422, field="code")
    return [_fact("totp_confirmed", step=step), _fact("recovery_codes_made", hashes=list(recovery))]


def use_code(state: Credentials, step: int | None, recovery_hash: str) -> list[NewEvent]:
    """Take a one-time code or a recovery code; each is good once, and no code that is older than the last.

    Args:
        state: The credentials.
        step: The step whose code it was; None: of none near now.
        recovery_hash: The keyed hash of what was typed, if it was a recovery code.

    Raises:
        Refusal: It is neither, or was used.
    """
    if state.totp is not None and step is not None and step > state.step:
        return [_fact("totp_used", step=step)]
    if state.totp is not None and recovery_hash in state.recovery:
        return [_fact("recovery_code_used", hash=recovery_hash)]
    raise Refusal(WRONG_CODE, status=401, field="code")


def remove_totp(state: Credentials) -> list[NewEvent]:
    """Ask for no codes any more."""
    return [_fact("totp_removed")] if state.totp is not None or state.offered is not None else []


def make_recovery_codes(state: Credentials, hashes: Sequence[str]) -> list[NewEvent]:
    """Make new recovery codes; the earlier ones are void.

    Raises:
        Refusal: There are no one-time codes that they could stand in for.
    """
    if state.totp is None:
        raise Refusal("One-time codes are not in use: there is nothing to recover.")
    return [_fact("recovery_codes_made", hashes=list(hashes))]


# -- one-time links --------------------------------------------------------------------------------------------------


def issue_link(link_hash: str, purpose: Purpose, now: datetime) -> list[NewEvent]:
    """Issue a link to set a password; an earlier one is void."""
    return [
        _fact("link_issued", hash=link_hash, purpose=purpose, expires_at=rfc3339(now + LINK_LIFETIME[purpose])),
    ]


def check_link(state: Credentials, link_hash: str, now: datetime) -> None:
    """Require that a link is good.

    Raises:
        Refusal: It is not; why is not said, since who asks may be anybody.
    """
    if state.link is None or not compare_digest(state.link.hash, link_hash) or state.link.expires_at <= now:
        raise Refusal(UNUSABLE, status=410, field="token")


def use_link(state: Credentials, link_hash: str, password_hash: str, now: datetime) -> list[NewEvent]:
    """Set a password by a link, which is good once.

    Raises:
        Refusal: It is not good.
    """
    check_link(state, link_hash, now)
    return [_fact("link_used", hash=link_hash), *set_password(password_hash)]


# -- identities elsewhere --------------------------------------------------------------------------------------------


def bind_identity(state: Credentials, issuer: str, subject: str) -> list[NewEvent]:
    """Say that the account belongs to this identity of the issuer; nothing, if it does already.

    Raises:
        Refusal: It belongs to another identity there: an address that was given to somebody else must not bring the account along.
    """
    bound = state.identities.get(issuer)
    if bound is not None and bound != subject:
        raise Refusal(
            "This account belongs to another identity of that provider. An administrator can undo the link.", status=403
        )
    return [] if bound == subject else [_fact("identity_bound", issuer=issuer, subject=subject)]


def unbind_identity(state: Credentials, issuer: str) -> list[NewEvent]:
    """Undo that; nothing, if there is no such link."""
    return [_fact("identity_unbound", issuer=issuer)] if issuer in state.identities else []


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity elsewhere, and whose it is here."""

    person_id: str | None = None


def evolve_identity(state: Identity, event: Event) -> Identity:
    """Fold an identity's event."""
    return replace(state, person_id=event.data["person_id"] if event.name == "linked" else None)


def link_identity(state: Identity, person_id: str) -> list[NewEvent]:
    """Say whose the identity is."""
    return [] if state.person_id == person_id else [NewEvent("ledgerdesk.identity.linked", {"person_id": person_id})]


def unlink_identity(state: Identity) -> list[NewEvent]:
    """It is nobody's any more."""
    return [] if state.person_id is None else [NewEvent("ledgerdesk.identity.unlinked", {})]
