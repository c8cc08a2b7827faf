"""A ticket's timeline in words: what was said as cards, what was done as lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.gateway.pages.choices import Choices
from services.gateway.pages.render import person, words

SPOKEN = {"created": "body", "message_received": "body", "noted": "body", "replied": "body", "resolved": "resolution"}
_CARDS = {
    "created": "message", "message_received": "message", "noted": "note", "replied": "reply", "resolved": "resolution",
}  # fmt: skip
_LABELS = {"noted": "Internal note", "replied": "Reply to the requester", "resolved": "Resolution"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One step, as it is shown.

    Attributes:
        kind: message, reply, note, resolution, or step for what is only a line.
        who, what: The line: "John Doe" "assigned it to Jane Roe".
        label: What kind of words these are.
        text: What was said, or left with the move.
        why: The reasons of an assignment or transfer.
        until: End of a hold.
        door: By which key it came, for those who see all.
        cause: The type of the event that made it happen, likewise.
        id: The event's.
        mine: Whether the reader did it.
        edited_at: When the words were corrected last.
        elsewhere: Whether it happened on a ticket that is merged into this one.
        files: What goes with the words.
    """

    kind: str
    type: str
    at: str
    who: str
    what: str
    label: str = ""
    text: str = ""
    why: Mapping[str, Any] | None = None
    until: str | None = None
    door: str = ""
    cause: str = ""
    id: str = ""
    mine: bool = False
    edited_at: str | None = None
    elsewhere: bool = False
    files: Sequence[Mapping[str, Any]] = ()

    @property
    def short(self) -> str:
        """What it is, where there is room for a word only."""
        return _SHORT.get(self.type, words(self.type).lower())

    @property
    def icon(self) -> str:
        """The icon of a line."""
        return _ICONS.get(self.type, "circle")


_SHORT = {
    "sla_scheduled": "service level", "sla_warned": "due soon", "sla_breached": "overdue", "sla_met": "promise kept", "rule_applied": "rule",
    "time_logged": "time", "task_added": "task", "collaborator_added": "collaborator", "split_off": "split",
}  # fmt: skip
_ICONS = {
    "assigned": "user-check", "unassigned": "user-minus", "transferred": "arrow-right-left", "referred": "share-2", "queued": "circle-dashed",
    "rule_applied": "scale", "started": "play", "prioritised": "signal", "held": "pause", "resumed": "play", "closed": "check-check",
    "reopened": "rotate-ccw", "escalated": "chevrons-up", "acknowledged": "eye", "tagged": "tag", "task_added": "list-checks",
    "task_done": "square-check-big", "time_logged": "timer", "watched": "eye", "unwatched": "eye-off", "linked": "link", "unlinked": "unlink",
    "merged": "git-merge", "unmerged": "split", "split_off": "split", "collaborator_added": "user-plus", "rated": "star",
    "sla_scheduled": "clock", "sla_warned": "alarm-clock", "sla_breached": "triangle-alert", "sla_met": "circle-check",
    "close_warned": "bell", "edited": "pencil", "message_edited": "pencil", "personal_erased": "ban", "created": "circle-plus",
}  # fmt: skip


def _who(item: Mapping[str, Any]) -> str:
    actor = item["actor"]
    if item["type"] == "message_received":
        return person(item["data"].get("author") or actor, "Requester")
    if actor["kind"] == "person":
        return person(actor, "Somebody")
    name = str(actor.get("id") or actor["kind"])
    return f"Key {name.removeprefix('key:')}" if name.startswith("key:") else words(name)


def _holder(holder: Mapping[str, Any] | None, choices: Choices) -> str:
    held = holder or {}
    parts = []
    if held.get("agent"):
        parts.append(choices.name("agent", held["agent"]))
    if held.get("team"):
        parts.append(f"team {choices.name('team', held['team'])}")
    return ", ".join(parts)


def _assigned(item: Mapping[str, Any], choices: Choices) -> str:
    data = item["data"]
    if data.get("agent") and data["agent"] == item["actor"].get("login"):
        return "took it"
    to, before = _holder(data, choices), _holder(data.get("previous"), choices)
    return f"assigned it to {to or 'nobody'}" + (f" (before: {before})" if before and before != to else "")


def _prioritised(data: Mapping[str, Any]) -> str:
    before = data.get("previous") or {}
    changes = []
    for name in ("priority", "severity"):
        if data.get(name) and data[name] != before.get(name):
            was = f" (was {before[name]})" if before.get(name) else ""
            changes.append(f"{name} to {data[name]}{was}")
    return "set " + " and ".join(changes or ["the priority"])


def _what(item: Mapping[str, Any], choices: Choices) -> str:
    """Return what happened, as the rest of a sentence that began with who."""
    data = item["data"]
    match kind := item["type"]:
        case "assigned":
            said = _assigned(item, choices)
        case "unassigned":
            said = f"took it from {_holder(data.get('previous'), choices) or 'its holder'}"
        case "transferred":
            was = f" from {choices.name('department', data['previous'])}" if data.get("previous") else ""
            said = f"moved it{was} to {choices.name('department', data.get('department'), 'no department')}"
        case "rule_applied":
            wanted = ", ".join(f"{k} {v}" for k, v in (data.get("changes") or {}).items() if v)
            said = f"applied rule {data.get('rule')} (version {data.get('rule_version')}): {wanted}"
        case "prioritised":
            said = _prioritised(data)
        case "escalated":
            said = f"escalated it to level {data.get('level', 1)}"
        case "queued":
            said = f"found nobody in {choices.name('department', data.get('department'))} who can have it now"
        case "sla_scheduled":
            said = f"set the times of plan {data['plan']}" if data.get("plan") else "ended the plan's promises"
        case "sla_warned" | "sla_breached" | "sla_met":
            said = _PROMISE[kind].format(words(data["target"]).lower()) + (", late" if data.get("late") else "")
        case _:
            said = _PLAIN.get(kind, words(kind).lower())
    return said


_PROMISE = {
    "sla_warned": "warned: {} is due soon", "sla_breached": "found {} overdue", "sla_met": "found {} kept",
}  # fmt: skip
_PLAIN = {
    "created": "opened this ticket", "message_received": "wrote", "noted": "wrote a note", "replied": "replied",
    "resolved": "resolved it", "started": "began to work on it", "held": "put it on hold", "resumed": "went on with it",
    "closed": "closed it", "reopened": "reopened it", "acknowledged": "acknowledged it",
    "personal_erased": "erased words of it for ever", "edited": "corrected what was said", "message_edited": "corrected a message",
    "restated": "said again what holds", "rated": "rated the work", "tagged": "changed the tags", "fields_changed": "changed fields",
    "task_added": "added a task",
    "task_changed": "changed a task", "task_done": "finished a task", "task_reopened": "reopened a task",
    "task_dropped": "dropped a task", "time_logged": "logged time", "time_removed": "took logged time off",
    "watched": "began to watch", "unwatched": "stopped watching", "linked": "linked it to another ticket",
    "unlinked": "ended a link", "merged": "merged it into another ticket", "unmerged": "let it stand for itself again",
    "split_off": "moved messages to a ticket of their own", "collaborator_added": "let somebody in on it",
    "collaborator_removed": "let somebody in on it no more", "referred": "referred it", "referral_withdrawn": "took a referral back",
    "close_warned": "warned that silence will close it",
}  # fmt: skip


def _door(item: Mapping[str, Any]) -> str:
    via = item["via"]
    return f"by key {via['id']}" if via["kind"] == "key" and via.get("id") else ""


def _why(why: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the reasons with every field there, as the template reads them."""
    blank = {"by": "policy", "reason": "", "rule": None, "rule_version": None, "strategy": None, "candidates": None}
    return {**blank, **why} if why else None


def entries_of(
    items: Sequence[Mapping[str, Any]], choices: Choices, me: Mapping[str, Any], *, full: bool
) -> list[Entry]:
    """Return a timeline as it is shown to somebody; `full` to those who see all of it."""
    entries = []
    own = me.get("login") or me.get("name")
    for item in items:
        kind, data = item["type"], item["data"]
        text = data.get(SPOKEN.get(kind, "")) or data.get("message") or data.get("reason") or ""
        entries.append(
            Entry(
                _CARDS.get(kind, "step"), kind, item["at"], _who(item), _what(item, choices), _LABELS.get(kind, "") if full else "", text,
                _why(data.get("why")), data.get("until"), _door(item),
                (item.get("cause") or {}).get("type") or "", str(item["id"]),
                own is not None and own in {item["actor"].get("login"), item["actor"].get("name")},
                item.get("edited_at"), item.get("ticket") is not None, data.get("attachments") or (),
            )
        )  # fmt: skip
    return entries
