"""Blanking personal parts in one owner's store: first the fact that says so, then the blanking that it names."""

from collections.abc import Callable, Sequence
from uuid import UUID

from shared.contracts.erasing import erased
from shared.contracts.event import Event, NewEvent
from shared.eventstore.appender import Appender
from shared.eventstore.ledger import Context, Ledger, Result
from shared.eventstore.store import EventStore

History = tuple[Event, ...]
Decide = Callable[[Sequence[Event]], Sequence[NewEvent]]


def _nothing() -> History:
    return ()


def _with(events: History, event: Event) -> History:
    return (*events, event)


class Eraser:
    """Blanks in one store. What a crash leaves half done is finished when the same is asked again: facts say what to blank."""

    def __init__(self, store: EventStore, appender: Appender) -> None:
        self.store = store
        self._streams = Ledger(store, appender, _nothing, _with)

    async def erase(self, stream_id: UUID, decide: Decide, context: Context) -> Result:
        """Append the erasure that is decided on the stream's events, if any, and blank all that its erasures name."""
        result = await self._streams.execute(stream_id, decide, context)
        await self.blank(stream_id)
        return result

    async def blank(self, stream_id: UUID) -> None:
        """Blank what the stream's erasures name and is not blank yet."""
        events, _ = await self.store.load(stream_id)
        places = erased(events)
        left = [e.event_id for e in events if e.personal is not None and (e.source, e.version) in places]
        if left:
            await self.store.erase(left)
