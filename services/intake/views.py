"""Intake's own view: which tickets there are, whose they are, who is let in, since when they are closed, what they are merged into."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.intake.forgetting import WRITTEN
from shared.contracts.erasing import TICKET_ERASED
from shared.contracts.event import Event
from shared.contracts.ids import uuid_of
from shared.contracts.topic_names import TICKETS
from shared.db import Connection
from shared.directory.forgotten import of_the_forgotten
from shared.projection.access import NOWHERE, Access, access_after
from shared.projection.model import Versions, collaborators_after, stepped
from shared.projection.reactor import enqueue_always
from shared.projection.table import RowTable


class TicketRow(NamedTuple):
    """A ticket as intake must know it to take a message for it. Slots of two owners; none is written by two."""

    stream_id: UUID
    versions: Versions
    number: str | None = None
    requester_id: UUID | None = None
    collaborators: Sequence[str] = ()
    closed_at: datetime | None = None
    access: Access = NOWHERE
    merged_into: UUID | None = None


TABLE = RowTable(
    "ticket",
    {
        "stream_id": "uuid", "versions": "jsonb", "number": "text", "requester_id": "uuid", "collaborators": "jsonb",
        "closed_at": "timestamptz", "access": "jsonb", "merged_into": "uuid",
    },
)  # fmt: skip


def evolve(state: TicketRow, event: Event) -> TicketRow:
    """Fold an event of any owner. Total, and the order of owners does not matter."""
    slots: dict[str, Any] = {"access": access_after(state.access, event)}
    match event.name:
        case "created":
            slots |= {"number": event.data["number"], "requester_id": uuid_of(event.data["person_id"])}
        case "closed":
            slots["closed_at"] = event.occurred_at
        case "reopened":
            slots["closed_at"] = None
        case "merged":  # `closed_at` waits for the ticket to stand for itself again
            slots["merged_into"] = uuid_of(event.data["into"])
        case "unmerged":
            closed_at = state.closed_at or event.occurred_at
            slots |= {"merged_into": None, "closed_at": closed_at if event.data["status"] == "closed" else None}
        case "collaborator_added" | "collaborator_removed":
            slots["collaborators"] = collaborators_after(state.collaborators, event)
    return stepped(state, event, slots)


class TicketView:
    """Table `ticket`. What comes for a person who is forgotten already goes into the inbox, to be forgotten too."""

    name = "intake.ticket"
    topics = frozenset({TICKETS})
    table = "ticket"
    tables = ("ticket",)
    effects = ("reaction_inbox",)
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
        written = [event for event in applied if event.type in WRITTEN]
        await enqueue_always(connection, await of_the_forgotten(connection, written, lambda e: [e.data["person_id"]]))
        await enqueue_always(connection, [e for e in applied if e.type == TICKET_ERASED and e.source == "intake"])
