"""Somebody is forgotten: what he has said of articles is blanked. Articles are the desk's words, and stay."""

from collections.abc import Sequence

from shared.contracts.erasing import RATING_ERASED, erase
from shared.contracts.event import Event, NewEvent
from shared.db import Pool
from shared.eventstore.eraser import Eraser
from shared.forgetting import context_of

RATED = "ledgerdesk.article_rating.rated"


class KnowledgeForgetting:
    """Knowledge's part in forgetting somebody."""

    def __init__(self, pool: Pool, eraser: Eraser) -> None:
        self._pool = pool
        self._eraser = eraser

    async def on_forgotten(self, event: Event) -> None:
        """Blank the person's comments. The store is looked through: it alone knows all, and this is asked for rarely."""
        rows = await self._pool.fetch(
            "SELECT DISTINCT stream_id FROM event WHERE type = $2 AND data ->> 'person_id' = $1 AND personal IS NOT NULL",
            str(event.stream_id), RATED,
        )  # fmt: skip

        def decide(events: Sequence[Event]) -> list[NewEvent]:
            return erase(events, lambda _: True, RATING_ERASED, event.data["reason"])

        for row in rows:
            await self._eraser.erase(row["stream_id"], decide, context_of(event, "knowledge", row["stream_id"]))

    async def on_personal_erased(self, event: Event) -> None:
        """Finish what a crash may have left half done."""
        await self._eraser.blank(event.stream_id)
