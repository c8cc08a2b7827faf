"""Intake's own view: which tickets there are, by id and number, and whose they are."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from services.intake.domain import CREATED, MESSAGE_RECEIVED
from shared.contracts.event import Event
from shared.contracts.topic_names import TICKETS
from shared.db import Connection
from shared.projection.model import Versions, advanced
from shared.projection.reactor import enqueue_always
from shared.projection.table import RowTable


class TicketRow(NamedTuple):
    """A ticket as intake must know it to take a message for it."""

    stream_id: UUID
    versions: Versions
    number: str | None = None
    requester_id: UUID | None = None


TABLE = RowTable("ticket", {"stream_id": "uuid", "versions": "jsonb", "number": "text", "requester_id": "uuid"})


class TicketView:
    """Table `ticket`. What comes for a person who is forgotten already goes into the inbox, to be forgotten too."""

    name = "intake.ticket"
    topics = frozenset({TICKETS})
    table = "ticket"
    tables = ("ticket",)
    effects = ("reaction_inbox",)

    def wants(self, event_type: str) -> bool:
        return event_type in {CREATED, MESSAGE_RECEIVED}

    def initial(self, stream_id: UUID) -> TicketRow:
        return TicketRow(stream_id, {})

    def evolve(self, state: TicketRow, event: Event) -> TicketRow:
        versions = advanced(state.versions, event)
        if event.type == CREATED:
            return state._replace(
                versions=versions, number=event.data["number"], requester_id=UUID(event.data["person_id"])
            )
        return state._replace(versions=versions)

    async def load(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, TicketRow]:
        rows = await connection.fetch(
            "SELECT stream_id, versions, number, requester_id FROM ticket WHERE stream_id = ANY ($1)", ids
        )
        return {row["stream_id"]: TicketRow(*row) for row in rows}

    async def save(self, connection: Connection, rows: Mapping[UUID, TicketRow], applied: Sequence[Event]) -> None:
        await TABLE.save(connection, rows, applied)
        await enqueue_always(connection, await _of_the_forgotten(connection, applied))


async def _of_the_forgotten(connection: Connection, events: Sequence[Event]) -> list[Event]:
    """Return what was on its way when its person was forgotten, or is imported once more."""
    people = {event.data["person_id"] for event in events if event.type in {CREATED, MESSAGE_RECEIVED}}
    rows = await connection.fetch(
        "SELECT stream_id::text FROM person WHERE stream_id = ANY ($1::text[]::uuid[]) AND registered -> 'forgotten' = 'true'",
        list(people),
    )
    forgotten = {row["stream_id"] for row in rows}
    return [e for e in events if forgotten and e.personal and e.data.get("person_id") in forgotten]
