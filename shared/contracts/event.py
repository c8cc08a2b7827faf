"""An event, as every service sees it, and its form on the wire (CloudEvents 1.0, Kafka binary mode)."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import orjson
from asyncpg.pgproto import pgproto  # its UUID is equal to uuid.UUID, and parsed ten times as fast

SPEC_VERSION: Final = "1.0"
WATERMARK: Final = "ledgerdesk.watermark"
"""Type of the records by which a relay says how far it has come. They are no events and belong to no stream."""


class WireError(ValueError):
    """A record is no event of ours: the message says which header or part is missing or malformed."""


class NewerSchemaError(ValueError):
    """An event was written under a schema version this program does not know. It is parked, never guessed."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: ``person`` (id: person id), ``rule`` (id: rule key) or ``system`` (id: what part of it)."""

    kind: str
    id: str

    def as_json(self) -> dict[str, str]:
        """Return the actor as it stands in an event."""
        return {"id": self.id, "kind": self.kind}


@dataclass(frozen=True, slots=True)
class Via:
    """The door it came through: ``key``, ``session``, ``link``, ``ingress``, ``import``, ``reaction`` or ``system``; never a secret."""

    kind: str
    id: str

    def as_json(self) -> dict[str, str]:
        """Return the door as it stands in an event."""
        return {"id": self.id, "kind": self.kind}


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A fact that a decider has decided and no store has taken yet.

    Attributes:
        at: When it happened, UTC, if that is not now: an alarm's time. A stream's order holds: what stands before it is not later.
    """

    type: str
    data: dict[str, Any]
    personal: dict[str, Any] | None = None
    at: datetime | None = None


@lru_cache(maxsize=1000)
def _name_of(event_type: str) -> str:
    """Return the last word of a type."""
    return sys.intern(event_type.rsplit(".", 1)[-1])


@dataclass(slots=True)
class Event:
    """A fact in a store. Nobody changes one; it is not `frozen` because that makes making one three times as slow.

    Attributes:
        event_id: Identity; a second event with it is a repeat.
        type: Past tense, e.g. ``ledgerdesk.ticket.assigned``.
        schema_version: Version of the payload's schema, from 1.
        source: The owner whose store holds it (``routing``).
        stream_id: The ticket, person or directory entry it belongs to.
        version: Place in this owner's part of the stream, 1..n without holes.
        position: Place in the owner's store, growing, with holes.
        data: What is fact and nobody's secret.
        personal: Names, addresses and free text; None once erased, or where there is none.
        actor, via: Who did it, and through which door.
        cause: The event that made this one happen, if one did.
        correlation: The first event or request of the whole chain.
        occurred_at: The domain's time, UTC.
        recorded_at: The store's time, UTC.
        traceparent: W3C trace context of the request, if it had one.
        name: The last word of the type: ``assigned``. Kept, since every view asks for it, several times.
    """

    event_id: UUID
    type: str
    schema_version: int
    source: str
    stream_id: UUID
    version: int
    position: int
    data: dict[str, Any]
    personal: dict[str, Any] | None
    actor: dict[str, str]
    via: dict[str, str]
    cause: UUID | None
    correlation: UUID
    occurred_at: datetime
    recorded_at: datetime
    traceparent: str | None = None
    name: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.name = _name_of(self.type)

    @property
    def origin(self) -> dict[str, Any] | None:
        """The row of a foreign log this was imported from; None for what happened here."""
        return self.data.get("origin")


def rfc3339(moment: datetime) -> str:
    """Return a UTC time as RFC 3339 text with microseconds and ``Z``; one form, so that hashes agree."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    text = orjson.dumps(moment, option=orjson.OPT_UTC_Z)[1:-1].decode()  # `isoformat` takes four times as long
    return text if moment.microsecond else f"{text[:-1]}.000000Z"


def to_record(event: Event) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Return (key, value, headers) of the Kafka record that carries the event."""
    stream = str(event.stream_id).encode()
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(event.event_id).encode()),
        ("ce_source", f"/ledgerdesk/{event.source}".encode()),
        ("ce_type", event.type.encode()),
        ("ce_subject", stream),
        ("ce_time", rfc3339(event.occurred_at).encode()),
        ("ce_recordedtime", rfc3339(event.recorded_at).encode()),
        ("ce_sequence", b"%d" % event.version),
        ("ce_position", b"%d" % event.position),
        ("ce_schemaversion", b"%d" % event.schema_version),
        ("ce_correlationid", str(event.correlation).encode()),
        ("content-type", b"application/json"),
    ]
    if event.cause is not None:
        headers.append(("ce_causationid", str(event.cause).encode()))
    if event.traceparent is not None:
        headers.append(("traceparent", event.traceparent.encode()))
    value = orjson.dumps({"actor": event.actor, "via": event.via, "data": event.data, "personal": event.personal})
    return stream, value, headers


def source_of(headers: dict[str, bytes]) -> str:
    """Return the owner's name from ``ce_source``.

    Raises:
        WireError: The header is missing or not ours.
    """
    raw = headers.get("ce_source")
    if raw is None or not raw.startswith(b"/ledgerdesk/"):
        raise WireError(f"header ce_source is {raw!r}, expected /ledgerdesk/<service>")
    return raw[12:].decode()


def from_record(value: bytes | None, raw_headers: Sequence[tuple[str, bytes]]) -> Event:
    """Decode a record.

    Raises:
        WireError: A header is missing, null or malformed, or the value is no JSON of the expected shape.
    """
    return from_parts(value, dict(raw_headers))


def from_parts(value: bytes | None, headers: dict[str, bytes]) -> Event:
    """Decode a record of which the headers have been looked at already; see `from_record`."""
    try:
        body = orjson.loads(value or b"")
        cause = headers.get("ce_causationid")
        trace = headers.get("traceparent")
        return Event(  # in their order, not by name, which takes a fifth longer: every event of a large log comes through here
            pgproto.UUID(headers["ce_id"].decode()),
            headers["ce_type"].decode(),
            int(headers["ce_schemaversion"]),
            source_of(headers),
            pgproto.UUID(headers["ce_subject"].decode()),
            int(headers["ce_sequence"]),
            int(headers["ce_position"]),
            body["data"],
            body["personal"],
            body["actor"],
            body["via"],
            pgproto.UUID(cause.decode()) if cause else None,
            pgproto.UUID(headers["ce_correlationid"].decode()),
            datetime.fromisoformat(headers["ce_time"].decode()),
            datetime.fromisoformat(headers["ce_recordedtime"].decode()),
            trace.decode() if trace else None,
        )
    except WireError:
        raise
    except KeyError as error:
        raise WireError(f"{error.args[0]} is missing") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise WireError(f"malformed event: {error}") from error


def watermark_record(source: str, position: int, moment: datetime) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Return (value, headers) of a watermark: all of `source` up to `position` stands before this record."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", f"{source}-{position}".encode()),
        ("ce_source", f"/ledgerdesk/{source}".encode()),
        ("ce_type", WATERMARK.encode()),
        ("ce_time", rfc3339(moment).encode()),
        ("content-type", b"application/json"),
    ]
    return orjson.dumps({"position": position}), headers


def to_feed_line(event: Event) -> bytes:
    """Return the event as one line of an owner's feed (JSON, ends in a newline)."""
    return orjson.dumps(
        {
            "event_id": str(event.event_id), "type": event.type, "schema_version": event.schema_version,
            "source": event.source, "stream_id": str(event.stream_id), "version": event.version,
            "position": event.position, "data": event.data, "personal": event.personal, "actor": event.actor,
            "via": event.via, "cause": str(event.cause) if event.cause else None, "correlation": str(event.correlation),
            "occurred_at": rfc3339(event.occurred_at), "recorded_at": rfc3339(event.recorded_at),
            "traceparent": event.traceparent,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )  # fmt: skip


def from_feed_line(line: bytes | str) -> Event:
    """Return the event of one feed line: the inverse of `to_feed_line`."""
    raw = orjson.loads(line)
    raw["event_id"] = pgproto.UUID(raw["event_id"])
    raw["stream_id"] = pgproto.UUID(raw["stream_id"])
    raw["cause"] = pgproto.UUID(raw["cause"]) if raw["cause"] else None
    raw["correlation"] = pgproto.UUID(raw["correlation"])
    raw["occurred_at"] = datetime.fromisoformat(raw["occurred_at"])
    raw["recorded_at"] = datetime.fromisoformat(raw["recorded_at"])
    return Event(**raw)
