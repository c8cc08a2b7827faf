"""Workflow's part in forgetting somebody: its words on his tickets, and the queues that he saved."""

from services.workflow.domain.queues import SAVED
from shared.contracts.erasing import QUEUE_ERASED
from shared.contracts.event import Event
from shared.db import Pool
from shared.eventstore.eraser import Eraser
from shared.forgetting import OwnForgetting, TicketForgetting


class Forgetting:
    """Reactions to erasures of others, and the end of one's own."""

    def __init__(self, pool: Pool, eraser: Eraser) -> None:
        self._queues = OwnForgetting("workflow", SAVED, QUEUE_ERASED, pool, eraser)
        self._tickets = TicketForgetting("workflow", eraser)
        self.on_forgotten = self._queues.on_forgotten

    async def on_personal_erased(self, event: Event) -> None:
        """Blank words on a ticket because another owner has; or finish what a crash may have left half done."""
        part = self._queues if event.type == QUEUE_ERASED else self._tickets
        await part.on_personal_erased(event)
