"""Commands become events here: look up the repeat, load, decide, link into the chain, append, decide again on conflict."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from shared.contracts.canonical import canonical, event_hash, personal_digest
from shared.contracts.catalogue import EventSpec, check
from shared.contracts.event import Actor, Event, NewEvent, Via, rfc3339
from shared.contracts.ids import event_ids, first_event_id
from shared.contracts.upcast import upcast
from shared.eventstore.appender import Appender
from shared.eventstore.store import EMPTY, Command, EventStore, Head, Row

MAX_EVENT_BYTES = 256 * 1024
ATTEMPTS = 5
MOST_OF_A_COMMAND = 32
"""Events of one command, far more than any has."""
TICK = timedelta(microseconds=1)

S = TypeVar("S")


class Clock(Protocol):
    """Tells the time, UTC."""

    def __call__(self) -> datetime:
        """Return the time."""
        ...


def utc_now() -> datetime:
    """Return the time of this machine."""
    return datetime.now(UTC)


class EventTooLargeError(ValueError):
    """An event over 256 KiB: a broker would refuse it and its relay would stop for ever."""


class KeyReusedError(ValueError):
    """A command's key was used before, with another body."""


class StaleError(ValueError):
    """The caller decided on a version that is no longer the stream's."""

    def __init__(self, given: int, actual: int, since: Sequence[Event]) -> None:
        self.given, self.actual, self.since = given, actual, since
        super().__init__(f"version {given} was given, the stream is at {actual}")


class ContentionError(RuntimeError):
    """Five times in a row somebody else was first on this stream."""


@dataclass(frozen=True, slots=True)
class Context:
    """What every event of a command says about it.

    Attributes:
        command_id: Names the command; a second one with it is a repeat.
        actor, via: Who, and through which door.
        cause: The event reacted to.
        correlation: First link of the chain; the command itself where it starts one.
        request: Keyed digest of the request's body, so that one key with two bodies is noticed.
        not_before: The cause's time: an effect is never dated before it.
        traceparent: W3C trace context.
        fresh: The command's name was drawn for it just now, so it cannot have been given before.
    """

    command_id: UUID
    actor: Actor
    via: Via
    cause: UUID | None = None
    correlation: UUID | None = None
    request: str | None = None
    not_before: datetime | None = None
    traceparent: str | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What a command led to: the stream's version, whether it had been answered before, the facts and their time.

    Of a repeat, `events` holds the first fact alone. `occurred_at` is None when nothing was decided.
    """

    version: int
    repeat: bool
    events: Sequence[NewEvent]
    occurred_at: datetime | None = None


def link(
    owner: str, stream_id: UUID, head: Head, event: NewEvent, spec: EventSpec, event_id: UUID, context: Context,
    occurred_at: datetime,
) -> tuple[Row, Head]:  # fmt: skip
    """Envelope a fact and link it to the end of its stream. Returns the row and the new end.

    Raises:
        EventTooLargeError: It is over 256 KiB.
    """
    version = head.version + 1
    correlation = context.correlation or context.command_id
    envelope = {
        "id": str(event_id),
        "source": owner,
        "stream": str(stream_id),
        "version": version,
        "type": event.type,
        "schemaversion": spec.schema_version,
        "time": rfc3339(occurred_at),
        "actor": context.actor.as_json(),
        "via": context.via.as_json(),
        "cause": str(context.cause) if context.cause else None,
        "correlation": str(correlation),
        "data": event.data,
    }
    meta: dict[str, object] = {
        "actor": envelope["actor"], "via": envelope["via"], "cause": envelope["cause"], "correlation": str(correlation),
    }  # fmt: skip
    if context.request:
        meta["request"] = context.request
    if context.traceparent:
        meta["traceparent"] = context.traceparent
    personal = event.personal or None
    salt = secrets.token_bytes(16) if personal else None
    digest = personal_digest(salt, personal) if salt is not None and personal else None
    row = Row(
        event_id=event_id,
        type=event.type,
        schema_version=spec.schema_version,
        version=version,
        data=canonical(event.data),
        personal=canonical(personal) if personal else None,
        salt=salt,
        digest=digest,
        meta=canonical(meta),
        occurred_at=occurred_at,
        hash=event_hash(head.hash, envelope, digest),
    )
    if row.size > MAX_EVENT_BYTES:
        raise EventTooLargeError(f"{event.type} would be {row.size} bytes; an event holds at most {MAX_EVENT_BYTES}")
    return row, Head(version, row.hash, occurred_at)


class Ledger(Generic[S]):
    """One owner's commands on streams whose state is `S`.

    `initial` is the state of an empty stream; `evolve` folds one event into it (both pure).
    """

    def __init__(
        self, store: EventStore, appender: Appender, initial: Callable[[], S], evolve: Callable[[S, Event], S],
        clock: Clock = utc_now,
    ) -> None:  # fmt: skip
        self.store = store
        self.appender = appender
        self._initial = initial
        self._evolve = evolve
        self._clock = clock

    async def state(self, stream_id: UUID) -> tuple[S, int]:
        """Return the state of a stream and its version."""
        events, head = await self.store.load(stream_id)
        return self._fold(events), head.version

    def _fold(self, events: Sequence[Event]) -> S:
        state = self._initial()
        for event in events:
            state = self._evolve(state, upcast(event))
        return state

    async def repeat_of(self, context: Context) -> Result | None:
        """Return the first answer to this command, if it was given before.

        Raises:
            KeyReusedError: It was given before with another body.
        """
        first = None if context.fresh else await self.store.find_one(first_event_id(context.command_id))
        if first is None:
            return None
        if context.request and first["meta"].get("request") not in (None, context.request):
            raise KeyReusedError("this Idempotency-Key was used with another body")
        same = await self.store.find(event_ids(context.command_id, MOST_OF_A_COMMAND))
        return Result(
            max(row["version"] for row in same.values()),
            True,
            [NewEvent(first["type"], first["data"], first["personal"])],
            first["occurred_at"],
        )

    async def execute(
        self,
        stream_id: UUID,
        decide: Callable[[S], Sequence[NewEvent]],
        context: Context,
        if_version: int | None = None,
        *,
        new: bool = False,
    ) -> Result:
        """Decide on the stream's state and append what was decided.

        Args:
            stream_id: The stream.
            decide: State in, facts out; raises the domain's own refusal. Called again after a conflict.
            context: Who, how, and the command's name.
            if_version: Refuse when the stream is not at this version (If-Match).
            new: The command makes the stream: there is nothing to read. If there is, the store says so.

        Raises:
            StaleError: It is not at `if_version`.
            KeyReusedError, EventTooLargeError, ContentionError, StoreUnavailableError, PayloadError
        """
        first_id = first_event_id(context.command_id)
        for attempt in range(ATTEMPTS):
            events, head = ([], EMPTY) if new and attempt == 0 else await self.store.load(stream_id)
            if any(event.event_id == first_id for event in events):
                break  # a repeat; of a command that went to another stream, the store tells when it is appended
            if if_version is not None and head.version != if_version:
                raise StaleError(if_version, head.version, [e for e in events if e.version > if_version])
            decided = decide(self._fold(events))
            if not decided:
                return Result(head.version, False, decided)
            rows = self._rows(stream_id, head, decided, context)
            outcome = await self.appender.append(Command(stream_id, head.version, rows))
            if outcome.kind == "appended":
                return Result(outcome.head, False, decided, rows[0].occurred_at)
            if outcome.kind == "repeat":
                break
        if (first := await self.repeat_of(context)) is not None:
            return first
        raise ContentionError(f"stream {stream_id} is changing too fast; send the command again")

    def _rows(self, stream_id: UUID, head: Head, decided: Sequence[NewEvent], context: Context) -> list[Row]:
        now = self._clock()
        earliest = [context.not_before + TICK] if context.not_before is not None else []  # strictly after its cause,
        if head.occurred_at is not None:
            earliest.append(head.occurred_at)  # and never before what stands there already, also by a clock set back
        if len(decided) > MOST_OF_A_COMMAND:
            raise ValueError(f"a command decided {len(decided)} events; a repeat finds {MOST_OF_A_COMMAND} at most")
        rows = []
        for event, event_id in zip(decided, event_ids(context.command_id, len(decided)), strict=True):
            spec = check(event, self.store.owner)
            occurred_at = max([event.at or now, *earliest])
            earliest = [occurred_at]
            row, head = link(self.store.owner, stream_id, head, event, spec, event_id, context, occurred_at)
            rows.append(row)
        return rows
