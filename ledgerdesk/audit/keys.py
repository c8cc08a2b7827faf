"""The key that seals are signed with, and the files beside it. None of this is in the database.

A database alone, in whoever's hands, can therefore neither forge a seal nor make the newest one disappear.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from ledgerdesk.audit.records import Record, RecordError, Ring, key_id, read

_END = b"-----END PUBLIC KEY-----"


class KeyFileError(RuntimeError):
    """A key file is missing or unusable; the message says what to do."""


@dataclass(frozen=True, slots=True)
class AuditFiles:
    """Where key, public key and the copy of the seals are."""

    key: Path
    public: Path
    seals: Path

    @classmethod
    def of(cls, data: Path) -> "AuditFiles":
        """Return those that the environment names, or else those of a data directory."""
        key = Path(os.environ.get("LEDGERDESK_AUDIT_KEY_FILE") or data / "audit.key")
        seals = os.environ.get("LEDGERDESK_AUDIT_SEALS_FILE")
        return cls.beside(key, Path(seals) if seals else None)

    @classmethod
    def beside(cls, key: Path, seals: Path | None = None) -> "AuditFiles":
        """Return the files that stand beside a key; the seals may be kept elsewhere, where the key's place is read-only."""
        return cls(key, key.with_suffix(".pub"), seals or key.with_name("seals.jsonl"))

    def make_key(self) -> bool:
        """Make a key, readable by us alone, and its public half. Returns whether one was made: never a second one.

        Raises:
            KeyFileError: The key is gone, but seals are there: a new one would sign on as if nothing had happened.
        """
        if self.key.exists():
            return False
        if self.seals.exists() or self.public.exists():
            raise KeyFileError(
                f"{self.key} is missing, but {self.public.name} or {self.seals.name} is there: put the key back; if it is "
                f"lost, see docs/provable-history.md"
            )
        key = Ed25519PrivateKey.generate()
        self.key.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        return True

    def private_key(self) -> Ed25519PrivateKey:
        """Return the key.

        Raises:
            KeyFileError: It is missing, or no Ed25519 key.
        """
        try:
            key = load_pem_private_key(self.key.read_bytes(), None)
        except (OSError, ValueError, TypeError) as error:
            raise KeyFileError(f"the audit key {self.key} cannot be read: {error}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFileError(f"{self.key} is no Ed25519 key: make one with `openssl genpkey -algorithm ed25519`")
        return key

    def ring(self) -> Ring:
        """Return the public keys; the key's own half where there is no file of them (a key that somebody else made).

        Raises:
            KeyFileError: There is neither, or a file holds something else.
        """
        if self.public.exists():
            return read_ring(self.public)
        public = self.private_key().public_key()
        return {key_id(public): public}

    def lines(self) -> list[str]:
        """Return the file's copies of the seals, oldest first; none if there is no file."""
        if not self.seals.exists():
            return []
        return [line for line in self.seals.read_text().splitlines() if line]

    def append(self, records: list[Record]) -> None:
        """Add seals to the file and have them on the disk."""
        if not records:
            return
        with self.seals.open("ab") as file:
            for record in records:
                file.write(record.line + b"\n")
            file.flush()
            os.fsync(file.fileno())


def read_ring(path: Path) -> Ring:
    """Return the public keys of a file: one or more PEM blocks, the old ones too where a key was replaced.

    Raises:
        KeyFileError: It cannot be read, or holds something else.
    """
    try:
        blocks = [part + _END for part in path.read_bytes().split(_END)[:-1]]
        keys = [load_pem_public_key(block.strip()) for block in blocks]
    except (OSError, ValueError) as error:
        raise KeyFileError(f"the public key {path} cannot be read: {error}") from error
    ours = [key for key in keys if isinstance(key, Ed25519PublicKey)]
    if not ours or len(ours) != len(keys):
        raise KeyFileError(f"{path} must hold Ed25519 public keys (PEM) and nothing else")
    return {key_id(key): key for key in ours}


def records_of(lines: list[str]) -> list[Record]:
    """Read records.

    Raises:
        RecordError: One is none; names its place.
    """
    found = []
    for place, line in enumerate(lines, 1):
        try:
            found.append(read(line))
        except RecordError as error:
            raise RecordError(f"seal {place} cannot be read: {error}") from error
    return found
