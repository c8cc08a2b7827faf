"""Routing's own view: who has each ticket, and whether it is still work; the agents' load is counted from it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shared.contracts.erasing import blanks_whole
from shared.contracts.event import Event
from shared.contracts.topic_names import TICKETS
from shared.db import Connection
from shared.projection.access import NOWHERE, Access, access_after
from shared.projection.model import Versions, advanced, collaborators_after
from shared.projection.reactor import enqueue, enqueue_always
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
        "queued_at": "timestamptz", "assigned_at": "timestamptz", "access": "jsonb", "collaborators": "jsonb",
    },
)  # fmt: skip
_COLUMNS = ", ".join(TABLE.columns)


REACTED_TO = frozenset({"created", "replied", "reopened"})


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


def evolve(state: TicketRow, event: Event) -> TicketRow:  # noqa: PLR0911 -- one return per fact is how it reads
    """Fold an event of any owner. Total, and the order of owners does not matter."""
    data, versions = event.data, advanced(state.versions, event)
    state = state._replace(access=access_after(state.access, event))
    match event.name:
        case "created":
            return state._replace(
                versions=versions, number=data["number"], requester_id=UUID(data["person_id"]),
                stated_department=data.get("department"),
            )  # fmt: skip
        case "assigned":
            agent = data.get("agent")
            return state._replace(
                versions=versions, agent=UUID(agent) if agent else None, team=data.get("team") or state.team,
                queued_at=None, assigned_at=event.occurred_at if agent else state.assigned_at,
            )  # fmt: skip
        case "unassigned":
            return state._replace(versions=versions, agent=None, team=None, queued_at=None)
        case "transferred":
            return state._replace(versions=versions, department=data.get("department"), moved=True, queued_at=None)
        case "queued":
            return state._replace(versions=versions, queued_at=event.occurred_at)
        case "collaborator_added" | "collaborator_removed":
            return state._replace(versions=versions, collaborators=collaborators_after(state.collaborators, event))
        case "unmerged":
            return state._replace(versions=versions, status=data["status"])
        case name if name in _STATUS:
            return state._replace(versions=versions, status=_STATUS[name])
        case _:
            return state._replace(versions=versions)


class TicketView:
    """Table `ticket`."""

    name = "routing.ticket"
    topics = frozenset({TICKETS})
    table = "ticket"
    tables = ("ticket",)
    effects = ("reaction_inbox",)
    evolve = staticmethod(evolve)

    def wants(self, event_type: str) -> bool:
        return event_type.startswith("ledgerdesk.ticket.")

    def initial(self, stream_id: UUID) -> TicketRow:
        return TicketRow(stream_id, {}, access={}, collaborators=[])

    async def load(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, TicketRow]:
        rows = await connection.fetch(f"SELECT {_COLUMNS} FROM ticket WHERE stream_id = ANY ($1)", ids)
        return {row["stream_id"]: TicketRow(*row) for row in rows}

    async def save(self, connection: Connection, rows: Mapping[UUID, TicketRow], applied: Sequence[Event]) -> None:
        await TABLE.save(connection, rows, applied)
        await enqueue(connection, [event for event in applied if _asks_to_react(event)])
        await enqueue_always(connection, [event for event in applied if blanks_whole(event)])


def _asks_to_react(event: Event) -> bool:
    return event.name in REACTED_TO or (event.name == "escalated" and bool(event.data.get("reassign")))
