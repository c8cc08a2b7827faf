"""A ticket now: the row of table `ticket`, and how events change it. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.workflow.domain import effective, fields, sla
from services.workflow.domain.alarms import SILENT
from shared import forms
from shared.contracts.erasing import blanks, named
from shared.contracts.event import Event
from shared.contracts.ids import uuid_of
from shared.projection.model import Versions, changed, collaborators_after, stepped

AFTER = {
    "started": "open", "held": "on_hold", "resumed": "open", "resolved": "resolved", "closed": "closed",
    "reopened": "open",
}  # fmt: skip


class TicketRow(NamedTuple):
    """A ticket now. Each slot has one owner; what mixes owners is derived when it is read, or, of `tags`, at each change."""

    stream_id: UUID
    versions: Versions
    number: str | None = None
    subject: str | None = None
    requester_id: UUID | None = None
    requester_email: str | None = None
    requester_name: str | None = None
    topic: str | None = None
    channel: str | None = None
    external_id: str | None = None
    tags: Sequence[str] = ()
    asked_priority: str | None = None
    asked_severity: str | None = None
    stated_department: str | None = None
    created_at: datetime | None = None
    last_message_at: datetime | None = None
    moved: bool = False
    moved_department: str | None = None
    team: str | None = None
    agent: UUID | None = None
    involved: Sequence[str] = ()
    status: str = "new"
    state: str | None = None
    set_priority: str | None = None
    set_severity: str | None = None
    hold_until: datetime | None = None
    last_reply_at: datetime | None = None
    updated_at: datetime | None = None
    asked_tags: Sequence[str] = ()
    tag_changes: Mapping[str, bool] | None = None
    tasks: Sequence[Mapping[str, Any]] = ()
    links: Sequence[Mapping[str, Any]] = ()
    merged_into: UUID | None = None
    before_merge: str | None = None
    state_before_merge: str | None = None
    watchers: Sequence[str] = ()
    minutes: int = 0
    score: int | None = None
    collaborators: Sequence[str] = ()
    referrals: Sequence[Mapping[str, Any]] = ()
    sla: Mapping[str, Any] = sla.NOTHING
    answered_at: datetime | None = None
    closes_at: datetime | None = None
    close_warned_at: datetime | None = None
    ruled_sla: str | None = None
    asked_fields: Mapping[str, Any] = forms.NOTHING
    field_changes: Mapping[str, Any] = forms.NOTHING
    # derived, for lists and alarms
    due_at: datetime | None = None
    silent_since: datetime | None = None
    wake_at: datetime | None = None
    fields: Mapping[str, Any] = forms.NOTHING


COLUMNS = {
    "stream_id": "uuid", "versions": "jsonb", "number": "text", "subject": "text", "requester_id": "uuid",
    "requester_email": "text", "requester_name": "text", "topic": "text", "channel": "text", "external_id": "text",
    "tags": "jsonb", "asked_priority": "text", "asked_severity": "text", "stated_department": "text",
    "created_at": "timestamptz", "last_message_at": "timestamptz", "moved": "bool", "moved_department": "text", "team": "text",
    "agent": "uuid", "involved": "jsonb", "status": "text", "state": "text", "set_priority": "text", "set_severity": "text",
    "hold_until": "timestamptz", "last_reply_at": "timestamptz", "updated_at": "timestamptz", "asked_tags": "jsonb",
    "tag_changes": "jsonb", "tasks": "jsonb", "links": "jsonb", "merged_into": "uuid", "before_merge": "text",
    "state_before_merge": "text",
    "watchers": "jsonb", "minutes": "int", "score": "int", "collaborators": "jsonb",
    "referrals": "jsonb", "sla": "jsonb", "answered_at": "timestamptz",
    "closes_at": "timestamptz", "close_warned_at": "timestamptz", "ruled_sla": "text", "asked_fields": "jsonb",
    "field_changes": "jsonb", "due_at": "timestamptz", "silent_since": "timestamptz", "wake_at": "timestamptz", "fields": "jsonb",
}  # fmt: skip
"""Column to type, in the order of the row's fields."""
Changes = dict[str, Any]


_FRESH = TicketRow(
    UUID(int=0), {}, tags=[], involved=[], asked_tags=[], tag_changes={}, tasks=[], links=[], watchers=[], collaborators=[],
    referrals=[], sla={}, asked_fields={}, field_changes={}, fields={},
)  # fmt: skip


def initial(stream_id: UUID) -> TicketRow:
    """Return the row of a ticket of which nothing has come."""
    return changed(_FRESH, {"stream_id": stream_id})


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None or other > one else one


def _moved(state: TicketRow, event: Event) -> Changes:
    status, key = AFTER[event.name], event.data.get("state")
    if event.name == "started" and state.status != "new":
        status, key = state.status, state.state
    until = event.data.get("until") if event.name == "held" else None
    return {"status": status, "state": key, "hold_until": datetime.fromisoformat(until) if until else None}


def _created(state: TicketRow, event: Event) -> Changes:
    data, personal = event.data, event.personal or {}
    requester = personal.get("requester") or {}
    tags = list(data.get("tags", []))
    asked_fields = forms.as_opened(data, personal)
    return {
        "number": data["number"], "subject": personal.get("subject"), "requester_id": uuid_of(data["person_id"]),
        "requester_email": requester.get("email"), "requester_name": requester.get("name"), "topic": data.get("topic"),
        "channel": data.get("channel"), "external_id": data.get("external_id"), "asked_tags": tags,
        "tags": effective(tags, state.tag_changes or {}), "asked_priority": data.get("priority"),
        "asked_severity": data.get("severity"), "stated_department": data.get("department"), "created_at": event.occurred_at,
        "last_message_at": _later(state.last_message_at, event.occurred_at), "asked_fields": asked_fields,
        "fields": fields.effective(asked_fields, state.field_changes),
    }  # fmt: skip


def _assigned(state: TicketRow, event: Event) -> Changes:
    agent = event.data.get("agent")
    involved = [*state.involved, agent] if agent and agent not in state.involved else list(state.involved)
    return {
        "agent": uuid_of(agent) if agent else None, "team": event.data.get("team") or state.team, "involved": involved,
    }  # fmt: skip


def _prioritised(state: TicketRow, event: Event) -> Changes:
    data = event.data
    return {
        "set_priority": data.get("priority") or state.set_priority, "set_severity": data.get("severity") or state.set_severity,
    }  # fmt: skip


def _erased(state: TicketRow, event: Event) -> Changes:
    gone = blanks(event, "created") or blanks(event, "restated")
    changes: Changes = {"subject": None, "requester_email": None, "requester_name": None} if gone else {}
    asked, said = state.asked_fields, state.field_changes
    if blanks(event, "created"):
        asked = forms.blank(asked)
    elif event.source == "workflow":
        said = fields.blanked(said, named(event))
    if (asked, said) != (state.asked_fields, state.field_changes):
        changes |= {"asked_fields": asked, "field_changes": said, "fields": fields.effective(asked, said)}
    return changes


def _fields(state: TicketRow, event: Event) -> Changes:
    said = fields.after(state.field_changes, event.data, event.personal, event.version)
    return {"field_changes": said, "fields": fields.effective(state.asked_fields, said)}


def _restated(state: TicketRow, event: Event) -> Changes:
    del state
    personal = event.personal or {}
    requester = personal.get("requester") or {}
    return {
        "subject": personal.get("subject"), "requester_email": requester.get("email"), "requester_name": requester.get("name"),
    }  # fmt: skip


def _referred(state: TicketRow, event: Event) -> Changes:
    to = {name: event.data.get(name) for name in ("agent", "team", "department")}
    others = [one for one in state.referrals if one != to]
    return {"referrals": [*others, to] if event.name == "referred" else others}


def _collaborators(state: TicketRow, event: Event) -> Changes:
    return {"collaborators": collaborators_after(state.collaborators, event)}


def _tagged(state: TicketRow, event: Event) -> Changes:
    data = event.data
    changes = {
        **(state.tag_changes or {}),
        **dict.fromkeys(data["added"], True),
        **dict.fromkeys(data["removed"], False),
    }
    return {"tag_changes": changes, "tags": effective(state.asked_tags, changes)}


def _tasks(state: TicketRow, event: Event) -> Changes:
    """Tasks without their titles: those are words, and stay on the timeline."""
    data = event.data
    before = next((task for task in state.tasks if task["id"] == data["task"]), None)
    others = [task for task in state.tasks if task["id"] != data["task"]]
    if event.name == "task_dropped":
        return {"tasks": others}
    task = dict(before or {"id": data["task"], "agent": None, "due": None, "blocks": True, "done": False})
    if event.name in {"task_added", "task_changed"}:
        task |= {"agent": data.get("agent"), "due": data.get("due"), "blocks": data.get("blocks", True)}
    else:
        task["done"] = event.name == "task_done"
    return {"tasks": [*others, task] if before is None else [task if t is before else t for t in state.tasks]}


def _links(state: TicketRow, event: Event) -> Changes:
    link = {"kind": event.data["kind"], "other": event.data["other"]}
    others = [one for one in state.links if one != link]
    return {"links": [*others, link] if event.name == "linked" else others}


def _merged(state: TicketRow, event: Event) -> Changes:
    if event.name == "merged":
        again = state.merged_into is not None
        before = (state.before_merge, state.state_before_merge) if again else (state.status, state.state)
        return {
            "status": "merged", "state": None, "merged_into": uuid_of(event.data["into"]), "before_merge": before[0],
            "state_before_merge": before[1],
        }  # fmt: skip
    return {
        "status": event.data["status"], "state": event.data.get("state"), "merged_into": None, "before_merge": None,
        "state_before_merge": None,
    }  # fmt: skip


def _watchers(state: TicketRow, event: Event) -> Changes:
    who = event.data["person_id"]
    others = [one for one in state.watchers if one != who]
    return {"watchers": [*others, who] if event.name == "watched" else others}


def _minutes(state: TicketRow, event: Event) -> Changes:
    minutes = event.data["minutes"]
    return {"minutes": state.minutes + (minutes if event.name == "time_logged" else -minutes)}


_FOLDS: dict[str, Callable[[TicketRow, Event], Changes]] = {
    **dict.fromkeys(AFTER, _moved), "state_changed": lambda _state, event: {"state": event.data.get("state")}, "created": _created, "assigned": _assigned, "prioritised": _prioritised,
    "message_received": lambda state, event: {"last_message_at": _later(state.last_message_at, event.occurred_at)},
    "replied": lambda state, event: {"last_reply_at": _later(state.last_reply_at, event.occurred_at)},
    "unassigned": lambda _state, _event: {"agent": None, "team": None},
    "transferred": lambda _state, event: {"moved": True, "moved_department": event.data.get("department")},
    "personal_erased": _erased, "restated": _restated, "referred": _referred, "referral_withdrawn": _referred,
    "collaborator_added": _collaborators, "collaborator_removed": _collaborators, "tagged": _tagged, "linked": _links, "unlinked": _links, "merged": _merged,
    "unmerged": _merged, "watched": _watchers, "unwatched": _watchers, "time_logged": _minutes, "time_removed": _minutes,
    "rated": lambda _state, event: {"score": event.data["score"]}, "fields_changed": _fields,
    "rule_applied": lambda state, event: {"ruled_sla": event.data["changes"].get("sla") or state.ruled_sla},
    **dict.fromkeys(("task_added", "task_changed", "task_done", "task_reopened", "task_dropped"), _tasks),
}  # fmt: skip
_QUIET = frozenset(
    {
        "personal_erased",
        "restated",
        "watched",
        "unwatched",
        "sla_scheduled",
        "sla_warned",
        "sla_breached",
        "sla_met",
        "close_warned",
    }
)
"""Nobody worked on the ticket: it stays where it is in every list."""
_SLA = frozenset({"sla_scheduled", "sla_warned", "sla_breached", "sla_met", "escalated", "acknowledged"})
TIMED = frozenset({*AFTER, *_SLA, "created", "merged", "unmerged", "message_received", "replied", "close_warned"})
"""Events that may change when something is to happen by itself, or since when the requester is silent."""


def _timed(state: TicketRow, event: Event, changes: Changes) -> Changes:
    """Return what is to happen by itself after an event: of workflow's own slots, then what is derived for lists and alarms.

    Args:
        state: Before the event.
        event: The event.
        changes: What else it changes.
    """
    said, answered, closes_at, warned_at = state.sla, state.answered_at, state.closes_at, state.close_warned_at
    if event.source == "workflow":
        said = sla.after(said, event) if said or event.name in _SLA else said
        if event.name in {"replied", "resolved"}:
            answered = _later(answered, event.occurred_at)
        if event.name == "close_warned":
            closes_at, warned_at = datetime.fromisoformat(event.data["closes_at"]), event.occurred_at
        elif event.name not in _SLA:
            closes_at = warned_at = None
    status, hold_until = changes.get("status", state.status), changes.get("hold_until", state.hold_until)
    asked = changes.get("last_message_at", state.last_message_at)
    silent_since = _silent_since(status, hold_until, asked, answered)
    written = silent_since is None or (asked is not None and warned_at is not None and asked > warned_at)
    moments = [
        hold_until if status == "on_hold" else None,
        None if written else closes_at,
        sla.alarm_at(said) if said else None,
    ]
    return {
        "sla": said, "answered_at": answered, "closes_at": closes_at, "close_warned_at": warned_at,
        "due_at": sla.due_at(said) if said else None, "silent_since": silent_since,
        "wake_at": min((moment for moment in moments if moment is not None), default=None),
    }  # fmt: skip


def _silent_since(
    status: str, hold_until: datetime | None, asked: datetime | None, answered: datetime | None
) -> datetime | None:
    """Return since when the requester is silent, who was answered then."""
    if status not in SILENT or hold_until is not None or answered is None:
        return None
    return answered if asked is None or answered > asked else None


def evolve(state: TicketRow, event: Event) -> TicketRow:
    """Fold an event of any owner. Total, and the order of owners does not matter."""
    name = event.name
    fold = _FOLDS.get(name)
    changes = fold(state, event) if fold is not None else {}
    if name not in _QUIET and not event.data.get("again"):
        changes["updated_at"] = _later(state.updated_at, event.occurred_at)
    if name in TIMED:
        changes |= _timed(state, event, changes)
    return stepped(state, event, changes)
