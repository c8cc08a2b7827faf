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
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Context


def context_of(event: Event, owner: str, what: UUID) -> Context:
    """Return what the erasures say that an owner makes in the stream `what` because of an event."""
    return Context(
        command_id=derived("erase", owner, event.event_id, what), actor=Actor(event.actor["kind"], event.actor["id"]),
        via=Via("reaction", owner), cause=event.event_id, correlation=event.correlation, not_before=event.occurred_at,
        traceparent=event.traceparent,
    )  # fmt: skip


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
