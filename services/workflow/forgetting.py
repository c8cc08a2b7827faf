"""Workflow's part in forgetting somebody: its words on his tickets, and the queues that he saved."""

from collections.abc import Sequence

from services.workflow.domain.queues import SAVED
from shared.contracts.erasing import QUEUE_ERASED, erase
from shared.contracts.event import Event, NewEvent
from shared.db import Pool
from shared.eventstore.eraser import Eraser
from shared.forgetting import TicketForgetting, context_of


class Forgetting:
    """Reactions to erasures of others, and the end of one's own."""

    def __init__(self, pool: Pool, eraser: Eraser) -> None:
        self._pool = pool
        self._eraser = eraser
        self._tickets = TicketForgetting("workflow", eraser)

    async def on_forgotten(self, event: Event) -> None:
        """Blank what the person's queues are called and ask. The store is looked through: it alone has those that were removed."""
        rows = await self._pool.fetch(
            "SELECT DISTINCT stream_id FROM event WHERE type = $2 AND data ->> 'person_id' = $1 AND personal IS NOT NULL",
            str(event.stream_id), SAVED,
        )  # fmt: skip

        def decide(events: Sequence[Event]) -> list[NewEvent]:
            return erase(events, lambda _: True, QUEUE_ERASED, event.data["reason"])

        for row in rows:
            await self._eraser.erase(row["stream_id"], decide, context_of(event, "workflow", row["stream_id"]))

    async def on_personal_erased(self, event: Event) -> None:
        """Blank words on a ticket because another owner has; or finish what a crash may have left half done."""
        if event.type == QUEUE_ERASED:
            await self._eraser.blank(event.stream_id)
        else:
            await self._tickets.on_personal_erased(event)
