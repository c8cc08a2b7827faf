"""Workflow's part in forgetting somebody: its words on his tickets, the queues and dashboards that he saved, and that name him."""

from services.workflow.domain import dashboards, queues
from shared.contracts.erasing import DASHBOARD_ERASED, QUEUE_ERASED
from shared.contracts.event import Event
from shared.db import Pool
from shared.eventstore.eraser import Eraser
from shared.forgetting import OwnForgetting, TicketForgetting


class Forgetting:
    """Reactions to erasures of others, and the end of one's own."""

    def __init__(self, pool: Pool, eraser: Eraser) -> None:
        self._queues = OwnForgetting("workflow", queues.SAVED, QUEUE_ERASED, pool, eraser)
        self._dashboards = OwnForgetting("workflow", dashboards.SAVED, DASHBOARD_ERASED, pool, eraser)
        self._tickets = TicketForgetting("workflow", eraser)

    async def on_forgotten(self, event: Event) -> None:
        """Blank what he has saved, and what others have saved that names him."""
        await self._queues.on_forgotten(event)
        await self._dashboards.on_forgotten(event)

    async def on_personal_erased(self, event: Event) -> None:
        """Blank words on a ticket because another owner has; or finish what a crash may have left half done."""
        part = self._queues if event.type in {QUEUE_ERASED, DASHBOARD_ERASED} else self._tickets
        await part.on_personal_erased(event)
