"""From a Kafka record to what a projector works on: an event, a watermark, or something unreadable."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from aiokafka import ConsumerRecord

from shared.contracts.event import WATERMARK, Event, WireError, from_record, source_of


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


@dataclass(frozen=True, slots=True)
class Record:
    """What stands at one offset."""

    topic: str
    partition: int
    offset: int
    content: object
    """`Event`, `Watermark` or `Unreadable`; or what a subscription's own decoder makes of it."""


def decode(raw: "ConsumerRecord[bytes, bytes]") -> Record:
    """Decode one record; never raises for what is in it."""
    content: Event | Watermark | Unreadable
    try:
        headers = dict(raw.headers)
        if headers.get("ce_type") == WATERMARK.encode():
            content = Watermark(
                source_of(headers),
                int(orjson.loads(raw.value or b"")["position"]),
                datetime.fromisoformat(headers["ce_time"].decode()),
            )
        else:
            content = from_record(raw.value, raw.headers)
    except (WireError, ValueError, KeyError, TypeError, AttributeError) as error:
        content = Unreadable(str(error), raw.value, raw.key, tuple(raw.headers))
    return Record(raw.topic, raw.partition, raw.offset, content)
