"""A ticket as routing must know it: the row of table `ticket`, and how events change it. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.routing.domain.looks import NOTHING, Looks, as_it_is, looks_after
from shared.contracts.event import Event
from shared.contracts.ids import uuid_of
from shared.projection.access import NOWHERE, Access, access_after, department_of
from shared.projection.model import Versions, collaborators_after, stepped
from shared.projection.table import RowTable

_STATUS = {
    "started": "open", "held": "on_hold", "resumed": "open", "resolved": "resolved", "closed": "closed",
    "reopened": "open", "merged": "merged",
}  # fmt: skip


TABLE = RowTable(
    "ticket",
    {
        "stream_id": "uuid", "versions": "jsonb", "number": "text", "requester_id": "uuid", "stated_department": "text",
        "status": "text", "moved": "bool", "department": "text", "team": "text", "agent": "uuid",
        "queued_at": "timestamptz", "assigned_at": "timestamptz", "access": "jsonb", "collaborators": "jsonb", "looks": "jsonb",
    },
)  # fmt: skip
COLUMNS = ", ".join(TABLE.columns)


class TicketRow(NamedTuple):
    """A ticket as routing must know it. Slots of three owners; none is written by two."""

    stream_id: UUID
    versions: Versions
    number: str | None = None
    requester_id: UUID | None = None
    stated_department: str | None = None
    status: str = "new"
    moved: bool = False
    department: str | None = None
    team: str | None = None
    agent: UUID | None = None
    queued_at: datetime | None = None
    assigned_at: datetime | None = None
    access: Access = NOWHERE
    collaborators: Sequence[str] = ()
    looks: Looks = NOTHING


def initial(stream_id: UUID) -> TicketRow:
    """Return the row of a ticket of which nothing has come."""
    return TicketRow(stream_id, {}, access={}, collaborators=[], looks={})


def evolve(state: TicketRow, event: Event) -> TicketRow:
    """Fold an event of any owner. Total, and the order of owners does not matter."""
    kept = {"access": access_after(state.access, event), "looks": looks_after(state.looks, event)}
    return stepped(state, event, {**kept, **_changes(state, event)})


def _changes(state: TicketRow, event: Event) -> dict[str, Any]:  # noqa: PLR0911 -- one return per fact is how it reads
    data = event.data
    match event.name:
        case "created":
            return {
                "number": data["number"], "requester_id": uuid_of(data["person_id"]), "stated_department": data.get("department"),
            }  # fmt: skip
        case "assigned":
            agent = data.get("agent")
            return {
                "agent": uuid_of(agent) if agent else None, "team": data.get("team") or state.team, "queued_at": None,
                "assigned_at": event.occurred_at if agent else state.assigned_at,
            }  # fmt: skip
        case "unassigned":
            return {"agent": None, "team": None, "queued_at": None}
        case "transferred":
            return {"department": data.get("department"), "moved": True, "queued_at": None}
        case "queued":
            return {"queued_at": event.occurred_at}
        case "collaborator_added" | "collaborator_removed":
            return {"collaborators": collaborators_after(state.collaborators, event)}
        case "unmerged":
            return {"status": data["status"]}
        case "started" if state.status != "new":
            return {}
        case name:
            return {"status": _STATUS[name]} if name in _STATUS else {}


def values_of(row: TicketRow) -> dict[str, Any]:
    """Return a ticket's values as rules test them; see `as_it_is`."""
    return as_it_is(row.looks, row.status, {**row.access, "department": department_of(row.access)})
