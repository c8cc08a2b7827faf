"""The `ledgerdesk.ingress` topic: other systems send CloudEvents, intake makes tickets and messages of them.

Accepted in both Kafka modes of CloudEvents 1.0, binary (``ce_*`` headers) and structured (``application/cloudevents+json``).
A type ending in ``.message`` adds to a ticket (`{ticket, body, author}`), every other type opens one (the body of
``POST /tickets``). The pair (``source``, ``id``) names the command: the same event sent again is the same ticket. What cannot
be used goes to the dead-letter topic with its reason, and the next is taken.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import structlog
from aiokafka import ConsumerRecord
from pydantic import Field, ValidationError

from services.intake import domain
from services.intake.api import Intake, NewTicket, RequesterBody
from shared.contracts.event import Actor, Via
from shared.contracts.fields import Body, Key, Strict
from shared.contracts.ids import derived
from shared.contracts.topic_names import INGRESS, PARTITIONS
from shared.db import LOST_CONNECTION, Pool
from shared.eventstore.appender import StoreUnavailableError
from shared.eventstore.ledger import ContentionError, Context, EventTooLargeError
from shared.http.problems import Problem
from shared.http.tickets import as_uuid, look_up
from shared.projection import checkpoints
from shared.projection.checkpoints import Checkpoint, Place
from shared.projection.deadletters import DeadLetters
from shared.projection.records import Record
from shared.refusal import Refusal

AT_ONCE = 32
log = structlog.get_logger("ingress")


class IngressMessage(Strict):
    """Data of a `.message` event."""

    ticket: Key = Field(description="id or number")
    body: Body
    author: RequesterBody


class BadIngressError(ValueError):
    """The record cannot be used, for ever; the message says why."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """What we need of a CloudEvent."""

    id: str
    source: str
    type: str
    data: Any


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record as it came."""

    value: bytes | None
    key: bytes | None
    headers: Sequence[tuple[str, bytes]]


def decode_raw(raw: "ConsumerRecord[bytes, bytes]") -> Record:
    """Keep the record as it is: what is wrong with it is found, and said, when it is used."""
    return Record(raw.topic, raw.partition, raw.offset, RawRecord(raw.value, raw.key, tuple(raw.headers)))


def cloud_event(record: RawRecord) -> CloudEvent:
    """Read a CloudEvent in binary or structured mode.

    Raises:
        BadIngressError: It is none.
    """
    try:
        headers = {name.lower(): value.decode() for name, value in record.headers if value is not None}
    except UnicodeDecodeError as error:
        raise BadIngressError("a header is not UTF-8") from error
    try:
        value = orjson.loads(record.value or b"")
    except ValueError as error:
        raise BadIngressError(f"the value is not JSON: {error}") from error
    if headers.get("content-type", "").startswith("application/cloudevents"):
        if not isinstance(value, dict):
            raise BadIngressError("a structured CloudEvent must be a JSON object")
        attributes, data = value, value.get("data")
    else:
        attributes = {name[3:]: text for name, text in headers.items() if name.startswith("ce_")}
        data = value
    if attributes.get("specversion") != "1.0":
        raise BadIngressError("specversion must be 1.0 (binary mode: header ce_specversion)")
    for name in ("id", "source", "type"):
        if not isinstance(attributes.get(name), str) or not attributes[name].isprintable() or not attributes[name]:
            raise BadIngressError(f"attribute {name} is missing or not printable (binary mode: header ce_{name})")
    return CloudEvent(attributes["id"], attributes["source"], attributes["type"], data)


def _reason(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, e['loc'])) or 'data'}: {e['msg']}" for e in error.errors(include_url=False)[:5]
    )


async def take(intake: Intake, event: CloudEvent) -> None:
    """Make a ticket or a message of a CloudEvent.

    Raises:
        BadIngressError: Its data is not what its type asks for.
    """
    context = Context(
        derived("ingress", event.source, event.id), Actor("system", f"ingress:{event.source}"[:190]), Via("ingress", event.source[:190])
    )  # fmt: skip
    try:
        if event.type.endswith(".message"):
            await _message(intake, IngressMessage.model_validate(event.data), context)
        else:
            body = NewTicket.model_validate(event.data)
            if body.requester is None:
                raise BadIngressError("requester: is needed: {email, name}")
            await intake.open(body, "ingress", context)
    except ValidationError as error:
        raise BadIngressError(_reason(error)) from error
    except (Problem, Refusal) as error:
        raise BadIngressError(error.detail) from error
    except EventTooLargeError as error:
        raise BadIngressError(str(error)) from error


_OPENED = f"SELECT stream_id FROM event WHERE type = '{domain.CREATED}'"


async def _ticket(intake: Intake, ref: str) -> UUID | None:
    """Return a ticket's id by id or number: from the view, else from the store, which has what the view has not heard of yet."""
    row = await look_up(intake.pool, ref)
    if row is not None or "\x00" in ref:
        return row["stream_id"] if row is not None else None
    ticket_id = as_uuid(ref)
    if ticket_id is not None:
        found: UUID | None = await intake.pool.fetchval(f"{_OPENED} AND stream_id = $1", ticket_id)
    else:
        found = await intake.pool.fetchval(f"{_OPENED} AND data ->> 'number' = $1 ORDER BY position LIMIT 1", ref)
    return found


async def _message(intake: Intake, body: IngressMessage, context: Context) -> None:
    ticket_id = await _ticket(intake, body.ticket)
    if ticket_id is None:
        raise BadIngressError(f"ticket: there is no ticket {body.ticket!r}")
    person_id = await intake.people.person(body.author.email, body.author.name, context)
    author = {"email": body.author.email, "name": body.author.name}
    await intake.message(ticket_id, person_id, author, body.body, "ingress", context)


class Ingress:
    """The ingress topic as a subscription's target: checkpointed in intake's schema, acknowledged by nobody else."""

    name = "intake.ingress"
    topics = frozenset({INGRESS})

    def __init__(self, intake: Intake, pool: Pool, dead_letters: DeadLetters) -> None:
        self._intake = intake
        self._pool = pool
        self._dead_letters = dead_letters

    async def prepare(self, incarnation: str, *, afresh: bool = False) -> dict[Place, int]:
        """Return where to go on. A new log is read from its beginning: ids make repeats harmless."""
        wanted = checkpoints.places(self.topics, PARTITIONS)
        async with self._pool.acquire() as connection:
            current = (await checkpoints.load(connection, self.name)).get(incarnation, {})
            if set(current) == set(wanted) and not afresh:
                return {place: checkpoint.next_offset for place, checkpoint in current.items()}
            await checkpoints.begin(connection, self.name, incarnation, wanted, {})
        return dict.fromkeys(wanted, 0)

    async def apply(self, incarnation: str, records: Sequence[Record]) -> None:
        """Take every record, then move the checkpoint: what a crash leaves between is taken again and found done."""
        gate = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._take(gate, record) for record in records))
        async with self._pool.acquire() as connection, connection.transaction():
            places = list(dict.fromkeys((r.topic, r.partition) for r in records))
            stored, _ = await checkpoints.lock(connection, self.name, incarnation, places)
            before = {place: checkpoint.next_offset for place, checkpoint in stored.items()}
            moved: dict[Place, Checkpoint] = {}
            for record in records:
                place = (record.topic, record.partition)
                if record.offset >= before[place]:
                    moved[place] = Checkpoint(record.offset + 1)
            await checkpoints.move(connection, self.name, incarnation, before, moved)

    async def _take(self, gate: asyncio.Semaphore, record: Record) -> None:
        raw = record.content
        assert isinstance(raw, RawRecord)  # noqa: S101 -- decode_raw makes nothing else
        async with gate:
            while True:
                try:
                    await take(self._intake, cloud_event(raw))
                except BadIngressError as error:
                    await self._refuse(record, raw, str(error))
                except (StoreUnavailableError, ContentionError, *LOST_CONNECTION) as error:
                    await log.awarning("ingress delayed", error=repr(error))
                    await asyncio.sleep(0.2)
                    continue
                except Exception as error:  # whatever one record does, the next is taken
                    await log.aexception("ingress failed", partition=record.partition, offset=record.offset)
                    await self._refuse(record, raw, f"could not be taken: {type(error).__name__}")
                return

    async def _refuse(self, record: Record, raw: RawRecord, reason: str) -> None:
        await log.awarning("dead letter", partition=record.partition, offset=record.offset, reason=reason)
        await self._dead_letters.send(record, raw.value, raw.key, raw.headers, reason)

    async def tend(self) -> None:
        """Nothing to look after between batches."""

    async def close(self) -> None:
        """Close the dead-letter producer."""
        await self._dead_letters.close()
