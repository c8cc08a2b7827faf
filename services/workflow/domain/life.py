"""The ticket's life. Pure: state and command in, facts out.

    new --started--> open <--resumed-- on_hold <--held-- open
    new, open, on_hold --resolved--> resolved --closed--> closed
    open, on_hold --closed--> closed;  resolved, closed --reopened--> open

What a desk does is refused where it makes no sense (409); what an import states is taken as it is: `evolve` is total.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from services.workflow.domain.state import WORKED, Life, fact, refuse, start
from shared.contracts.event import Event, NewEvent
from shared.refusal import Refusal

_AFTER = {
    "started": "open", "held": "on_hold", "resumed": "open", "resolved": "resolved", "closed": "closed",
    "reopened": "open",
}  # fmt: skip


def moved(state: Life, event: Event) -> Life:
    """Fold a change of status."""
    status = _AFTER[event.name]
    if event.name == "started" and state.status != "new":
        status = state.status
    until = event.data.get("until") if event.name == "held" else None
    return replace(state, moved_at=event.occurred_at, status=status, until=until, closes_at=None)


def prioritised(state: Life, event: Event) -> Life:
    """Fold a change of priority or severity."""
    return replace(
        state,
        priority=event.data.get("priority") or state.priority,
        severity=event.data.get("severity") or state.severity,
    )


def escalated(state: Life, event: Event) -> Life:
    """Fold a call for attention."""
    return replace(state, level=event.data.get("level", state.level + 1), acknowledged=False)


def acknowledged(state: Life, event: Event) -> Life:
    """Fold that it was seen."""
    del event
    return replace(state, acknowledged=True)


FOLDS = {
    **dict.fromkeys(_AFTER, moved), "prioritised": prioritised, "escalated": escalated, "acknowledged": acknowledged,
}  # fmt: skip


def prioritise(
    state: Life, *, priority: str | None, severity: str | None, message: str | None, asked: Mapping[str, str | None],
    by_agent: bool = True,
) -> list[NewEvent]:  # fmt: skip
    """Change priority, severity or both. `asked` is what the requester asked for, which holds until the first change.

    Raises:
        Refusal: The ticket is closed, or is so already.
    """
    if state.status == "closed":
        raise refuse(state, "prioritised", "reopen it first.")
    before = {
        "priority": state.priority or asked.get("priority") or "normal",
        "severity": state.severity or asked.get("severity"),
    }
    wanted = {"priority": priority or before["priority"], "severity": severity or before["severity"]}
    if wanted == before:
        raise Refusal("The ticket has this priority and severity already.")
    data = {"priority": priority, "severity": severity, "previous": before}
    return [*(start(state) if by_agent else []), fact("prioritised", data, message=message)]


def hold(state: Life, *, reason: str | None, until: str | None) -> list[NewEvent]:
    """Put the ticket on hold, or change what it waits for.

    Raises:
        Refusal: It is no longer work.
    """
    if state.status not in WORKED:
        raise refuse(state, "held", "reopen it first.")
    return [*start(state), fact("held", {"until": until}, reason=reason)]


def resume(state: Life) -> list[NewEvent]:
    """Go on with a ticket that is on hold.

    Raises:
        Refusal: It is not on hold.
    """
    if state.status != "on_hold":
        raise refuse(state, "resumed", "only a ticket on hold can.")
    return [fact("resumed")]


def resolve(state: Life, *, resolution: str | None) -> list[NewEvent]:
    """Say that it is solved, and how.

    Raises:
        Refusal: It is resolved or closed already.
    """
    if state.status not in WORKED:
        raise refuse(state, "resolved", "reopen it first, if it is not solved after all.")
    return [*start(state), fact("resolved", resolution=resolution)]


def close(state: Life, *, message: str | None) -> list[NewEvent]:
    """Close it for good.

    Raises:
        Refusal: Nobody has worked on it yet, tasks are open that block it, or it is closed already.
    """
    if state.status == "new":
        raise refuse(state, "closed", "nobody has worked on it yet; resolve it first.")
    if state.status == "closed":
        raise refuse(state, "closed", "it is closed already.")
    open_tasks = sum(task.blocks and not task.done for task in state.tasks.values())
    if open_tasks:
        raise Refusal(f"{open_tasks} open tasks block closing: finish or drop them first.", field="tasks")
    return [fact("closed", message=message)]


def reopen(state: Life, *, message: str | None) -> list[NewEvent]:
    """Take up again what was resolved or closed.

    Raises:
        Refusal: It is still work.
    """
    if state.status in WORKED:
        raise refuse(state, "reopened", "only a resolved or closed ticket can.")
    return [fact("reopened", {"previous": state.status}, message=message)]


def escalate(state: Life, *, message: str | None) -> list[NewEvent]:
    """Call for attention, one level up.

    Raises:
        Refusal: It is no longer work.
    """
    if state.status not in WORKED:
        raise refuse(state, "escalated", "reopen it first.")
    return [*start(state), fact("escalated", {"level": state.level + 1}, message=message)]


def acknowledge(state: Life, *, message: str | None) -> list[NewEvent]:
    """Say that it has been seen; again only after a new escalation.

    Raises:
        Refusal: It is closed, or acknowledged already.
    """
    if state.status == "closed":
        raise refuse(state, "acknowledged", "reopen it first.")
    if state.acknowledged:
        raise Refusal("The ticket is acknowledged already.")
    return [*start(state), fact("acknowledged", message=message)]


def customer_wrote(state: Life, at: datetime | None = None) -> list[NewEvent]:
    """React to a customer's message: what waited goes on, what was done is taken up again.

    A message written before the status changed last has been seen by who changed it; it moves nothing any more.
    """
    if at is not None and state.moved_at is not None and at <= state.moved_at:
        return []
    if state.status == "on_hold":
        return [fact("resumed")]
    if state.status in {"resolved", "closed"}:
        return [fact("reopened", {"previous": state.status})]
    return []
