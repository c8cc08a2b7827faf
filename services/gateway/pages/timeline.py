"""A ticket's timeline in words: what was said as cards, what was done as lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.gateway.pages.choices import Choices
from services.gateway.pages.language import N_, _
from services.gateway.pages.render import inside, person, promised, words

SPOKEN = {"created": "body", "message_received": "body", "noted": "body", "replied": "body", "resolved": "resolution"}
_CARDS = {
    "created": "message", "message_received": "message", "noted": "note", "replied": "reply", "resolved": "resolution",
}  # fmt: skip
_LABELS = {"noted": N_("Internal note"), "replied": N_("Reply to the requester"), "resolved": N_("Resolution")}


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
        return _(_SHORT[self.type]) if self.type in _SHORT else inside(self.type)

    @property
    def icon(self) -> str:
        """The icon of a line."""
        return _ICONS.get(self.type, "circle")


_SHORT = {
    "sla_scheduled": N_("service level"), "sla_warned": N_("due soon"), "sla_breached": N_("overdue"), "sla_met": N_("promise kept"), "rule_applied": N_("rule"),
    "time_logged": N_("time"), "task_added": N_("task"), "collaborator_added": N_("collaborator"), "split_off": N_("split"),
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
        return person(item["data"].get("author") or actor, _("Requester"))
    if actor["kind"] == "person":
        return person(actor, _("Somebody"))
    name = str(actor.get("id") or actor["kind"])
    return _("Key %(name)s", name=name.removeprefix("key:")) if name.startswith("key:") else words(name)


def _holder(holder: Mapping[str, Any] | None, choices: Choices) -> str:
    held = holder or {}
    parts = []
    if held.get("agent"):
        parts.append(choices.name("agent", held["agent"]))
    if held.get("team"):
        parts.append(_("team %(team)s", team=choices.name("team", held["team"])))
    return ", ".join(parts)


def _assigned(item: Mapping[str, Any], choices: Choices) -> str:
    data = item["data"]
    if data.get("agent") and data["agent"] == item["actor"].get("login"):
        return _("took it")
    to, before = _holder(data, choices), _holder(data.get("previous"), choices)
    if before and before != to:
        return _("assigned it to %(who)s (before: %(before)s)", who=to or _("nobody"), before=before)
    return _("assigned it to %(who)s", who=to or _("nobody"))


def _degree(key: str | None) -> str:
    return words(key) if (key or "").startswith("Sev-") else inside(key)


def _prioritised(data: Mapping[str, Any]) -> str:
    before = data.get("previous") or {}
    changes = []
    for name in ("priority", "severity"):
        if data.get(name) and data[name] != before.get(name):
            said = {"what": inside(name), "now": _degree(data[name]), "before": _degree(before.get(name))}
            changes.append(
                _("%(what)s to %(now)s (was %(before)s)", **said)
                if before.get(name)
                else _("%(what)s to %(now)s", **said)
            )
    return _("set %(changes)s", changes=_(" and ").join(changes or [_("the priority")]))


def _what(item: Mapping[str, Any], choices: Choices) -> str:
    """Return what happened, as the rest of a sentence that began with who."""
    data = item["data"]
    match kind := item["type"]:
        case "assigned":
            said = _assigned(item, choices)
        case "unassigned":
            said = _("took it from %(who)s", who=_holder(data.get("previous"), choices) or _("its holder"))
        case "transferred":
            to = choices.name("department", data.get("department"), _("no department"))
            was = choices.name("department", data.get("previous"))
            said = (
                _("moved it from %(before)s to %(now)s", before=was, now=to)
                if data.get("previous")
                else _("moved it to %(now)s", now=to)
            )
        case "rule_applied":
            wanted = ", ".join(f"{inside(k)} {v}" for k, v in (data.get("changes") or {}).items() if v)
            said = _(
                "applied rule %(rule)s (version %(version)s): %(changes)s",
                rule=data.get("rule"),
                version=data.get("rule_version"),
                changes=wanted,
            )
        case "prioritised":
            said = _prioritised(data)
        case "escalated":
            said = _("escalated it to level %(level)s", level=data.get("level", 1))
        case "queued":
            said = _(
                "found nobody in %(department)s who can have it now",
                department=choices.name("department", data.get("department")),
            )
        case "sla_scheduled":
            said = (
                _("set the times of plan %(plan)s", plan=data["plan"])
                if data.get("plan")
                else _("ended the plan's promises")
            )
        case "sla_warned" | "sla_breached" | "sla_met":
            said = _(_PROMISE[kind], promise=promised(data["target"])) + (_(", late") if data.get("late") else "")
        case _:
            said = _(_PLAIN[kind]) if kind in _PLAIN else inside(kind)
    return said


_PROMISE = {
    "sla_warned": N_("warned: %(promise)s is due soon"), "sla_breached": N_("found %(promise)s overdue"), "sla_met": N_("found %(promise)s kept"),
}  # fmt: skip
_PLAIN = {
    "created": N_("opened this ticket"), "message_received": N_("wrote"), "noted": N_("wrote a note"), "replied": N_("replied"),
    "resolved": N_("resolved it"), "started": N_("began to work on it"), "held": N_("put it on hold"), "resumed": N_("went on with it"),
    "closed": N_("closed it"), "reopened": N_("reopened it"), "acknowledged": N_("acknowledged it"),
    "personal_erased": N_("erased words of it for ever"), "edited": N_("corrected what was said"), "message_edited": N_("corrected a message"),
    "restated": N_("said again what holds"), "rated": N_("rated the work"), "tagged": N_("changed the tags"), "fields_changed": N_("changed fields"),
    "task_added": N_("added a task"),
    "task_changed": N_("changed a task"), "task_done": N_("finished a task"), "task_reopened": N_("reopened a task"),
    "task_dropped": N_("dropped a task"), "time_logged": N_("logged time"), "time_removed": N_("took logged time off"),
    "watched": N_("began to watch"), "unwatched": N_("stopped watching"), "linked": N_("linked it to another ticket"),
    "unlinked": N_("ended a link"), "merged": N_("merged it into another ticket"), "unmerged": N_("let it stand for itself again"),
    "split_off": N_("moved messages to a ticket of their own"), "collaborator_added": N_("let somebody in on it"),
    "collaborator_removed": N_("let somebody in on it no more"), "referred": N_("referred it"), "referral_withdrawn": N_("took a referral back"),
    "close_warned": N_("warned that silence will close it"),
}  # fmt: skip


def _door(item: Mapping[str, Any]) -> str:
    via = item["via"]
    return _("by key %(name)s", name=via["id"]) if via["kind"] == "key" and via.get("id") else ""


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
                _CARDS.get(kind, "step"), kind, item["at"], _who(item), _what(item, choices), _(_LABELS.get(kind, "")) if full else "", text,
                _why(data.get("why")), data.get("until"), _door(item),
                (item.get("cause") or {}).get("type") or "", str(item["id"]),
                own is not None and own in {item["actor"].get("login"), item["actor"].get("name")},
                item.get("edited_at"), item.get("ticket") is not None, data.get("attachments") or (),
            )
        )  # fmt: skip
    return entries
