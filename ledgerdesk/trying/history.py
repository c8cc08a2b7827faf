"""The histories of past tickets, from the owners' feeds."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import httpx

from ledgerdesk.client import checked_text
from services.routing.domain.causes import by_rule
from shared.contracts.event import Event, from_feed_line
from shared.contracts.upcast import upcast

PAGE = 2000


@dataclass(slots=True)
class History:
    """A ticket's events, in timeline order; and of what rules did to it, which is not among them, what routing wrote (`ruled`)."""

    ticket: UUID
    events: list[Event] = field(default_factory=list)
    ruled: list[Event] = field(default_factory=list)

    @property
    def created(self) -> Event:
        """Return its creation."""
        return next(event for event in self.events if event.name == "created")


def _feed(client: httpx.Client, owner: str) -> Iterator[Event]:
    after = 0
    while True:
        text = checked_text(client.get(f"/internal/{owner}/events", params={"after": after, "limit": PAGE}))
        events = [from_feed_line(line.encode()) for line in text.splitlines() if line]
        yield from map(upcast, events)
        if len(events) < PAGE:
            return
        after = events[-1].position


def histories(
    client: httpx.Client, start: datetime | None, end: datetime | None
) -> tuple[list[History], datetime | None]:
    """Return the histories of the tickets that were created in a time, oldest first, and when the last event of all happened."""
    told: dict[UUID, list[Event]] = {}
    last: datetime | None = None
    for owner in ("intake", "routing", "workflow"):  # intake first: it says which tickets there are
        for event in _feed(client, owner):
            if not event.type.startswith("ledgerdesk.ticket."):
                continue
            last = event.occurred_at if last is None else max(last, event.occurred_at)
            inside = (start is None or event.occurred_at >= start) and (end is None or event.occurred_at < end)
            if event.stream_id in told or (event.name == "created" and inside):
                told.setdefault(event.stream_id, []).append(event)
    found = [history_of(events) for events in told.values()]
    return sorted(found, key=lambda history: (history.created.occurred_at, str(history.ticket))), last


def history_of(events: Iterable[Event]) -> History:
    """Return a ticket's history. What a rule did is not in it, nor what came of that by itself, but for what is promised."""
    history = History(UUID(int=0))
    without: set[UUID] = set()
    for event in in_order(list(events)):
        history.ticket = event.stream_id
        if by_rule(event) or (event.cause in without and not event.name.startswith("sla_")):
            without.add(event.event_id)
            if event.source == "routing":
                history.ruled.append(event)
        else:
            history.events.append(event)
    return history


def in_order(events: Sequence[Event]) -> list[Event]:
    """Return a ticket's events as its timeline has them: by time, and of one owner by version."""
    return sorted(events, key=lambda e: (e.occurred_at, (e.origin or {}).get("row") or 0, e.source, e.version))
