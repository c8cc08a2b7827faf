"""Payloads of what people sign in with. Their streams stay in the gateway's schema and go to no topic."""

from typing import Literal

from shared.contracts.fields import Id, Key, Strict, Text


class PasswordSet(Strict):
    """The argon2 hash."""

    hash: Text


class TotpEnrolled(Strict):
    """A secret for one-time codes was offered, encrypted under a key derived from the stack's; good once it is confirmed."""

    secret: Text


class TotpStep(Strict):
    """A code was shown: that of this step of 30 seconds since 1970, so that neither it nor an earlier one is good again."""

    step: int


class TotpRemoved(Strict):
    """No codes are asked for any more; the recovery codes went with the secret."""


class RecoveryCodesMade(Strict):
    """Codes for who has lost his device, by keyed hash; earlier ones are void."""

    hashes: list[Key]


class RecoveryCodeUsed(Strict):
    hash: Key


class LinkIssued(Strict):
    """A one-time link to set a password, by the keyed hash of its secret; an earlier one is void."""

    hash: Key
    expires_at: str
    purpose: Literal["invitation", "reset"]


class LinkUsed(Strict):
    hash: Key


class IdentityBound(Strict):
    """The account belongs to one identity of this issuer: `subject` is its keyed hash."""

    issuer: Text
    subject: Key


class IdentityUnbound(Strict):
    issuer: Text


class IdentityLinked(Strict):
    """On the identity's own stream: whose it is."""

    person_id: Id


class IdentityUnlinked(Strict):
    """Nobody's any more."""
