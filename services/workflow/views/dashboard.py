"""Dashboards: table `dashboard`. One whose owner is forgotten has no name any more, and is nobody's to see."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from shared.contracts.erasing import DASHBOARD_ERASED
from shared.contracts.event import Event
from shared.contracts.topic_names import DIRECTORY
from shared.db import Connection
from shared.directory.forgotten import of_the_forgotten, owner_and_named
from shared.projection.model import Versions, advanced
from shared.projection.reactor import enqueue_always
from shared.projection.table import RowTable


class DashboardRow(NamedTuple):
    """A dashboard as it was saved last."""

    stream_id: UUID
    versions: Versions
    person_id: UUID | None = None
    share: str = "nobody"
    name: str | None = None
    tiles: Sequence[Mapping[str, Any]] | None = None
    place: int = 0
    removed: bool = False


TABLE = RowTable(
    "dashboard",
    {
        "stream_id": "uuid", "versions": "jsonb", "person_id": "uuid", "share": "text", "name": "text", "tiles": "jsonb", "place": "int",
        "removed": "bool",
    },
)  # fmt: skip


def evolve(state: DashboardRow, event: Event) -> DashboardRow:
    """Fold one event. Total."""
    versions = advanced(state.versions, event)
    data, personal = event.data, event.personal or {}
    match event.name:
        case "saved":
            return DashboardRow(
                state.stream_id, versions, UUID(data["person_id"]), data["share"], personal.get("name"), personal.get("tiles"),
                data.get("order", 0),
            )  # fmt: skip
        case "removed":
            return state._replace(versions=versions, removed=True, name=None, tiles=None)
    return state._replace(versions=versions, name=None, tiles=None)


class DashboardView:
    """Table `dashboard`."""

    name = "workflow.dashboard"
    topics = frozenset({DIRECTORY})
    table = "dashboard"
    tables = ("dashboard",)
    effects = ("reaction_inbox",)
    evolve = staticmethod(evolve)

    def wants(self, event_type: str) -> bool:
        return event_type.startswith("ledgerdesk.dashboard.")

    def initial(self, stream_id: UUID) -> DashboardRow:
        return DashboardRow(stream_id, {})

    async def load(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, DashboardRow]:
        rows = await connection.fetch(
            f"SELECT {', '.join(TABLE.columns)} FROM dashboard WHERE stream_id = ANY ($1)", ids
        )
        return {row["stream_id"]: DashboardRow(*row) for row in rows}

    async def save(self, connection: Connection, rows: Mapping[UUID, DashboardRow], applied: Sequence[Event]) -> None:
        await TABLE.save(connection, rows, applied)
        saved = [event for event in applied if event.name == "saved"]
        await enqueue_always(connection, await of_the_forgotten(connection, saved, owner_and_named))
        await enqueue_always(connection, [event for event in applied if event.type == DASHBOARD_ERASED])
