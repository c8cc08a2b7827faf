"""A producer of bad records: what anybody who may write to the topic can put there, by a bare client."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from shared.contracts.event import Event, to_record
from shared.contracts.topic_names import TICKETS
from shared.relay import partition_of

Headers = list[tuple[str, bytes | None]]


@dataclass
class Raw:
    """A record, ready to be spoilt."""

    key: bytes | None
    value: bytes | None
    headers: Headers = field(default_factory=list)


def raw(event: Event) -> Raw:
    """Return the record that carries an event."""
    key, value, headers = to_record(event)
    return Raw(key, value, list(headers))


def header(name: str, content: bytes | None) -> Callable[[Raw], Raw]:
    """Return what puts another content into a header."""
    return lambda r: Raw(r.key, r.value, [(n, content if n == name else c) for n, c in r.headers])


class NoUtf8(str):
    """A header's name that is no UTF-8 on the wire."""

    __slots__ = ()

    def encode(self, *_: str) -> bytes:
        return b"\xff\xfe"


SPOILT: dict[str, Callable[[Raw], Raw]] = {
    "a header that is no UTF-8": header("ce_type", b"\xff\xfe"),
    "a header's name that is no UTF-8": lambda r: Raw(r.key, b"{}", [*r.headers, (NoUtf8("x"), b"1")]),
    "a null header": header("ce_id", None),
    "a sequence that is no number": header("ce_sequence", b"two"),
    "a version no column holds": header("ce_sequence", b"99999999999"),
    "a time without a zone": header("ce_time", b"2026-11-01T12:00:00"),
    "no headers": lambda r: Raw(r.key, r.value),
    "no JSON": lambda r: Raw(r.key, b"{", r.headers),
    "an empty value": lambda r: Raw(r.key, b"", r.headers),
    "a null value": lambda r: Raw(r.key, None, r.headers),
    "JSON of another shape": lambda r: Raw(r.key, b'{"data": [], "personal": 7, "actor": 1, "via": null}', r.headers),
    "a text that PostgreSQL cannot hold": lambda r: Raw(
        r.key, (r.value or b"").replace(b'"body":"', b'"body":"\\u0000'), r.headers
    ),
    "a null key, and no JSON": lambda r: Raw(None, b"{", r.headers),
    "a huge record": lambda r: Raw(r.key, b"x" * 900_000, r.headers),
}
"""Name -> what makes a good record unreadable."""


async def put(brokers: str, ticket: bytes, records: Sequence[Raw]) -> None:
    """Put records onto the ticket's partition, in order, each acknowledged."""
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", max_request_size=1_000_000)
    await producer.start()
    try:
        for record in records:
            batch = producer.create_batch()
            batch._builder = _DefaultRecordBatchBuilderPy(2, 0, False, -1, -1, -1, 1_000_000)
            batch.append(key=record.key, value=record.value, timestamp=None, headers=record.headers)
            await (await producer.send_batch(batch, TICKETS, partition=partition_of(ticket, TICKETS)))
    finally:
        await producer.stop()
