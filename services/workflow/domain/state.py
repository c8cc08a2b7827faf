"""What workflow's own events say of a ticket, and what every command on one needs. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.contracts.event import NewEvent
from shared.refusal import Refusal

WORKED = frozenset({"new", "open", "on_hold"})
"""States in which a ticket is still work."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something to be done before the ticket can be closed, if it `blocks`. `due` is RFC 3339, UTC."""

    agent: str | None = None
    due: str | None = None
    blocks: bool = True
    done: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A note or reply: its event's id and version, and whose it is. `edits` are the versions of its corrections."""

    version: int
    name: str
    by: str | None
    body: str | None
    edits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Life:
    """A ticket, as workflow's own events say.

    Attributes:
        state: The desk's own state of the status, by its key; see `lifecycle`.
        moved_at: When somebody changed the status last; a timer is nobody.
        tags: Tag to whether it was put on or taken off; what `created` says holds for the others.
        fields: Custom field to what it was made to hold (`fields.after`); what `created` says holds for the others.
        tasks: Task id to task.
        links: (kind, other ticket).
        merged_into: The ticket that stands for this one; `before_merge` and `state_before_merge` are what to go back to.
        words: Event id to note or reply.
        watchers: Person ids.
        minutes: Entry id to minutes of work.
        sla: What was said of its service levels (`sla.said`).
        closes_at: When silence closes it (RFC 3339), and since when that is said.
        version: How far workflow's part of the stream has come.
    """

    status: str = "new"
    state: str | None = None
    priority: str | None = None
    severity: str | None = None
    until: str | None = None
    level: int = 0
    acknowledged: bool = False
    moved_at: datetime | None = None
    tags: Mapping[str, bool] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    tasks: Mapping[str, Task] = field(default_factory=dict)
    links: frozenset[tuple[str, str]] = frozenset()
    merged_into: str | None = None
    before_merge: str = "new"
    state_before_merge: str | None = None
    words: Mapping[str, Words] = field(default_factory=dict)
    watchers: frozenset[str] = frozenset()
    minutes: Mapping[str, int] = field(default_factory=dict)
    score: int | None = None
    sla: Mapping[str, Any] = field(default_factory=dict)
    closes_at: str | None = None
    close_warned_at: datetime | None = None
    version: int = 0


Facts = Sequence[NewEvent]


def fact(name: str, data: Mapping[str, Any] | None = None, **personal: str | None) -> NewEvent:
    """Return a fact of workflow's about a ticket; words that were not said are left out."""
    said = {key: value for key, value in personal.items() if value is not None}
    return NewEvent(f"ledgerdesk.ticket.{name}", dict(data or {}), said or None)


def refuse(state: Life, verb: str, remedy: str) -> Refusal:
    """Return the refusal of a verb in this status, with what to do instead."""
    return Refusal(f"A ticket that is {state.status.replace('_', ' ')} cannot be {verb}: {remedy}")


def named(key: str | None) -> dict[str, str]:
    """Return how an event names the state that a ticket is in from then on; nothing, for one without a name."""
    return {"state": key} if key is not None else {}


def where_from(state: Life, begun: Sequence[NewEvent] = ()) -> dict[str, str]:
    """Return how an event names what a ticket is moved from.

    Args:
        state: Of the ticket before the command.
        begun: What the same command says first: see `start`.
    """
    if begun:
        return {"previous": "open"}
    until = state.until if state.status == "on_hold" else None
    return {
        "previous": state.status, **({"previous_state": state.state} if state.state is not None else {}),
        **({"previous_until": until} if until is not None else {}),
    }  # fmt: skip


def start(state: Life) -> list[NewEvent]:
    """An agent's first act makes a new ticket an open one."""
    return [fact("started")] if state.status == "new" else []


def needs_no_merge(state: Life) -> Life:
    """Return the state of a ticket that stands for itself.

    Raises:
        Refusal: It is merged into another, which is where to act.
    """
    if state.merged_into is not None:
        raise Refusal("The ticket is merged into another: act on that one, or unmerge this one first.")
    return state
