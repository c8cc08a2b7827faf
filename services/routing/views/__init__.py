"""Routing's own view: who has each ticket, whether it is still work, and what rules look at (`row`).

The agents' load is counted from it. It hands in what routing reacts to (`asking`), and keeps the timers of rules on time (`timers`).
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.routing.views import row, timers
from services.routing.views.asking import AS_IT_WAS, as_it_was, asking
from services.routing.views.row import COLUMNS, TABLE, TicketRow, evolve, values_of
from shared.contracts.erasing import blanks_whole
from shared.contracts.event import Event
from shared.contracts.topic_names import TICKETS
from shared.db import Connection
from shared.projection.reactor import enqueue, enqueue_always
from shared.rules import asked

__all__ = ["AS_IT_WAS", "REACTED_TO", "TicketRow", "TicketView", "evolve", "values_of"]

REACTED_TO = frozenset({"created", "replied", "reopened"})
_REACTED_TO = frozenset(f"ledgerdesk.ticket.{name}" for name in REACTED_TO)
_ESCALATED = "ledgerdesk.ticket.escalated"


class TicketView:
    """Table `ticket`."""

    name = "routing.ticket"
    topics = frozenset({TICKETS})
    table = "ticket"
    tables = ("ticket",)
    effects = ("reaction_inbox", "rule_timer")
    evolve = staticmethod(evolve)
    initial = staticmethod(row.initial)

    async def audit(self, connection: Connection, ids: Sequence[UUID], events: Sequence[Event]) -> list[str]:
        del events
        return await timers.audit_timers(connection, await self.load(connection, ids))

    def wants(self, event_type: str) -> bool:
        return event_type.startswith("ledgerdesk.ticket.")

    async def load(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, TicketRow]:
        rows = await connection.fetch(f"SELECT {COLUMNS} FROM ticket WHERE stream_id = ANY ($1)", ids)
        return {row["stream_id"]: TicketRow(*row) for row in rows}

    async def save(self, connection: Connection, rows: Mapping[UUID, TicketRow], applied: Sequence[Event]) -> None:
        rules = await timers.later_rules(connection, applied)
        asks, on_time = asking(rules, applied) if rules else set(), asked(rules, "time")
        before = await self.load(connection, list(rows)) if asks or on_time else {}
        await TABLE.save(connection, rows, applied)
        if on_time:
            await timers.follow(connection, on_time, before, rows, applied)
        causes = as_it_was(asks, before, applied) if asks else {}
        await enqueue(
            connection,
            [causes.get(e.event_id, e) for e in applied if _asks_to_react(e) or (causes and e.event_id in causes)],
        )
        await enqueue_always(connection, [event for event in applied if blanks_whole(event)])


def _asks_to_react(event: Event) -> bool:
    return event.type in _REACTED_TO or (event.type == _ESCALATED and bool(event.data.get("reassign")))
