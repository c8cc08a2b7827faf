"""Workflow's view: the current state of every ticket (`row`), its timeline, and its next alarm (`timers`)."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.workflow.domain.sla import TOLD
from services.workflow.views import row, timeline, timers
from services.workflow.views.dashboard import DashboardView
from services.workflow.views.late import (
    WORDED,
    may_be_late,
    of_forgotten_requesters,
    of_the_forgotten_let_in,
)
from services.workflow.views.queue import QueueView
from services.workflow.views.row import COLUMNS, TicketRow, evolve
from services.workflow.views.timeline import audit_timeline
from shared.contracts.erasing import TICKET_ERASED, blanks_whole
from shared.contracts.event import Event
from shared.contracts.topic_names import TICKETS
from shared.db import Connection
from shared.projection.reactor import enqueue, enqueue_always
from shared.projection.table import RowTable

__all__ = [
    "REACTED_TO",
    "REVIEWED",
    "TABLE",
    "WORDED",
    "DashboardView",
    "QueueView",
    "TicketRow",
    "TicketView",
    "audit_timeline",
    "evolve",
]

REACTED_TO = frozenset({"rule_applied", "assigned", "unassigned", "transferred", "message_received"})
REVIEWED = frozenset({*TOLD, "prioritised", "transferred", "rule_applied"})
"""Events after which a ticket's service levels are looked at, where there are any."""
TABLE = RowTable("ticket", COLUMNS)


class TicketView:
    """Tables `ticket`, `timeline` and `timer`."""

    name = "workflow.ticket"
    topics = frozenset({TICKETS})
    table = "ticket"
    tables = ("ticket", "timeline", "timer")
    effects = ("reaction_inbox",)
    evolve = staticmethod(evolve)
    initial = staticmethod(row.initial)

    async def audit(self, connection: Connection, ids: Sequence[UUID], events: Sequence[Event]) -> list[str]:
        return await audit_timeline(connection, ids, events) + await timers.audit_timers(connection, ids)

    def wants(self, event_type: str) -> bool:
        return event_type.startswith("ledgerdesk.ticket.")

    async def load(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, TicketRow]:
        rows = await connection.fetch(f"SELECT {', '.join(COLUMNS)} FROM ticket WHERE stream_id = ANY ($1)", ids)
        return {row["stream_id"]: TicketRow(*row) for row in rows}

    async def save(self, connection: Connection, rows: Mapping[UUID, TicketRow], applied: Sequence[Event]) -> None:
        await TABLE.save(connection, rows, applied)
        await timeline.add(connection, applied)
        await timeline.blank(connection, applied)
        await timers.follow(connection, rows, applied)
        reviews = await _plans_are_made(connection, applied)
        await enqueue(connection, [event for event in applied if _asks_to_react(event, reviews=reviews)])
        await enqueue_always(connection, [event for event in applied if _asks_to_blank(event)])
        own = [
            event
            for event in applied
            if may_be_late(event) and str(rows[event.stream_id].requester_id) == event.actor["id"]
        ]
        await enqueue_always(connection, [event for event, _ in await of_forgotten_requesters(connection, own)])
        await enqueue_always(connection, await of_the_forgotten_let_in(connection, applied))


async def _plans_are_made(connection: Connection, applied: Sequence[Event]) -> bool:
    """Whether anything is promised at all; a desk without plans spares itself the reactions."""
    if not any(event.name in REVIEWED for event in applied):
        return False
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM directory_entry WHERE kind = 'sla_plan' AND entry -> 'active' = 'true')"
    )
    return found


def _asks_to_react(event: Event, *, reviews: bool) -> bool:
    if event.name == "created":
        return reviews or bool(event.data.get("follows"))
    return event.name in REACTED_TO or (reviews and event.name in REVIEWED)


def _asks_to_blank(event: Event) -> bool:
    """Whether words of workflow's own are to be blanked: because a whole ticket is, or to finish what a crash left half done."""
    return event.type == TICKET_ERASED and (event.source == "workflow" or blanks_whole(event))
