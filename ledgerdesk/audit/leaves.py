"""What a seal says of one stream, and the order in which streams stand in its tree."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.contracts.canonical import GENESIS, canonical
from shared.contracts.catalogue import OWNERS
from shared.contracts.event import rfc3339

ORDER = tuple(sorted(OWNERS))
"""Owners in the order of their leaves; within an owner, streams stand in the order of their ids' bytes."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One owner's part of one stream, up to a version.

    Attributes:
        owner: Whose store.
        stream_id: The stream.
        version: Of the last event, from 1.
        hash: Of the last event; every event before is in it.
        places: Digest of all positions and recorded times; an event's hash does not cover those, see `place`.
    """

    owner: str
    stream_id: UUID
    version: int
    hash: bytes
    places: bytes

    @property
    def content(self) -> bytes:
        """The bytes that are hashed into the tree."""
        return canonical(
            {
                "owner": self.owner, "stream": str(self.stream_id), "version": self.version, "hash": self.hash.hex(),
                "places": self.places.hex(),
            }
        )  # fmt: skip

    @property
    def key(self) -> tuple[str, bytes]:
        """What leaves are ordered by."""
        return self.owner, self.stream_id.bytes


def place(previous: bytes, position: int, recorded_at: datetime) -> bytes:
    """Return the digest of a stream's positions and recorded times with one more event's."""
    return hashlib.sha256(previous + f"{position} {rfc3339(recorded_at)}".encode()).digest()


FIRST = GENESIS
"""What stands for "the digest before" at a stream's first event."""
