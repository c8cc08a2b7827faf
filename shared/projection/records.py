"""From a Kafka record to what a projector works on: an event, a watermark, or something unreadable."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from aiokafka import ConsumerRecord

from shared.contracts.event import WATERMARK, Event, WireError, from_parts, source_of


@dataclass(frozen=True, slots=True)
class Watermark:
    """All of `source` up to `position` stands before this place of this partition."""

    source: str
    position: int
    time: datetime

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in a checkpoint."""
        return {"position": self.position, "time": self.time.isoformat()}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that is no event of ours, and why. It goes to the dead-letter topic; its version turns up as a gap."""

    reason: str
    value: bytes | None
    key: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()

    @property
    def stream_id(self) -> UUID | None:
        """The stream it seems to belong to: its key, else its subject. None where neither is an id."""
        for text in (self.key, dict(self.headers).get("ce_subject")):
            try:
                return UUID((text or b"").decode())
            except ValueError:
                continue
        return None


class Record(NamedTuple):
    """What stands at one offset."""

    topic: str
    partition: int
    offset: int
    content: object
    """`Event`, `Watermark` or `Unreadable`; or what a subscription's own decoder makes of it."""


_WATERMARK = WATERMARK.encode()
LARGEST_VERSION, LARGEST_POSITION = 2**31 - 1, 2**63 - 1
"""What the tables' columns hold."""


def _check(event: Event, value: bytes | None) -> Event:
    """Return the event if every part of it is of the kind it must be, whatever its type; no table takes another.

    Raises:
        WireError: It is not; the message names the part.
    """
    if not (0 < event.version <= LARGEST_VERSION and 0 <= event.position <= LARGEST_POSITION):
        raise WireError(f"version {event.version} or position {event.position} is out of range")
    if not (isinstance(event.data, dict) and (event.personal is None or isinstance(event.personal, dict))):
        raise WireError("data or personal is no object")
    for name, part in (("actor", event.actor), ("via", event.via)):
        if not (isinstance(part, dict) and isinstance(part.get("kind"), str) and isinstance(part.get("id"), str)):
            raise WireError(f"{name} has no kind and id")
    if event.occurred_at.tzinfo is None or event.recorded_at.tzinfo is None:
        raise WireError("ce_time or ce_recordedtime has no time zone")
    if "\0" in event.type + event.source + (event.traceparent or "") or _has_nul(value or b""):
        raise WireError("it holds the character U+0000, which no text in PostgreSQL can")
    return event


def _has_nul(value: bytes) -> bool:
    """Whether a text in JSON holds U+0000. Looked for only where its escape stands: it may be an escaped backslash, too."""
    return b"\\u0000" in value and _nul_within(orjson.loads(value))


def _nul_within(part: object) -> bool:
    if isinstance(part, dict):
        return any(_nul_within(inner) for pair in part.items() for inner in pair)
    if isinstance(part, list):
        return any(map(_nul_within, part))
    return isinstance(part, str) and "\0" in part


def decode(raw: "ConsumerRecord[bytes, bytes]") -> Record:
    """Decode one record; never raises for what is in it."""
    content: Event | Watermark | Unreadable
    try:
        headers = dict(raw.headers)
        if headers.get("ce_type") == _WATERMARK:
            content = Watermark(
                source_of(headers),
                int(orjson.loads(raw.value or b"")["position"]),
                datetime.fromisoformat(headers["ce_time"].decode()),
            )
        else:
            content = _check(from_parts(raw.value, headers), raw.value)
    except (WireError, ValueError, KeyError, TypeError, AttributeError) as error:
        content = Unreadable(str(error), raw.value, raw.key, tuple(raw.headers))
    return Record(raw.topic, raw.partition, raw.offset, content)
