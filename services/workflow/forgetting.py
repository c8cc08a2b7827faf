"""Workflow's part in forgetting somebody: its words on his tickets, his on others', the queues and dashboards that he saved, and that name him."""

from collections.abc import Sequence
from uuid import UUID

from services.workflow.domain import dashboards, let_in, queues
from services.workflow.views.late import of_forgotten_requesters, of_the_forgotten_let_in
from shared.contracts.erasing import DASHBOARD_ERASED, QUEUE_ERASED, TICKET_ERASED, erase
from shared.contracts.event import Event, NewEvent
from shared.db import Pool
from shared.eventstore.eraser import Eraser
from shared.forgetting import OwnForgetting, TicketForgetting, context_of

_SAID = """
SELECT DISTINCT stream_id FROM event
WHERE type = ANY ($2) AND personal IS NOT NULL AND meta -> 'actor' ->> 'id' = $1
"""
_LET_IN = """
SELECT ticket_id FROM timeline
WHERE ticket_id = ANY ($2) AND source = 'intake' AND type = 'collaborator_added' AND data ->> 'person_id' = $1
AND NOT EXISTS (SELECT FROM person WHERE stream_id::text = $1 AND agent IS NOT NULL)
"""
"""Tickets on which what he said is no agent's, though it does not say so: before events did."""


class Forgetting:
    """Reactions to erasures of others, and the end of one's own."""

    def __init__(self, pool: Pool, eraser: Eraser) -> None:
        self._pool = pool
        self._eraser = eraser
        self._queues = OwnForgetting("workflow", queues.SAVED, QUEUE_ERASED, pool, eraser)
        self._dashboards = OwnForgetting("workflow", dashboards.SAVED, DASHBOARD_ERASED, pool, eraser)
        self._tickets = TicketForgetting("workflow", eraser)

    async def on_forgotten(self, event: Event) -> None:
        """Blank what he has saved, what others have saved that names him, and what he said where he was let in."""
        await self._queues.on_forgotten(event)
        await self._dashboards.on_forgotten(event)
        who = str(event.stream_id)
        types = [f"ledgerdesk.ticket.{name}" for name in sorted(let_in.SAYS)]
        tickets = [row["stream_id"] for row in await self._pool.fetch(_SAID, who, types)]
        before = {row["ticket_id"] for row in await self._pool.fetch(_LET_IN, who, tickets)}
        for ticket in tickets:
            await self._blank_let_in(ticket, who, event.data["reason"], event, unmarked=ticket in before)

    async def _blank_let_in(self, ticket: UUID, who: str, reason: str, cause: Event, *, unmarked: bool = False) -> None:
        def decide(events: Sequence[Event]) -> list[NewEvent]:
            return let_in.forget(events, who, reason, unmarked=unmarked)

        await self._eraser.erase(ticket, decide, context_of(cause, "workflow", ticket))

    async def on_late_save(self, event: Event) -> None:
        """Blank what was saved while he was forgotten."""
        await self._queues.on_late(event)
        await self._dashboards.on_late(event)

    async def on_late_words(self, event: Event) -> None:
        """Blank what a requester, or who is let in, has said after his words were blanked; what the desk says then, stays."""
        for said, reason in await of_forgotten_requesters(self._pool, [event]):
            who = said.actor["id"]

            def decide(events: Sequence[Event], who: str = who, reason: str = reason) -> list[NewEvent]:
                return erase(events, lambda one: one.actor["id"] == who, TICKET_ERASED, reason, who)

            await self._eraser.erase(said.stream_id, decide, context_of(said, "workflow", said.stream_id))
        for said in await of_the_forgotten_let_in(self._pool, [event]):  # why he was is not known here any more
            await self._blank_let_in(said.stream_id, said.actor["id"], "other", said)

    async def on_personal_erased(self, event: Event) -> None:
        """Blank words on a ticket because another owner has; or finish what a crash may have left half done."""
        part = self._queues if event.type in {QUEUE_ERASED, DASHBOARD_ERASED} else self._tickets
        await part.on_personal_erased(event)
