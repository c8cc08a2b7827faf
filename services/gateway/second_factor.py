"""One-time codes (TOTP, RFC 6238): secrets encrypted at rest, recovery codes as keyed hashes."""

import base64
import secrets
from datetime import datetime
from hmac import compare_digest
from uuid import UUID

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.gateway.domain.credentials import RECOVERY_CODES
from shared.contracts.canonical import keyed_digest
from shared.settings import Settings

ISSUER = "Ledgerdesk"
STEP_SECONDS = 30
_NEAR = (0, -1, 1)
"""Steps before and after now of which a code is taken: clocks differ, and typing takes time."""
_NONCE = 12
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Of recovery codes: nothing in it looks like something else."""
_LENGTH = 10


class UnreadableSecretError(RuntimeError):
    """A secret was encrypted under another stack's key."""


class SecondFactor:
    """Makes and reads secrets. Their key derives from the stack's secret: who has the database alone can make no codes."""

    def __init__(self, settings: Settings) -> None:
        self._cipher = AESGCM(settings.derived_key("totp"))
        self._recovery_key = settings.derived_key("recovery-code")

    def new_secret(self) -> str:
        """Return a secret as authenticator apps take it."""
        return pyotp.random_base32()

    def encrypt(self, person_id: UUID, secret: str) -> str:
        """Return a secret as it is stored; bound to the person, so that it is of no use in another's stream."""
        nonce = secrets.token_bytes(_NONCE)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, secret.encode(), person_id.bytes)).decode()

    def decrypt(self, person_id: UUID, stored: str) -> str:
        """Return the secret.

        Raises:
            UnreadableSecretError: It is not this person's, or was encrypted under another key.
        """
        raw = base64.b64decode(stored)
        try:
            return self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], person_id.bytes).decode()
        except InvalidTag as error:
            raise UnreadableSecretError("a secret for one-time codes was encrypted under another key") from error

    def uri(self, secret: str, login: str) -> str:
        """Return the otpauth URI that a QR code holds."""
        return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)

    def step(self, secret: str, code: str, now: datetime) -> int | None:
        """Return the step of which this is the code; None, if it is of none near now."""
        totp, this = pyotp.TOTP(secret), int(now.timestamp()) // STEP_SECONDS
        for step in (this + near for near in _NEAR):
            if compare_digest(totp.generate_otp(step).encode(), code.encode()):
                return step
        return None

    def recovery_codes(self, command_id: UUID) -> list[str]:
        """Return recovery codes, of 49 bits each; derived, so that a repeat of the command is answered with the same."""
        return [self._recovery_code(f"{command_id}|{number}") for number in range(RECOVERY_CODES)]

    def _recovery_code(self, name: str) -> str:
        number, code = int(keyed_digest(self._recovery_key, name), 16), ""
        for _ in range(_LENGTH):
            number, rest = divmod(number, len(_ALPHABET))
            code += _ALPHABET[rest]
        return f"{code[: _LENGTH // 2]}-{code[_LENGTH // 2 :]}"

    def recovery_hash(self, person_id: UUID, code: str) -> str:
        """Return what is kept of a recovery code, however it was typed."""
        plain = "".join(code.lower().replace("-", "").split())
        return keyed_digest(self._recovery_key, f"{person_id}|{plain}")
