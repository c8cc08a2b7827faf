"""Saved queues: table `saved_queue`. One whose owner is forgotten has no name any more, and is nobody's to see."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from shared.contracts.erasing import QUEUE_ERASED
from shared.contracts.event import Event
from shared.contracts.topic_names import DIRECTORY
from shared.db import Connection
from shared.directory.forgotten import of_the_forgotten, owner_and_named
from shared.projection.model import Versions, advanced
from shared.projection.reactor import enqueue_always
from shared.projection.table import RowTable


class QueueRow(NamedTuple):
    """A queue as it was saved last."""

    stream_id: UUID
    versions: Versions
    person_id: UUID | None = None
    share: str = "nobody"
    team: str | None = None
    name: str | None = None
    filters: Mapping[str, Any] | None = None
    columns: Sequence[str] = ()
    sort: str = ""
    place: int = 0
    removed: bool = False


TABLE = RowTable(
    "saved_queue",
    {
        "stream_id": "uuid", "versions": "jsonb", "person_id": "uuid", "share": "text", "team": "text", "name": "text",
        "filters": "jsonb", "columns": "jsonb", "sort": "text", "place": "int", "removed": "bool",
    },
)  # fmt: skip


def evolve(state: QueueRow, event: Event) -> QueueRow:
    """Fold one event. Total."""
    versions = advanced(state.versions, event)
    data, personal = event.data, event.personal or {}
    match event.name:
        case "saved":
            return QueueRow(
                state.stream_id, versions, UUID(data["person_id"]), data["share"], data.get("team"), personal.get("name"),
                personal.get("filters"), list(data.get("columns", ())), data["sort"], data.get("order", 0),
            )  # fmt: skip
        case "removed":
            return state._replace(versions=versions, removed=True, name=None, filters=None)
    return state._replace(versions=versions, name=None, filters=None)


class QueueView:
    """Table `saved_queue`."""

    name = "workflow.queue"
    topics = frozenset({DIRECTORY})
    table = "saved_queue"
    tables = ("saved_queue",)
    effects = ("reaction_inbox",)
    evolve = staticmethod(evolve)

    def wants(self, event_type: str) -> bool:
        return event_type.startswith("ledgerdesk.queue.")

    def initial(self, stream_id: UUID) -> QueueRow:
        return QueueRow(stream_id, {}, columns=[])

    async def load(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, QueueRow]:
        rows = await connection.fetch(
            f"SELECT {', '.join(TABLE.columns)} FROM saved_queue WHERE stream_id = ANY ($1)", ids
        )
        return {row["stream_id"]: QueueRow(*row) for row in rows}

    async def save(self, connection: Connection, rows: Mapping[UUID, QueueRow], applied: Sequence[Event]) -> None:
        await TABLE.save(connection, rows, applied)
        saved = [event for event in applied if event.name == "saved"]
        await enqueue_always(connection, await of_the_forgotten(connection, saved, owner_and_named))
        await enqueue_always(connection, [event for event in applied if event.type == QUEUE_ERASED])
