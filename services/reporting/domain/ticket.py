"""A ticket's state as far as reports ask for it, and its row: one slot, one owner. Pure."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from shared.contracts.event import Event

SOURCES = ("intake", "routing", "workflow")
"""The owners of ticket events."""
DONE = frozenset({"resolved", "closed"})

_AFTER = {
    "started": "open", "held": "on_hold", "resumed": "open", "resolved": "resolved", "closed": "closed",
    "reopened": "open",
}  # fmt: skip
_SETS = {
    "created": ("topic", "department", "priority"), "assigned": ("agent",), "transferred": ("department",),
    "prioritised": ("priority",),
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


def as_uuid(value: object) -> UUID | None:
    """Return an id; None for what is none (an import may name anything)."""
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None


def sets_of(event: Event) -> dict[str, Any] | None:
    """Return the values by which the event changes slots, None where there are none: all the fold needs of its data."""
    names = _SETS.get(event.name)
    return {name: event.data.get(name) for name in names} if names else None


def step(slots: Slots, name: str, sets: dict[str, Any] | None) -> Slots:
    """Return the slots after an event of this name."""
    if name in _AFTER:
        if name == "started" and slots.status != "new":
            return slots
        return slots._replace(status=_AFTER[name])
    said = sets or {}
    match name:
        case "created":
            return slots._replace(
                created=True, topic=said.get("topic"), stated_department=said.get("department"),
                asked_priority=said.get("priority"),
            )  # fmt: skip
        case "assigned":
            return slots._replace(agent=as_uuid(said.get("agent")))
        case "unassigned":
            return slots._replace(agent=None)
        case "transferred":
            return slots._replace(moved=True, moved_department=said.get("department"))
        case "prioritised":
            return slots._replace(set_priority=said.get("priority") or slots.set_priority)
        case _:
            return slots


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
        case "started" | "resumed" | "resolved" | "closed":
            return name if before.status != after.status else None
        case _:
            return name


def reopened_from(before: Slots, after: Slots) -> str | None:
    """Return the state that was left, when an event takes a ticket out of resolved or closed back into work."""
    return before.status if before.status in DONE and after.status not in DONE else None


class Head(NamedTuple):
    """How far one source's part of a ticket has come.

    Attributes:
        at: Largest `occurred_at` so far.
        row: Imported row of the last event, 0 for none.
        log: The log that the last imported event came from.
        top: Largest row so far of that log, 0 for none.
        command: Actor and correlation of the last event: names the command it came from.
    """

    at: datetime
    row: int
    log: str | None
    top: int
    command: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as reports know it now. Times are `occurred_at` of the events that made it so."""

    stream_id: UUID
    versions: dict[str, int] = field(default_factory=dict)
    number: str | None = None
    slots: Slots = Slots()
    created_at: datetime | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None
    first_resolved_at: datetime | None = None
    first_closed_at: datetime | None = None
    reopened_from_resolved: int = 0
    reopened_from_closed: int = 0
    heads: dict[str, Head] = field(default_factory=dict)


def _command(event: Event) -> str:
    return f"{event.actor.get('kind')}:{event.actor.get('id')}|{event.correlation}"


def advance(head: Head | None, event: Event) -> Head:
    """Return the head of the event's source after it."""
    origin = event.origin or {}
    row = int(origin.get("row") or 0)
    at = event.occurred_at
    log, top = (head.log, head.top) if head else (None, 0)
    if origin:
        top = max(top, row) if origin.get("log") == log else row
        log = origin.get("log")
    return Head(max(at, head.at) if head else at, row, log, top, _command(event))


def evolve(ticket: Ticket, event: Event) -> Ticket:
    """Fold the next event of any owner into the row. Total, and the order of owners does not matter."""
    name, at = event.name, event.occurred_at
    slots = step(ticket.slots, name, sets_of(event))
    changed: dict[str, Any] = {}
    if name == "created" and not ticket.slots.created:
        changed = {"number": str(event.data.get("number")), "created_at": at}
    elif slots.status != ticket.slots.status:
        if slots.status == "resolved":
            changed["first_resolved_at"] = min(at, ticket.first_resolved_at or at)
        elif slots.status == "closed":
            changed["first_closed_at"] = min(at, ticket.first_closed_at or at)
        left = reopened_from(ticket.slots, slots)
        if left is not None:
            changed[f"reopened_from_{left}"] = getattr(ticket, f"reopened_from_{left}") + 1
    return replace(
        ticket, slots=slots, versions={**ticket.versions, event.source: event.version},
        first_at=min(at, ticket.first_at or at), last_at=max(at, ticket.last_at or at),
        heads={**ticket.heads, event.source: advance(ticket.heads.get(event.source), event)}, **changed,
    )  # fmt: skip
