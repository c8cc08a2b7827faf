"""What a read model is to the projector: rows keyed by stream, folded by a pure function, loaded and saved in bulk."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Protocol, TypeVar
from uuid import UUID

from shared.contracts.catalogue import CATALOGUE, EVERY, EventSpec
from shared.contracts.event import Event
from shared.contracts.topic_names import DIRECTORY, IDENTITY, TICKETS
from shared.db import Connection

Versions = dict[str, int]
"""Owner -> last version of its part of the stream that the row holds."""


class Versioned(Protocol):
    """A row's state: immutable (a named tuple: the cheapest to change a slot of), and it knows how far it has come."""

    @property
    def versions(self) -> Versions:
        """Return the last version of each owner's part that is in the row."""
        ...


S = TypeVar("S", bound=Versioned)


class ReadModel(Protocol[S]):
    """One view. `evolve` is pure and total: any fact in any state, and the order of owners does not matter."""

    name: str
    topics: frozenset[str]
    table: str
    """The table that has one row per stream, keyed by `stream_id`."""

    @property
    def tables(self) -> Sequence[str]:
        """Return every table that is the view: a rebuild makes them anew from the stores."""
        ...

    @property
    def effects(self) -> Sequence[str]:
        """Return the tables that it adds to when something happens (an inbox, a feed): a rebuild leaves them alone."""
        ...

    def wants(self, event_type: str) -> bool:
        """Whether events of this type (all of a stream's, or none) concern the view."""
        ...

    def initial(self, stream_id: UUID) -> S:
        """Return the state of a stream of which nothing has come."""
        ...

    def evolve(self, state: S, event: Event) -> S:
        """Fold one event, the next of its owner, into the state; `versions` included."""
        ...

    async def load(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, S]:
        """Return the states of those of these streams that have a row."""
        ...

    async def save(self, connection: Connection, rows: Mapping[UUID, S], applied: Sequence[Event]) -> None:
        """Write changed rows, and whatever the view keeps of each applied event (which comes once)."""
        ...


AnyModel = ReadModel[Any]


@cache
def _places(kind: Any) -> dict[str, int]:
    """Return where each slot of a row's class stands."""
    return {name: place for place, name in enumerate(kind._fields)}


def changed(row: S, slots: Mapping[str, Any]) -> S:
    """Return the row with these slots changed: what `_replace` does, which asks for every slot there is by name.

    Raises:
        KeyError: It has no such slot.
    """
    kind: Any = type(row)
    places = _places(kind)
    values: list[Any] = list(row)  # type: ignore[call-overload] # rows are named tuples
    for name, value in slots.items():
        values[places[name]] = value
    made: S = tuple.__new__(kind, values)
    return made


def stepped(row: S, event: Event, slots: Mapping[str, Any]) -> S:
    """Return the row one event on: the event counted, and these slots changed.

    Raises:
        KeyError: It has no such slot.
    """
    return changed(row, {"versions": advanced(row.versions, event), **slots})


def advanced(versions: Versions, event: Event) -> Versions:
    """Return the versions with this event counted."""
    return {**versions, event.source: event.version}


def collaborators_after(before: Sequence[str], event: Event) -> list[str]:
    """Return the person ids of who is let in on a ticket after `collaborator_added` or `collaborator_removed`."""
    who = event.data["person_id"]
    others = [one for one in before if one != who]
    return [*others, who] if event.name == "collaborator_added" else others


def told_apart(rows: Mapping[UUID, S], applied: Sequence[Event]) -> tuple[list[S], list[S]]:
    """Return (new rows, changed rows): a row is new if all its events are among those that are applied now.

    New rows can be copied, which costs a third of an upsert.
    """
    events = Counter(event.stream_id for event in applied)
    new: list[S] = []
    changed: list[S] = []
    for stream_id, row in rows.items():
        (new if sum(row.versions.values()) == events[stream_id] else changed).append(row)
    return new, changed


def topic_of(event: Event) -> str | None:
    """Return the topic an event is published to, also for a type this program does not know yet."""
    return topic_of_type(event.type, event.source)


def topic_of_type(event_type: str, owner: str) -> str | None:
    """Return the topic that an owner's events of a type are published to."""
    spec = CATALOGUE.get(event_type)
    if spec is not None:
        return spec.topic
    if event_type.startswith("ledgerdesk.ticket."):
        return TICKETS
    known = {s.topic for s in _siblings(event_type, owner)}
    return known.pop() if len(known) == 1 else IDENTITY if owner == "gateway" else DIRECTORY


def _siblings(event_type: str, owner: str) -> list[EventSpec]:
    """Return the types of which an owner writes to the same streams."""
    kind = event_type.rpartition(".")[0]
    return [spec for spec in CATALOGUE.values() if spec.owner == owner and spec.type.rpartition(".")[0] == kind]


def concerns(model: AnyModel, event_type: str, owner: str) -> bool:
    """Whether an owner's events of a type are the view's business.

    A type that this program does not know is, if others are that the owner writes to the same streams: it changes nothing,
    but its version must be counted, or what comes after it would be a gap for ever. So is a type that each owner writes.
    """
    if topic_of_type(event_type, owner) not in model.topics:
        return False
    if event_type in CATALOGUE and CATALOGUE[event_type].owner != EVERY:
        return model.wants(event_type)
    return any(model.wants(sibling.type) for sibling in _siblings(event_type, owner))
