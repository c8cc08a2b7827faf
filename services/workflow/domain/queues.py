"""Queues that people save: what the list is asked, for oneself, one's team or the desk. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.event import Event, NewEvent
from shared.refusal import Refusal

SAVED = "ledgerdesk.queue.saved"
REMOVED = "ledgerdesk.queue.removed"


@dataclass(frozen=True, slots=True)
class SavedQueue:
    """A queue as it was saved last; `data` None: there is none, or none any more."""

    data: Mapping[str, Any] | None = None
    personal: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SaveQueue:
    """Somebody saves a queue."""

    name: str
    filters: Mapping[str, Sequence[str]]
    share: str
    team: str | None
    columns: Sequence[str]
    sort: str
    order: int
    named: Sequence[str] = ()


def evolve_queue(state: SavedQueue, event: Event) -> SavedQueue:
    """Fold an event of a saved queue. Total."""
    match event.name:
        case "saved":
            return SavedQueue(event.data, event.personal)
        case "removed":
            return SavedQueue()
    return SavedQueue(state.data, None)


def make_queue(state: SavedQueue, person: str, command: SaveQueue) -> list[NewEvent]:
    """Save a new queue, which is this person's."""
    del state  # a queue that is there already is a repeat, found by its id
    return _saved(person, command)


def change_queue(state: SavedQueue, command: SaveQueue) -> list[NewEvent]:
    """Have a queue say something else; it stays its owner's. Nothing, if it says so already.

    Raises:
        Refusal: 404.
    """
    owner = _there(state)
    said = _saved(owner, command)
    return [] if (said[0].data, said[0].personal) == (state.data, state.personal) else said


def remove_queue(state: SavedQueue) -> list[NewEvent]:
    """Take a queue away; one that is gone stays gone."""
    return [NewEvent(REMOVED, {"person_id": state.data["person_id"]})] if state.data is not None else []


def _there(state: SavedQueue) -> str:
    if state.data is None:
        raise Refusal("There is no such queue any more.", status=404)
    return str(state.data["person_id"])


def _saved(person: str, command: SaveQueue) -> list[NewEvent]:
    data = {
        "person_id": person, "share": command.share, "team": command.team, "columns": list(command.columns),
        "sort": command.sort, "order": command.order, **({"named": list(command.named)} if command.named else {}),
    }  # fmt: skip
    filters = {name: list(values) for name, values in sorted(command.filters.items())}
    return [NewEvent(SAVED, data, {"name": command.name, "filters": filters})]
