"""A ticket's state as far as reports ask for it, and its row: one slot, one owner. Pure."""

from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from shared.contracts.event import Event

DONE = frozenset({"resolved", "closed"})
AWAY = DONE | {"merged"}
"""States in which nobody works on a ticket; the work on a merged one is counted where it was merged into."""
NO_WORK = "personal_erased"
"""An event that is on the timeline and in no figure: a report says the same before and after somebody is forgotten."""


def name_of(event: Event) -> str:
    """Return an event's name; what is said again because somebody is forgotten counts as that."""
    return NO_WORK if event.data.get("again") else event.name


_AFTER = {
    "started": "open", "held": "on_hold", "resumed": "open", "resolved": "resolved", "closed": "closed",
    "reopened": "open", "merged": "merged",
}  # fmt: skip
_SETS = {
    "created": ("topic", "department", "priority"), "assigned": ("agent",), "transferred": ("department",),
    "prioritised": ("priority",), "unmerged": ("status",),
}  # fmt: skip


class Slots(NamedTuple):
    """A ticket's state as far as reports ask for it. Each slot is written by one source only."""

    created: bool = False
    topic: str | None = None
    stated_department: str | None = None
    asked_priority: str | None = None
    moved: bool = False
    moved_department: str | None = None
    agent: UUID | None = None
    status: str = "new"
    set_priority: str | None = None

    @property
    def department(self) -> str | None:
        """Where it is: where it was last sent, else where its creation says it came in."""
        return self.moved_department if self.moved else self.stated_department

    @property
    def priority(self) -> str:
        """How urgent it is: as set, else as asked for, else normal."""
        return self.set_priority or self.asked_priority or "normal"


@lru_cache(maxsize=4096)
def as_uuid(text: str | None) -> UUID | None:
    """Return an id; None for what is none (an import may name anything). The same few agents are named over and over."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def sets_of(event: Event) -> dict[str, Any] | None:
    """Return the values by which the event changes slots, None where there are none: all the fold needs of its data."""
    names = _SETS.get(event.name)
    return {name: event.data.get(name) for name in names} if names else None


def step(slots: Slots, name: str, sets: dict[str, Any] | None) -> Slots:
    """Return the slots after an event of this name. Most events of a large log come through here, some several times."""
    created, topic, stated, asked, moved, moved_to, agent, status, priority = slots
    said = sets or {}
    match name:
        case "created":
            created, topic, stated, asked = True, said.get("topic"), said.get("department"), said.get("priority")
        case "assigned" | "unassigned":
            agent = as_uuid(said.get("agent"))
        case "transferred":
            moved, moved_to = True, said.get("department")
        case "unmerged":
            status = said.get("status") or "open"
        case "prioritised":
            priority = said.get("priority") or priority
        case "started" if status != "new":
            return slots
        case _:
            if name not in _AFTER:
                return slots
            status = _AFTER[name]
    return Slots(created, topic, stated, asked, moved, moved_to, agent, status, priority)


def kind_of(name: str, before: Slots, after: Slots) -> str | None:
    """Return what the event counts as: its name, or None where it states what was so already.

    A move counts when it changes the status; a hold always (it may change what is waited for); a reopening only out of
    resolved or closed; a creation once.
    """
    match name:
        case "created":
            return None if before.created else name
        case "reopened":
            return name if before.status in DONE else None
        case _ if name == NO_WORK:
            return None
        case "started" | "resumed" | "resolved" | "closed":
            return name if before.status != after.status else None
        case _:
            return name


def reopened_from(before: Slots, after: Slots) -> str | None:
    """Return the state that was left, when an event takes a ticket out of resolved or closed back into work."""
    return before.status if before.status in DONE and after.status not in AWAY else None


NOTHING = Slots()
"""Before the first event."""


SEVERAL = ""
"""Stands for more than one log: no log has such a name."""


class Head(NamedTuple):
    """How far one source's part of a ticket has come.

    Attributes:
        at: Largest `occurred_at` so far.
        rank: Largest imported row so far among its events of that time, 0 for none: with `at`, its place on the timeline.
        log: The log that its imported events came from; `SEVERAL` once there was another.
        top: Largest row so far of that log, 0 for none. Of several it says nothing.
        actor, correlation: Of the last event: together they name the command it came from.
    """

    at: datetime
    rank: int
    log: str | None
    top: int
    actor: str | None
    correlation: UUID


class Ticket(NamedTuple):
    """A ticket as reports know it now. Times are `occurred_at` of the events that made it so."""

    stream_id: UUID
    versions: dict[str, int]
    number: str | None
    slots: Slots
    created_at: datetime | None
    first_at: datetime | None
    last_at: datetime | None
    first_resolved_at: datetime | None
    first_closed_at: datetime | None
    reopened_from_resolved: int
    reopened_from_closed: int
    heads: dict[str, Head]


def initial(stream_id: UUID) -> Ticket:
    """Return a ticket of which nothing has come."""
    return Ticket(stream_id, {}, None, NOTHING, None, None, None, None, None, 0, 0, {})


def advance(head: Head | None, event: Event) -> Head:
    """Return the head of the event's source after it. Time and rank never go back, so a source's events keep their order."""
    at, origin, actor = event.occurred_at, event.origin, event.actor.get("id")
    rank = row = int(origin.get("row") or 0) if origin else 0
    log, top = None, 0
    if head is not None:
        log, top = head.log, head.top
        if at <= head.at:
            at, rank = head.at, max(head.rank, row)
    if origin:
        top = max(top, row)
        log = origin.get("log") if log in {None, origin.get("log")} else SEVERAL
    return Head(at, rank, log, top, actor, event.correlation)


def evolve(ticket: Ticket, event: Event) -> Ticket:
    """Fold the next event of any owner into the row. Total, and the order of owners does not matter."""
    name, source, at = name_of(event), event.source, event.occurred_at
    before, slots = ticket.slots, step(ticket.slots, name, sets_of(event))
    number, created_at = ticket.number, ticket.created_at
    resolved, closed = ticket.first_resolved_at, ticket.first_closed_at
    from_resolved, from_closed = ticket.reopened_from_resolved, ticket.reopened_from_closed
    if name == "created" and not before.created:
        number, created_at = event.data.get("number"), at
    elif slots.status != before.status:
        if slots.status == "resolved":
            resolved = min(at, resolved or at)
        elif slots.status == "closed":
            closed = min(at, closed or at)
        left = reopened_from(before, slots)
        from_resolved += left == "resolved"
        from_closed += left == "closed"
    last_at = ticket.last_at or at
    return Ticket(
        ticket.stream_id, {**ticket.versions, source: event.version}, number, slots, created_at,
        min(at, ticket.first_at or at), last_at if name == NO_WORK else max(at, last_at), resolved, closed, from_resolved, from_closed,
        {**ticket.heads, source: advance(ticket.heads.get(source), event)},
    )  # fmt: skip
