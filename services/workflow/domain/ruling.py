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
from services.workflow.domain.state import Life, fact
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
) -> Ruled:  # fmt: skip
    """Do what a rule wants.

    Args:
        state: The ticket.
        wanted: See `shared.contracts.tickets.Wanted`.
        note: The words of its note.
        asked: What the ticket was created with: `priority`, `severity`, `tags`.
        fresh: The rule speaks for a ticket that was just created: what somebody has set meanwhile stands.
        sheet: What its custom fields are decided with, if the rule closes it.
    """
    if state.merged_into is not None:
        return Ruled([], {"ticket": "It is merged into another."})
    events: list[NewEvent] = []
    left: dict[str, str] = {}

    def do(action: str, decide: Callable[[], Sequence[NewEvent]]) -> None:
        try:
            events.extend(event for event in decide() if not event.type.endswith(".started") or action == "status")
        except Refusal as refusal:
            left[action] = refusal.detail

    levels = {
        name: wanted[name]
        for name in ("priority", "severity")
        if wanted.get(name) and not (fresh and getattr(state, name) is not None)
    }
    if levels:
        do("priority", lambda: _prioritise(state, levels, asked))
    if wanted.get("add_tags") or wanted.get("remove_tags"):
        add, remove = wanted.get("add_tags", []), wanted.get("remove_tags", [])
        do("tags", lambda: tag(state, add=add, remove=remove, asked=asked.get("tags") or []))
    for person in dict.fromkeys(wanted.get("watch", [])):
        do("watch", lambda person=person: watch(state, person=person))  # type: ignore[misc] # mypy cannot infer a lambda's defaults
    if note is not None:
        do("note", lambda: write_note(state, body=note))
    if wanted.get("escalate"):
        do("escalate", lambda: _escalate(state, wanted.get("notify", [])))
    if wanted.get("status"):
        do("status", lambda: _move(state, wanted["status"], sheet))
    return Ruled(events, left)


def _prioritise(state: Life, levels: Mapping[str, str], asked: Mapping[str, Any]) -> list[NewEvent]:
    now = {name: getattr(state, name) or asked.get(name) for name in ("priority", "severity")}
    now["priority"] = now["priority"] or "normal"
    if all(now[name] == level for name, level in levels.items()):
        return []
    return life.prioritise(
        state, priority=levels.get("priority"), severity=levels.get("severity"), message=None, asked=asked, by_agent=False
    )  # fmt: skip


def _escalate(state: Life, notify: Sequence[str]) -> list[NewEvent]:
    events = life.escalate(state, message=None)
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
            moved = life.hold(state, reason=None, until=None)
        case "resolved":
            moved = life.resolve(state, resolution=None)
        case _ if state.status == "new":  # nobody has worked on it, and nobody is to
            done = [fact("resolved")]
            moved = [*done, *life.close(replace(state, status="resolved"), message=None)]
        case _:
            moved = life.close(state, message=None)
    return [event for event in moved if not event.type.endswith(".started")]


def _open(state: Life) -> list[NewEvent]:
    if state.status == "new":
        return [fact("started")]
    return life.resume(state) if state.status == "on_hold" else life.reopen(state, message=None)
