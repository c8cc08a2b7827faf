"""Facts stated by an import: checked for type, schema and order, never for whether the state machine would allow them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from asyncpg.pgproto import pgproto
from pydantic import Field

from shared.contracts.catalogue import EventSpec, PayloadError, check
from shared.contracts.event import Actor, NewEvent, Via
from shared.contracts.fields import Id, Key, Moment, Strict
from shared.eventstore.ledger import ATTEMPTS, Context, EventTooLargeError, link
from shared.eventstore.store import EMPTY, Command, EventStore, Head, Row

BATCH = 400
MOST = 1000
"""Facts a call."""


class FactActor(Strict):
    """Who did it, as far as the log says."""

    kind: Key
    id: Key


class Fact(Strict):
    """One fact. `id` names it for ever: stating it again adds nothing."""

    id: Id
    stream_id: Id
    type: Key
    occurred_at: Annotated[Moment, Field(strict=False)]
    actor: FactActor
    data: dict[str, Any]
    personal: dict[str, Any] | None = None


class Facts(Strict):
    """A call's worth of facts, in the log's order."""

    log: Key
    facts: Annotated[list[Fact], Field(max_length=MOST)]


@dataclass(frozen=True, slots=True)
class Refused:
    """A fact that was not taken: its place in the call, and why."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A fact the store does not know, checked."""

    index: int
    fact: Fact
    event_id: UUID
    event: NewEvent
    spec: EventSpec


@dataclass(slots=True)
class Stated:
    """What became of a call."""

    appended: int
    known: int
    refused: list[Refused]


def _row_of(data: dict[str, Any] | None) -> int:
    origin = (data or {}).get("origin") or {}
    row = origin.get("row")
    return row if isinstance(row, int) else 0


class FactWriter:
    """Appends facts to one owner's store."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def state(self, log: str, facts: Sequence[Fact]) -> Stated:
        """Append what is new. A bad fact is refused with its reason; the rest goes in."""
        result = Stated(0, 0, [])
        known = await self._store.known([fact.id for fact in facts])
        fresh: dict[UUID, list[_Fresh]] = {}
        seen: set[str] = set()
        for index, fact in enumerate(facts):
            if fact.id in known or fact.id in seen:
                result.known += 1
                continue
            seen.add(fact.id)
            event = NewEvent(fact.type, fact.data, fact.personal)
            try:
                spec = check(event, self._store.owner)
            except PayloadError as error:
                result.refused.append(Refused(index, str(error)))
                continue
            fresh.setdefault(pgproto.UUID(fact.stream_id), []).append(
                _Fresh(index, fact, pgproto.UUID(fact.id), event, spec)
            )
        streams = iter(fresh.items())
        while batch := _up_to(streams, BATCH):
            await self._append(log, dict(batch), result)
        return result

    async def _append(self, log: str, batch: dict[UUID, list[_Fresh]], result: Stated) -> None:
        for attempt in range(ATTEMPTS):
            heads = await self._store.heads(list(batch))
            commands = [
                Command(stream_id, heads.get(stream_id, EMPTY).version, rows)
                for stream_id, facts in batch.items()
                if (rows := self._rows(log, stream_id, heads.get(stream_id, EMPTY), facts, result, first=attempt == 0))
            ]
            if not commands:
                return
            outcomes = await self._store.append(commands)
            again = {}
            for command, outcome in zip(commands, outcomes, strict=True):
                if outcome.kind == "appended":
                    result.appended += len(command.rows)
                elif outcome.kind == "conflict":
                    again[command.stream_id] = batch[command.stream_id]
                else:  # somebody states the same log at the same time: drop what he has stated and look again
                    there = await self._store.find([row.event_id for row in command.rows])
                    left = [fresh for fresh in batch[command.stream_id] if fresh.event_id not in there]
                    result.known += len(batch[command.stream_id]) - len(left)
                    if left:
                        again[command.stream_id] = left
            batch = again
            if not batch:
                return
        for facts in batch.values():
            result.refused += [Refused(f.index, "the stream is changing too fast; state it again") for f in facts]

    def _rows(
        self, log: str, stream_id: UUID, head: Head, facts: list[_Fresh], result: Stated, *, first: bool
    ) -> list[Row]:
        rows: list[Row] = []
        last = _row_of({"origin": head.origin} if head.origin else None)
        for fresh in facts:
            index, fact = fresh.index, fresh.fact
            number = _row_of(fact.data)
            if number and number < last:
                if first:
                    result.refused.append(
                        Refused(
                            index, f"row {number} comes after row {last} of its case: state rows in the log's order"
                        )
                    )
                continue
            last = max(last, number)
            context = Context(fresh.event_id, Actor(fact.actor.kind, fact.actor.id), Via("import", log))
            moment: datetime = fact.occurred_at.astimezone(UTC)
            try:
                row, head = link(
                    self._store.owner, stream_id, head, fresh.event, fresh.spec, fresh.event_id, context, moment
                )
            except EventTooLargeError as error:
                if first:
                    result.refused.append(Refused(index, str(error)))
                continue
            rows.append(row)
        return rows


_Stream = tuple[UUID, list[_Fresh]]


def _up_to(streams: Iterator[_Stream], count: int) -> list[_Stream]:
    """Take whole streams until about `count` facts are together."""
    taken: list[_Stream] = []
    total = 0
    for stream in streams:
        taken.append(stream)
        total += len(stream[1])
        if total >= count:
            break
    return taken
