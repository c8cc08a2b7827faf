"""Workflow's part in forgetting somebody: its words on his tickets, the queues and dashboards that he saved, and that name him."""

from collections.abc import Sequence

from services.workflow.domain import dashboards, queues
from services.workflow.views.late import of_forgotten_requesters
from shared.contracts.erasing import DASHBOARD_ERASED, QUEUE_ERASED, TICKET_ERASED, erase
from shared.contracts.event import Event, NewEvent
from shared.db import Pool
from shared.eventstore.eraser import Eraser
from shared.forgetting import OwnForgetting, TicketForgetting, context_of


class Forgetting:
    """Reactions to erasures of others, and the end of one's own."""

    def __init__(self, pool: Pool, eraser: Eraser) -> None:
        self._pool = pool
        self._eraser = eraser
        self._queues = OwnForgetting("workflow", queues.SAVED, QUEUE_ERASED, pool, eraser)
        self._dashboards = OwnForgetting("workflow", dashboards.SAVED, DASHBOARD_ERASED, pool, eraser)
        self._tickets = TicketForgetting("workflow", eraser)

    async def on_forgotten(self, event: Event) -> None:
        """Blank what he has saved, and what others have saved that names him."""
        await self._queues.on_forgotten(event)
        await self._dashboards.on_forgotten(event)

    async def on_late_save(self, event: Event) -> None:
        """Blank what was saved while he was forgotten."""
        await self._queues.on_late(event)
        await self._dashboards.on_late(event)

    async def on_late_words(self, event: Event) -> None:
        """Blank what a requester has said on his ticket after its words were blanked; what the desk says then, stays."""
        for said, reason in await of_forgotten_requesters(self._pool, [event]):
            who = said.actor["id"]

            def decide(events: Sequence[Event], who: str = who, reason: str = reason) -> list[NewEvent]:
                return erase(events, lambda one: one.actor["id"] == who, TICKET_ERASED, reason, who)

            await self._eraser.erase(said.stream_id, decide, context_of(said, "workflow", said.stream_id))

    async def on_personal_erased(self, event: Event) -> None:
        """Blank words on a ticket because another owner has; or finish what a crash may have left half done."""
        part = self._queues if event.type in {QUEUE_ERASED, DASHBOARD_ERASED} else self._tickets
        await part.on_personal_erased(event)
