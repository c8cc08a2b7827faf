"""The ticket's life. Pure: state and command in, facts out.

    new --started--> open <--resumed-- on_hold <--held-- open
    new, open, on_hold --resolved--> resolved --closed--> closed
    open, on_hold --closed--> closed;  resolved, closed --reopened--> open

What a desk does is refused where it makes no sense (409); what an import states is taken as it is: `evolve` is total.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.contracts.event import Event, NewEvent
from shared.refusal import Refusal

WORKED = frozenset({"new", "open", "on_hold"})
"""States in which a ticket is still work."""

_AFTER = {
    "started": "open", "held": "on_hold", "resumed": "open", "resolved": "resolved", "closed": "closed",
    "reopened": "open",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Life:
    """Where a ticket stands, as workflow's own events say."""

    status: str = "new"
    priority: str | None = None
    severity: str | None = None
    until: str | None = None
    level: int = 0
    acknowledged: bool = False
    moved_at: datetime | None = None
    """When the status changed last."""


def evolve(state: Life, event: Event) -> Life:
    """Fold one of workflow's own events of a ticket. Total: any fact in any state."""
    name = event.name
    if name in _AFTER:
        status = _AFTER[name]
        if name == "started" and state.status != "new":
            status = state.status
        return replace(
            state, moved_at=event.occurred_at, status=status, until=event.data.get("until") if name == "held" else None
        )
    match name:
        case "prioritised":
            return replace(
                state, priority=event.data.get("priority") or state.priority,
                severity=event.data.get("severity") or state.severity,
            )  # fmt: skip
        case "escalated":
            return replace(state, level=event.data.get("level", state.level + 1), acknowledged=False)
        case "acknowledged":
            return replace(state, acknowledged=True)
        case _:
            return state


def _fact(name: str, data: Mapping[str, Any] | None = None, **personal: str | None) -> NewEvent:
    said = {key: value for key, value in personal.items() if value is not None}
    return NewEvent(f"ledgerdesk.ticket.{name}", dict(data or {}), said or None)


def start(state: Life) -> list[NewEvent]:
    """An agent's first act makes a new ticket an open one."""
    return [_fact("started")] if state.status == "new" else []


def _refuse(state: Life, verb: str, remedy: str) -> Refusal:
    return Refusal(f"A ticket that is {state.status.replace('_', ' ')} cannot be {verb}: {remedy}")


def note(state: Life, *, body: str) -> list[NewEvent]:
    """Write an internal note; in any state, without changing it but for the first act."""
    return [*start(state), _fact("noted", body=body)]


def reply(state: Life, *, body: str) -> list[NewEvent]:
    """Answer the requester.

    Raises:
        Refusal: The ticket is closed.
    """
    if state.status == "closed":
        raise _refuse(state, "replied to", "reopen it first.")
    return [*start(state), _fact("replied", body=body)]


def prioritise(
    state: Life, *, priority: str | None, severity: str | None, message: str | None, asked: Mapping[str, str | None],
    by_agent: bool = True,
) -> list[NewEvent]:  # fmt: skip
    """Change priority, severity or both. `asked` is what the requester asked for, which holds until the first change.

    Raises:
        Refusal: The ticket is closed, or is so already.
    """
    if state.status == "closed":
        raise _refuse(state, "prioritised", "reopen it first.")
    before = {
        "priority": state.priority or asked.get("priority") or "normal",
        "severity": state.severity or asked.get("severity"),
    }
    wanted = {"priority": priority or before["priority"], "severity": severity or before["severity"]}
    if wanted == before:
        raise Refusal("The ticket has this priority and severity already.")
    data = {"priority": priority, "severity": severity, "previous": before}
    return [*(start(state) if by_agent else []), _fact("prioritised", data, message=message)]


def hold(state: Life, *, reason: str | None, until: str | None) -> list[NewEvent]:
    """Put the ticket on hold, or change what it waits for.

    Raises:
        Refusal: It is no longer work.
    """
    if state.status not in WORKED:
        raise _refuse(state, "held", "reopen it first.")
    return [*start(state), _fact("held", {"until": until}, reason=reason)]


def resume(state: Life) -> list[NewEvent]:
    """Go on with a ticket that is on hold.

    Raises:
        Refusal: It is not on hold.
    """
    if state.status != "on_hold":
        raise _refuse(state, "resumed", "only a ticket on hold can.")
    return [_fact("resumed")]


def resolve(state: Life, *, resolution: str | None) -> list[NewEvent]:
    """Say that it is solved, and how.

    Raises:
        Refusal: It is resolved or closed already.
    """
    if state.status not in WORKED:
        raise _refuse(state, "resolved", "reopen it first, if it is not solved after all.")
    return [*start(state), _fact("resolved", resolution=resolution)]


def close(state: Life, *, message: str | None) -> list[NewEvent]:
    """Close it for good.

    Raises:
        Refusal: Nobody has worked on it yet, or it is closed already.
    """
    if state.status == "new":
        raise _refuse(state, "closed", "nobody has worked on it yet; resolve it first.")
    if state.status == "closed":
        raise _refuse(state, "closed", "it is closed already.")
    return [_fact("closed", message=message)]


def reopen(state: Life, *, message: str | None) -> list[NewEvent]:
    """Take up again what was resolved or closed.

    Raises:
        Refusal: It is still work.
    """
    if state.status in WORKED:
        raise _refuse(state, "reopened", "only a resolved or closed ticket can.")
    return [_fact("reopened", {"previous": state.status}, message=message)]


def escalate(state: Life, *, message: str | None) -> list[NewEvent]:
    """Call for attention, one level up.

    Raises:
        Refusal: It is no longer work.
    """
    if state.status not in WORKED:
        raise _refuse(state, "escalated", "reopen it first.")
    return [*start(state), _fact("escalated", {"level": state.level + 1}, message=message)]


def acknowledge(state: Life, *, message: str | None) -> list[NewEvent]:
    """Say that it has been seen; again only after a new escalation.

    Raises:
        Refusal: It is closed, or acknowledged already.
    """
    if state.status == "closed":
        raise _refuse(state, "acknowledged", "reopen it first.")
    if state.acknowledged:
        raise Refusal("The ticket is acknowledged already.")
    return [*start(state), _fact("acknowledged", message=message)]


def customer_wrote(state: Life, at: datetime | None = None) -> list[NewEvent]:
    """React to a customer's message: what waited goes on, what was done is taken up again.

    A message written before the status changed last has been seen by who changed it; it moves nothing any more.
    """
    if at is not None and state.moved_at is not None and at <= state.moved_at:
        return []
    if state.status == "on_hold":
        return [_fact("resumed")]
    if state.status in {"resolved", "closed"}:
        return [_fact("reopened", {"previous": state.status})]
    return []
