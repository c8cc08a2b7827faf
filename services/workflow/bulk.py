"""Moves on many tickets: their lives, tags, custom fields, watchers."""

from collections.abc import Sequence

from services.workflow import domain
from services.workflow.api import fields, life, work
from services.workflow.domain import Life
from services.workflow.domain.state import fact, named
from shared.contracts.event import Event, NewEvent
from shared.http.bulk import Bulk, Verb


def _status_back(state: Life, event: Event) -> Sequence[NewEvent]:
    """Take a change of status back: through open, to what it was."""
    done = {"resolved": "resolved", "closed": "closed"}.get(event.name)
    was = named(state.state)
    back = was if state.status == "open" else {}  # of a ticket that was new: what an agent has begun is begun
    opened = [fact("reopened", {"previous": done, **_state_of(event), **back})] if done else []
    if not done and event.name == "held":
        waited = {"previous": "on_hold", **_state_of(event), "previous_until": event.data.get("until")}
        if state.status == "on_hold":
            return [fact("held", {"until": state.until, **was, **waited})]
        opened = [fact("resumed", {**waited, **back})]
    now_open = {"previous": "open"}
    match state.status:
        case "on_hold":
            return [*opened, fact("held", {"until": state.until, **was, **now_open})]
        case "resolved" | "closed":
            return [*opened, fact(state.status, {**was, **now_open})]
        case _:
            return opened


def _state_of(event: Event) -> dict[str, str]:
    """Return the desk's own state that a move has brought a ticket into, as what it is moved from; nothing, for none."""
    state = event.data.get("state")
    return {"previous_state": state} if state is not None else {}


def _state_back(state: Life, event: Event) -> Sequence[NewEvent]:
    return [fact("state_changed", {"state": state.state, "previous": event.data["state"]})]


def _priority_back(state: Life, event: Event) -> Sequence[NewEvent]:
    del state
    before = event.data["previous"]
    now = {name: event.data.get(name) or before.get(name) for name in ("priority", "severity")}
    return [fact("prioritised", {**before, "previous": now})]


def _tags_back(state: Life, event: Event) -> Sequence[NewEvent]:
    del state
    return [fact("tagged", {"added": event.data["removed"], "removed": event.data["added"]})]


def _fields_back(state: Life, event: Event) -> Sequence[NewEvent]:
    return [domain.take_fields_back(state, event)]


def _watching_back(state: Life, event: Event) -> Sequence[NewEvent]:
    del state
    return [fact("unwatched" if event.name == "watched" else "watched", {"person_id": event.data["person_id"]})]


bulk = Bulk(
    "workflow",
    {
        "prioritise": Verb(life.prioritise, life.TAKES["prioritise"], life.PrioritiseBody, needed=True),
        "hold": Verb(life.hold, life.TAKES["hold"], life.HoldBody), "resume": Verb(life.resume, life.TAKES["resume"], life.ResumeBody),
        "state": Verb(life.change_state, life.TAKES["state"], life.StateBody, needed=True),
        "resolve": Verb(life.resolve, life.TAKES["resolve"], life.ResolveBody, needed=True),
        "close": Verb(life.close, life.TAKES["close"], life.MoveBody), "reopen": Verb(life.reopen, life.TAKES["reopen"], life.MoveBody),
        "tags": Verb(work.change_tags, "ticket.edit", work.TagsBody, needed=True),
        "fields": Verb(fields.change_fields, "ticket.edit", fields.FieldsBody, needed=True),
        "watch": Verb(work.watch, None, work.WatchBody), "unwatch": Verb(work.unwatch, None, work.WatchBody),
    },
    {
        **dict.fromkeys(("held", "resumed", "resolved", "closed", "reopened"), _status_back), "state_changed": _state_back,
        "prioritised": _priority_back,
        "tagged": _tags_back, "fields_changed": _fields_back, "watched": _watching_back, "unwatched": _watching_back,
    },
    Life, domain.evolve,
)  # fmt: skip
