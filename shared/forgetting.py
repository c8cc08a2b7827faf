"""What an owner does when somebody is forgotten: the reaction that every service with a store of its own has.

Intake decides that a person is forgotten, blanks what came through the door, and says of each ticket what it has blanked. For the
tickets that the person asked for, the other owners blank their own words too: they answer the person, or speak of him. Every
one of these reactions finds its work done when it is made again, so they are made after a restored backup as well.
"""

from collections.abc import Sequence
from uuid import UUID

from shared.contracts.erasing import TICKET_ERASED, erase
from shared.contracts.event import Actor, Event, NewEvent, Via
from shared.contracts.ids import derived
from shared.db import Pool
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Context


def context_of(event: Event, owner: str, what: UUID) -> Context:
    """Return what the erasures say that an owner makes in the stream `what` because of an event."""
    return Context(
        command_id=derived("erase", owner, event.event_id, what), actor=Actor(event.actor["kind"], event.actor["id"]),
        via=Via("reaction", owner), cause=event.event_id, correlation=event.correlation, not_before=event.occurred_at,
        traceparent=event.traceparent,
    )  # fmt: skip


class OwnForgetting:
    """An owner's part where what somebody has said stands in streams of its own, which name him: ratings, saved queues.

    Args:
        owner: Whose store.
        said: Type of the events that say it; their `data` has his `person_id`, and in `named` those whom it names besides.
        erased: Type of the event that says it is blank.
    """

    def __init__(self, owner: str, said: str, erased: str, pool: Pool, eraser: Eraser) -> None:
        self._owner, self._said, self._erased = owner, said, erased
        self._pool = pool
        self._eraser = eraser

    async def on_forgotten(self, event: Event) -> None:
        """Blank it. The store is looked through: it alone has all, also what was removed."""
        rows = await self._pool.fetch(
            "SELECT DISTINCT stream_id FROM event WHERE type = $2 AND personal IS NOT NULL "
            "AND (data ->> 'person_id' = $1 OR data -> 'named' ? $1)",
            str(event.stream_id), self._said,
        )  # fmt: skip

        for row in rows:
            await self._blank(row["stream_id"], event.data["reason"], event)

    async def on_late(self, event: Event) -> None:
        """Blank what was on its way when he was forgotten; the view has handed it in. Why he was is not known here any more."""
        if event.type == self._said:
            await self._blank(event.stream_id, "other", event)

    async def on_personal_erased(self, event: Event) -> None:
        """Finish what a crash may have left half done."""
        await self._eraser.blank(event.stream_id)

    async def _blank(self, stream_id: UUID, reason: str, cause: Event) -> None:
        def decide(events: Sequence[Event]) -> list[NewEvent]:
            return erase(events, lambda _: True, self._erased, reason)

        await self._eraser.erase(stream_id, decide, context_of(cause, self._owner, stream_id))


class TicketForgetting:
    """Routing's and workflow's part: all their words on the ticket of somebody who is forgotten."""

    def __init__(self, owner: str, eraser: Eraser) -> None:
        self._owner = owner
        self._eraser = eraser

    async def on_personal_erased(self, event: Event) -> None:
        """Intake has blanked the ticket from its beginning; or the owner itself has said what it blanks."""
        if event.source == self._owner:
            await self._eraser.blank(event.stream_id)
            return

        def decide(events: Sequence[Event]) -> list[NewEvent]:
            return erase(events, lambda _: True, TICKET_ERASED, event.data["reason"], event.data["person_id"])

        await self._eraser.erase(event.stream_id, decide, context_of(event, self._owner, event.stream_id))
