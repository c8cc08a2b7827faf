"""What a rule of routing wants of what workflow owns. Pure.

A rule is no agent: nothing that it does makes a new ticket an open one, unless it says so. What a ticket's state does not allow is
left, with the reason: the rule has come too late, which is nobody's mistake.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.workflow.domain import life
from services.workflow.domain.fields import NO_SHEET, Sheet, needs_fields
from services.workflow.domain.links import tag
from services.workflow.domain.state import Life, fact, where_from
from services.workflow.domain.talk import auto_reply
from services.workflow.domain.talk import note as write_note
from services.workflow.domain.tasks import watch
from shared.contracts.event import NewEvent
from shared.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Ruled:
    """What comes of a rule's wishes: facts, and by action why something was left."""

    events: Sequence[NewEvent]
    left: Mapping[str, str]


def ruled(
    state: Life, wanted: Mapping[str, Any], *, note: str | None, asked: Mapping[str, Any], fresh: bool, sheet: Sheet = NO_SHEET,
    answer: Mapping[str, Any] | None = None,
) -> Ruled:  # fmt: skip
    """Do what a rule wants.

    Args:
        state: The ticket.
        wanted: See `shared.contracts.ticket_routing.Wanted`.
        note: The words of its note.
        asked: What the ticket was created with: `priority`, `severity`, `tags`.
        fresh: The rule speaks for a ticket that was just created: what somebody has set meanwhile stands.
        sheet: What its custom fields are decided with, if the rule closes it.
        answer: What the canned reply that it names comes to: `body`, and `canned`, what it was made from.
    """
    if state.merged_into is not None:
        return Ruled([], {"ticket": "It is merged into another."})
    levels = {
        name: wanted[name]
        for name in ("priority", "severity")
        if wanted.get(name) and not (fresh and getattr(state, name) is not None)
    }
    wishes: Sequence[tuple[str, Callable[[], Sequence[NewEvent]]]] = (
        ("priority", lambda: _prioritise(state, levels, asked)),
        ("tags", lambda: tag(state, add=wanted.get("add_tags", []), remove=wanted.get("remove_tags", []), asked=asked.get("tags") or [])),
        ("watch", lambda: [event for who in dict.fromkeys(wanted.get("watch", [])) for event in watch(state, person=who)]),
        ("note", lambda: _without_start(write_note(state, body=note)) if note is not None else []),
        ("reply", lambda: auto_reply(state, **answer) if answer is not None else []),
        ("escalate", lambda: _escalate(state, wanted.get("notify", [])) if wanted.get("escalate") else []),
        ("status", lambda: _move(state, wanted["status"], sheet) if wanted.get("status") else []),
    )  # fmt: skip
    events: list[NewEvent] = []
    left: dict[str, str] = {}
    for action, decide in wishes:
        try:
            events += decide()
        except Refusal as refusal:
            left[action] = refusal.detail
    return Ruled(events, left)


def _without_start(events: Sequence[NewEvent]) -> list[NewEvent]:
    """Leave out that somebody has begun to work on it."""
    return [event for event in events if not event.type.endswith(".started")]


def _prioritise(state: Life, levels: Mapping[str, str], asked: Mapping[str, Any]) -> list[NewEvent]:
    now = {name: getattr(state, name) or asked.get(name) for name in ("priority", "severity")}
    now["priority"] = now["priority"] or "normal"
    if all(now[name] == level for name, level in levels.items()):
        return []
    return life.prioritise(
        state, priority=levels.get("priority"), severity=levels.get("severity"), message=None, asked=asked, by_agent=False
    )  # fmt: skip


def _escalate(state: Life, notify: Sequence[str]) -> list[NewEvent]:
    events = _without_start(life.escalate(state, message=None))
    called = {"notify": list(dict.fromkeys(notify))} if notify else {}
    return [NewEvent(event.type, {**event.data, **called}, event.personal) for event in events]


def _move(state: Life, status: str, sheet: Sheet) -> list[NewEvent]:
    """Bring it into a status; nothing, if it is in it.

    Raises:
        Refusal: That cannot be.
    """
    if state.status == status:
        return []
    if status == "closed":
        needs_fields(state, sheet=sheet, audience="system")
    match status:
        case "open":
            return _open(state)
        case "on_hold":
            events = life.hold(state, reason=None, until=None)
        case "resolved":
            events = life.resolve(state, resolution=None)
        case _ if state.status == "new":  # nobody has worked on it, and nobody is to
            events = [fact("resolved"), *life.close(replace(state, status="resolved"), message=None)]
        case _:
            events = life.close(state, message=None)
    first, *others = _without_start(events)  # which was not begun, so it is moved from what it is
    return [NewEvent(first.type, {**first.data, **where_from(state)}, first.personal), *others]


def _open(state: Life) -> list[NewEvent]:
    if state.status == "new":
        return [fact("started")]
    return life.resume(state) if state.status == "on_hold" else life.reopen(state, message=None)
