"""Events for tests, made up or linked into a chain as a store would have them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from shared.contracts.catalogue import spec_of
from shared.contracts.event import Actor, Event, NewEvent, Via
from shared.contracts.ids import event_ids, random_id
from shared.eventstore.ledger import Context, link
from shared.eventstore.store import Command, Head

NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SYSTEM, DOOR = Actor("system", "tests"), Via("system", "tests")


def event_of_fact(
    fact: NewEvent, source: str, stream_id: UUID, version: int, *, schema_version: int | None = None, **changes: Any
) -> Event:
    """Return a fact as an event of a store: ids and times follow from stream, source and version."""
    event_id = uuid5(stream_id, f"{source}.{version}")
    moment = NOON + timedelta(seconds=version)
    values: dict[str, Any] = {
        "event_id": event_id, "type": fact.type, "schema_version": schema_version or 1, "source": source,
        "stream_id": stream_id, "version": version, "position": version, "data": fact.data, "personal": fact.personal,
        "actor": SYSTEM.as_json(), "via": DOOR.as_json(), "cause": None, "correlation": event_id, "occurred_at": moment,
        "recorded_at": moment, **changes,
    }  # fmt: skip
    return Event(**values)


def created(number: str = "100001", words: Mapping[str, str] | None = None, **data: Any) -> NewEvent:
    """Return the fact that a ticket was opened by Ken; `words` are in custom fields."""
    person = data.pop("person_id", str(UUID(int=7)))
    worded = {"worded": list(words)} if words else {}
    fact = NewEvent(
        "ledgerdesk.ticket.created", {"number": number, "person_id": person, "channel": "api", **worded, **data},
        {"subject": "The VPN drops", "body": "Every ten minutes.", "requester": {"email": "ken@example.org", "name": "Ken"}},
    )  # fmt: skip
    return NewEvent(fact.type, fact.data, {**(fact.personal or {}), "fields": dict(words)}) if words else fact


def message(words: str = "It still does.", person_id: str = str(UUID(int=7))) -> NewEvent:
    """Return the fact that the customer wrote."""
    return NewEvent(
        "ledgerdesk.ticket.message_received", {"person_id": person_id, "channel": "api"},
        {"body": words, "author": {"email": "ken@example.org", "name": "Ken"}},
    )  # fmt: skip


def command(
    owner: str, stream_id: UUID, head: Head, facts: Sequence[NewEvent], command_id: UUID | None = None,
    moment: datetime = NOON, actor: Actor = SYSTEM,
) -> tuple[Command, Head]:  # fmt: skip
    """Return a command as a ledger would hand it to the store, and the stream's end after it."""
    context = Context(command_id or random_id(), actor, DOOR)
    rows = []
    end = head
    for fact, event_id in zip(facts, event_ids(context.command_id, len(facts)), strict=True):
        row, end = link(owner, stream_id, end, fact, spec_of(fact.type), event_id, context, moment)
        rows.append(row)
    return Command(stream_id, head.version, rows), end
