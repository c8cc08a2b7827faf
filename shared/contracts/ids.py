"""Identifiers that are derived, so that doing a thing twice names the same event."""

import secrets
from collections.abc import Iterable
from functools import lru_cache
from uuid import UUID, uuid4, uuid5

NAMESPACE = UUID("5d8f2f2e-6a52-4f0e-9a51-3c1d1f6f0a77")
"""Root of every derived identifier. Changing it would make every repeat look new."""


def derived(*parts: object) -> UUID:
    """Return the identifier that these parts always give. Parts are joined by ``|`` in their text form."""
    return uuid5(NAMESPACE, "|".join(str(part) for part in parts))


def event_ids(command_id: UUID, count: int) -> list[UUID]:
    """Return the ids of the `count` events of one command: ``(command, index)``, the index from 0."""
    return [uuid5(command_id, str(index)) for index in range(count)]


def first_event_id(command_id: UUID) -> UUID:
    """Return the id by which a repeat of a command is recognised: that of its first event."""
    return uuid5(command_id, "0")


@lru_cache(maxsize=4096)
def uuid_of(text: str) -> UUID:
    """Return an identifier from its text; every view reads the same few people's out of the same events.

    Raises:
        ValueError: It is none.
    """
    return UUID(text)


def random_id() -> UUID:
    """Return an identifier that nothing can guess or repeat."""
    return uuid4()


def directory_id(kind: str, key: str) -> UUID:
    """Return the stream of a directory entry that is named by a key (department, team, topic, rule)."""
    return derived("directory", kind, key)


def new_secret(prefix: str) -> str:
    """Return a random secret of 256 bits, with a prefix that tells a reader (and a secret scanner) what it is."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def unique(values: Iterable[UUID]) -> list[UUID]:
    """Return the values without repeats, in their first order."""
    return list(dict.fromkeys(values))
