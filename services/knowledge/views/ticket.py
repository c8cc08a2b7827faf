"""Tickets, as far as articles are suggested for them and made of them, and who may see them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from shared.contracts.erasing import blanks
from shared.contracts.event import Event
from shared.contracts.ids import uuid_of
from shared.contracts.topic_names import TICKETS
from shared.db import Connection
from shared.projection.access import NOWHERE, Access, access_after
from shared.projection.model import Versions, collaborators_after, stepped
from shared.projection.table import RowTable


class TicketRow(NamedTuple):
    """A ticket. Slots of intake, routing (`access`) and workflow (`resolution`); none is written by two."""

    stream_id: UUID
    versions: Versions
    number: str | None = None
    requester_id: UUID | None = None
    collaborators: Sequence[str] = ()
    access: Access = NOWHERE
    subject: str | None = None
    resolution: str | None = None


TABLE = RowTable(
    "ticket",
    {
        "stream_id": "uuid", "versions": "jsonb", "number": "text", "requester_id": "uuid", "collaborators": "jsonb",
        "access": "jsonb", "subject": "text", "resolution": "text",
    },
)  # fmt: skip


def _changes(state: TicketRow, event: Event) -> dict[str, Any]:
    personal = event.personal or {}
    match event.name:
        case "created":
            return {
                "number": event.data["number"], "requester_id": uuid_of(event.data["person_id"]), "subject": personal.get("subject"),
            }  # fmt: skip
        case "restated":
            return {"subject": personal.get("subject")}
        case "resolved":
            return {"resolution": personal.get("resolution")}
        case "personal_erased":
            subject = {"subject": None} if blanks(event, "created") or blanks(event, "restated") else {}
            return subject | ({"resolution": None} if blanks(event, "resolved") else {})
        case "collaborator_added" | "collaborator_removed":
            return {"collaborators": collaborators_after(state.collaborators, event)}
        case _:
            return {}


def evolve(state: TicketRow, event: Event) -> TicketRow:
    """Fold an event of any owner. Total, and the order of owners does not matter."""
    return stepped(state, event, {"access": access_after(state.access, event), **_changes(state, event)})


class TicketView:
    """Table `ticket`."""

    name = "knowledge.ticket"
    topics = frozenset({TICKETS})
    table = "ticket"
    tables = ("ticket",)
    effects = ()
    evolve = staticmethod(evolve)

    def wants(self, event_type: str) -> bool:
        return event_type.startswith("ledgerdesk.ticket.")

    def initial(self, stream_id: UUID) -> TicketRow:
        return TicketRow(stream_id, {}, collaborators=[], access={})

    async def load(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, TicketRow]:
        rows = await connection.fetch(f"SELECT {', '.join(TABLE.columns)} FROM ticket WHERE stream_id = ANY ($1)", ids)
        return {row["stream_id"]: TicketRow(*row) for row in rows}

    async def save(self, connection: Connection, rows: Mapping[UUID, TicketRow], applied: Sequence[Event]) -> None:
        await TABLE.save(connection, rows, applied)
