"""Moves on many tickets: their lives, tags, custom fields, watchers."""

from collections.abc import Sequence

from services.workflow import domain
from services.workflow.api import fields, life, work
from services.workflow.api.common import MessageOnly
from services.workflow.domain import Life
from services.workflow.domain.state import fact
from shared.contracts.event import Event, NewEvent
from shared.http.bulk import Bulk, Verb


def _status_back(state: Life, event: Event) -> Sequence[NewEvent]:
    """Take a change of status back: through open, to what it was."""
    done = {"resolved": "resolved", "closed": "closed"}.get(event.name)
    opened = [fact("reopened", {"previous": done})] if done else []
    if not done and event.name == "held" and state.status != "on_hold":
        opened = [fact("resumed")]
    match state.status:
        case "on_hold":
            return [*opened, fact("held", {"until": state.until})]
        case "resolved" | "closed":
            return [*opened, fact(state.status)]
        case _:  # new or open: what an agent has begun is begun
            return opened


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
        "prioritise": Verb(life.prioritise, "ticket.edit", life.PrioritiseBody, needed=True),
        "hold": Verb(life.hold, "ticket.hold", life.HoldBody), "resume": Verb(life.resume, "ticket.hold"),
        "resolve": Verb(life.resolve, "ticket.close", life.ResolveBody, needed=True),
        "close": Verb(life.close, "ticket.close", MessageOnly), "reopen": Verb(life.reopen, "ticket.close", MessageOnly),
        "tags": Verb(work.change_tags, "ticket.edit", work.TagsBody, needed=True),
        "fields": Verb(fields.change_fields, "ticket.edit", fields.FieldsBody, needed=True),
        "watch": Verb(work.watch, None, work.WatchBody), "unwatch": Verb(work.unwatch, None, work.WatchBody),
    },
    {
        **dict.fromkeys(("held", "resumed", "resolved", "closed", "reopened"), _status_back), "prioritised": _priority_back,
        "tagged": _tags_back, "fields_changed": _fields_back, "watched": _watching_back, "unwatched": _watching_back,
    },
    Life, domain.evolve,
)  # fmt: skip
