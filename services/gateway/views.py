"""The gateway's views: whose each ticket is, and the feed that the live stream is read from."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from shared.contracts.event import Event
from shared.contracts.ids import uuid_of
from shared.contracts.public import is_public
from shared.contracts.topic_names import TICKETS
from shared.db import Connection
from shared.projection.access import NOWHERE, Access, access_after
from shared.projection.model import Versions, collaborators_after, stepped
from shared.projection.table import RowTable


class TicketRow(NamedTuple):
    """A ticket as the stream must know it."""

    stream_id: UUID
    versions: Versions
    number: str | None = None
    requester_id: UUID | None = None
    collaborators: Sequence[str] = ()
    access: Access = NOWHERE


def evolve(state: TicketRow, event: Event) -> TicketRow:
    """Fold an event of any owner."""
    slots: dict[str, Any] = {"access": access_after(state.access, event)}
    if event.name in {"collaborator_added", "collaborator_removed"}:
        slots["collaborators"] = collaborators_after(state.collaborators, event)
    elif event.name == "created":
        slots |= {"number": event.data["number"], "requester_id": uuid_of(event.data["person_id"])}
    return stepped(state, event, slots)


TABLE = RowTable(
    "ticket",
    {
        "stream_id": "uuid", "versions": "jsonb", "number": "text", "requester_id": "uuid", "collaborators": "jsonb",
        "access": "jsonb",
    },
)  # fmt: skip


class TicketView:
    """Tables `ticket` and `feed`."""

    name = "gateway.ticket"
    topics = frozenset({TICKETS})
    table = "ticket"
    tables = ("ticket",)
    effects = ("feed",)
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
        live = [event for event in applied if event.origin is None]  # nobody watches an import row by row
        if live:
            await connection.copy_records_to_table(
                "feed", columns=("ticket_id", "source", "version", "type", "at", "actor", "public"),
                records=[(e.stream_id, e.source, e.version, e.name, e.occurred_at, e.actor, is_public(e)) for e in live],
            )  # fmt: skip
