"""The ticket's life. Pure: state and command in, facts out.

    new --started--> open <--resumed-- on_hold <--held-- open
    new, open, on_hold --resolved--> resolved --closed--> closed
    open, on_hold --closed--> closed;  resolved, closed --reopened--> open

What a desk does is refused where it makes no sense (409), or where its own lifecycle does not allow it (`lifecycle.judge`); what
an import states is taken as it is: `evolve` is total. A move may name the desk's own state (`to`) of the status that it leads to.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from services.workflow.domain.lifecycle import REQUESTER, USUAL, Moves, judge
from services.workflow.domain.state import WORKED, Life, fact, named, refuse, start, where_from
from shared.contracts.event import Event, NewEvent
from shared.refusal import Refusal

TIMER = {"kind": "system", "id": "timer"}
"""The actor of what happens because its time has come."""
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
    key = state.state if event.name == "started" and state.status != "new" else event.data.get("state")
    moved_at = event.occurred_at if event.actor != TIMER else state.moved_at
    return replace(state, moved_at=moved_at, status=status, state=key, until=until, closes_at=None)


def state_changed(state: Life, event: Event) -> Life:
    """Fold a move within the status."""
    return replace(state, state=event.data.get("state"))


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
    **dict.fromkeys(_AFTER, moved), "state_changed": state_changed, "prioritised": prioritised, "escalated": escalated,
    "acknowledged": acknowledged,
}  # fmt: skip


def prioritise(
    state: Life, *, priority: str | None, severity: str | None, message: str | None, asked: Mapping[str, str | None],
    by_agent: bool = True, moves: Moves = USUAL,
) -> list[NewEvent]:  # fmt: skip
    """Change priority, severity or both. `asked` is what the requester asked for, which holds until the first change.

    Raises:
        Refusal: The ticket is closed, or is so already.
    """
    judge(state, "prioritise", moves, said=message)
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


def hold(
    state: Life, *, reason: str | None, until: str | None, to: str | None = None, moves: Moves = USUAL
) -> list[NewEvent]:
    """Put the ticket on hold, or change what it waits for: then it stays in its state, unless another is named.

    Raises:
        Refusal: It is no longer work.
    """
    to = state.state if to is None and state.status == "on_hold" else to
    judge(state, "hold", moves, to=to, said=reason)
    if state.status not in WORKED:
        raise refuse(state, "held", "reopen it first.")
    begun = start(state)
    return [*begun, fact("held", {"until": until, **named(to), **where_from(state, begun)}, reason=reason)]


def resume(state: Life, *, reason: str | None = None, to: str | None = None, moves: Moves = USUAL) -> list[NewEvent]:
    """Go on with a ticket that is on hold.

    Raises:
        Refusal: It is not on hold.
    """
    judge(state, "resume", moves, to=to, said=reason)
    if state.status != "on_hold":
        raise refuse(state, "resumed", "only a ticket on hold can.")
    return [fact("resumed", {**named(to), **where_from(state)}, reason=reason)]


def resolve(state: Life, *, resolution: str | None, to: str | None = None, moves: Moves = USUAL) -> list[NewEvent]:
    """Say that it is solved, and how.

    Raises:
        Refusal: It is resolved or closed already.
    """
    judge(state, "resolve", moves, to=to, said=resolution)
    if state.status not in WORKED:
        raise refuse(state, "resolved", "reopen it first, if it is not solved after all.")
    begun = start(state)
    return [*begun, fact("resolved", {**named(to), **where_from(state, begun)}, resolution=resolution)]


def close(state: Life, *, message: str | None, to: str | None = None, moves: Moves = USUAL) -> list[NewEvent]:
    """Close it for good.

    Raises:
        Refusal: Nobody has worked on it yet, tasks are open that block it, or it is closed already.
    """
    judge(state, "close", moves, to=to, said=message)
    if state.status == "new" and not moves.rules_of("close"):
        raise refuse(state, "closed", "nobody has worked on it yet; resolve it first.")
    if state.status == "closed":
        raise refuse(state, "closed", "it is closed already.")
    open_tasks = sum(task.blocks and not task.done for task in state.tasks.values())
    if open_tasks:
        raise Refusal(f"{open_tasks} open tasks block closing: finish or drop them first.", field="tasks")
    begun = [] if moves.roles <= {REQUESTER} else start(state)  # an agent's act, and no requester's
    return [*begun, fact("closed", {**named(to), **where_from(state, begun)}, message=message)]


def reopen(state: Life, *, message: str | None, to: str | None = None, moves: Moves = USUAL) -> list[NewEvent]:
    """Take up again what was resolved or closed.

    Raises:
        Refusal: It is still work.
    """
    judge(state, "reopen", moves, to=to, said=message)
    if state.status in WORKED:
        raise refuse(state, "reopened", "only a resolved or closed ticket can.")
    return [fact("reopened", {**where_from(state), **named(to)}, message=message)]


def change_state(state: Life, *, to: str | None, message: str | None = None, moves: Moves = USUAL) -> list[NewEvent]:
    """Put the ticket into another of the desk's states of its status (None: into none). Twice is once.

    Raises:
        Refusal: There is no such state, or it is of another status.
    """
    target = moves.states.get(to) if to is not None else None
    if target is not None and target["status"] != state.status and (state.status, target["status"]) != ("new", "open"):
        status = target["status"].replace("_", " ")
        raise refuse(
            state, f"put into {to}", f"that is a state of tickets that are {status}; name it with the move there."
        )
    judge(state, "state", moves, to=to, said=message)
    if to == state.state:
        return []
    begun = start(state) if target is not None and target["status"] == "open" else []
    return [*begun, fact("state_changed", {"state": to, "previous": state.state}, message=message)]


def escalate(state: Life, *, message: str | None, moves: Moves = USUAL) -> list[NewEvent]:
    """Call for attention, one level up.

    Raises:
        Refusal: It is no longer work.
    """
    judge(state, "escalate", moves, said=message)
    if state.status not in WORKED:
        raise refuse(state, "escalated", "reopen it first.")
    return [*start(state), fact("escalated", {"level": state.level + 1}, message=message)]


def acknowledge(state: Life, *, message: str | None, moves: Moves = USUAL) -> list[NewEvent]:
    """Say that it has been seen; again only after a new escalation.

    Raises:
        Refusal: It is closed, or acknowledged already.
    """
    judge(state, "acknowledge", moves, said=message)
    if state.status == "closed":
        raise refuse(state, "acknowledged", "reopen it first.")
    if state.acknowledged:
        raise Refusal("The ticket is acknowledged already.")
    return [*start(state), fact("acknowledged", message=message)]


def customer_wrote(state: Life, at: datetime | None = None) -> list[NewEvent]:
    """React to a customer's message: what waited goes on, what was done is taken up again.

    A message written before somebody changed the status last has been seen by him; it moves nothing any more. A timer has seen nothing.
    """
    if at is not None and state.moved_at is not None and at <= state.moved_at:
        return []
    if state.status == "on_hold":
        return [fact("resumed", where_from(state))]
    if state.status in {"resolved", "closed"}:
        return [fact("reopened", where_from(state))]
    return []
