"""Dashboards that people save: reports side by side, for oneself or the desk. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.event import Event, NewEvent
from shared.refusal import Refusal

SAVED = "ledgerdesk.dashboard.saved"
REMOVED = "ledgerdesk.dashboard.removed"


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard as it was saved last; `data` None: there is none, or none any more."""

    data: Mapping[str, Any] | None = None
    personal: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SaveDashboard:
    """Somebody saves a dashboard; its tiles are as the contract has them."""

    name: str
    tiles: Sequence[Mapping[str, Any]]
    share: str
    order: int
    named: Sequence[str] = ()


def evolve_dashboard(state: Dashboard, event: Event) -> Dashboard:
    """Fold an event of a dashboard. Total."""
    match event.name:
        case "saved":
            return Dashboard(event.data, event.personal)
        case "removed":
            return Dashboard()
    return Dashboard(state.data, None)


def make_dashboard(state: Dashboard, person: str, command: SaveDashboard) -> list[NewEvent]:
    """Save a new dashboard, which is this person's."""
    del state  # one that is there already is a repeat, found by its id
    return [_saved(person, command)]


def change_dashboard(state: Dashboard, command: SaveDashboard) -> list[NewEvent]:
    """Have a dashboard say something else; it stays its owner's. Nothing, if it says so already.

    Raises:
        Refusal: 404.
    """
    if state.data is None:
        raise Refusal("There is no such dashboard any more.", status=404)
    said = _saved(str(state.data["person_id"]), command)
    return [] if (said.data, said.personal) == (state.data, state.personal) else [said]


def remove_dashboard(state: Dashboard) -> list[NewEvent]:
    """Take a dashboard away; one that is gone stays gone."""
    return [NewEvent(REMOVED, {"person_id": state.data["person_id"]})] if state.data is not None else []


def _saved(person: str, command: SaveDashboard) -> NewEvent:
    tiles = [{**tile, "filters": dict(sorted(tile["filters"].items()))} for tile in command.tiles]
    data = {"person_id": person, "share": command.share, "order": command.order}
    if command.named:
        data["named"] = list(command.named)
    return NewEvent(SAVED, data, {"name": command.name, "tiles": tiles})
