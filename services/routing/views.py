"""Routing's own view: who has each ticket, whether it is still work, and what rules look at; the agents' load is counted from it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.routing.domain.causes import CAUSES, kinds_of, when_of
from services.routing.domain.looks import NOTHING, Looks, as_it_is, looks_after
from shared.contracts.erasing import blanks_whole
from shared.contracts.event import Event
from shared.contracts.topic_names import TICKETS
from shared.db import Connection
from shared.projection.access import NOWHERE, Access, access_after, department_of
from shared.projection.model import Versions, advanced, collaborators_after
from shared.projection.reactor import enqueue, enqueue_always
from shared.projection.table import RowTable
from shared.rules import Rule, asked

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
_COLUMNS = ", ".join(TABLE.columns)


REACTED_TO = frozenset({"created", "replied", "reopened"})
AS_IT_WAS = "as_it_was"
"""In `data` of an event in the inbox: what rules look at, just after that event; nothing personal."""
_ASKED_RULES = """
SELECT jsonb_build_object('when', entry -> 'when', 'changes', entry -> 'changes') AS rule FROM directory_entry
WHERE kind = 'rule' AND entry -> 'active' = 'true' AND entry ->> 'when' = ANY ($1)
"""


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


def evolve(state: TicketRow, event: Event) -> TicketRow:  # noqa: PLR0911 -- one return per fact is how it reads
    """Fold an event of any owner. Total, and the order of owners does not matter."""
    data, versions = event.data, advanced(state.versions, event)
    state = state._replace(access=access_after(state.access, event), looks=looks_after(state.looks, event))
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
        case "started" if state.status != "new":
            return state._replace(versions=versions)
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
        return TicketRow(stream_id, {}, access={}, collaborators=[], looks={})

    async def load(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, TicketRow]:
        rows = await connection.fetch(f"SELECT {_COLUMNS} FROM ticket WHERE stream_id = ANY ($1)", ids)
        return {row["stream_id"]: TicketRow(*row) for row in rows}

    async def save(self, connection: Connection, rows: Mapping[UUID, TicketRow], applied: Sequence[Event]) -> None:
        causes = await self._causes(connection, applied)  # before the rows change
        await TABLE.save(connection, rows, applied)
        asking = [causes.get(event.event_id, event) for event in applied]
        await enqueue(connection, [e for e in asking if AS_IT_WAS in e.data or _asks_to_react(e)])
        await enqueue_always(connection, [event for event in applied if blanks_whole(event)])

    async def _causes(self, connection: Connection, applied: Sequence[Event]) -> dict[UUID, Event]:
        """Return those of these events that may make a rule hold, with what rules look at as it is just after each of them."""
        asks = {event.event_id: when for event in applied if event.name in CAUSES and (when := when_of(event))}
        if not asks:
            return {}
        rows = await connection.fetch(_ASKED_RULES, list(set(asks.values())))
        rules = [row["rule"] for row in rows]
        wanted = {event.event_id for event in applied if _is_asked(event, asks.get(event.event_id), rules)}
        if not wanted:
            return {}
        streams = {event.stream_id for event in applied if event.event_id in wanted}
        states = await self.load(connection, list(streams))
        found = {}
        for event in applied:
            if event.stream_id not in streams:
                continue
            row = states[event.stream_id] = evolve(states.get(event.stream_id) or self.initial(event.stream_id), event)
            if event.event_id in wanted and row.status != "merged":
                seen = {"values": values_of(row), "versions": row.versions}
                found[event.event_id] = replace(event, data={**event.data, AS_IT_WAS: seen})
        return found


def values_of(row: TicketRow) -> dict[str, Any]:
    """Return a ticket's values as rules test them; see `as_it_is`."""
    return as_it_is(row.looks, row.status, {**row.access, "department": department_of(row.access)})


def _is_asked(event: Event, when: str | None, rules: Sequence[Rule]) -> bool:
    return when is not None and bool(asked(rules, when, kinds_of(event)))


def _asks_to_react(event: Event) -> bool:
    return event.name in REACTED_TO or (event.name == "escalated" and bool(event.data.get("reassign")))
