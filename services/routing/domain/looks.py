"""What rules look at in a ticket, kept in one column of routing's row: plain JSON, no slot of which two owners write. Pure.

Slots of intake: `subject`, `topic`, `channel`, `asked` (priority, severity, tags), `fields`, and `worded`, which fields hold words: those
are not kept here. Of workflow: `priority`, `severity`, `tags` (put on or taken off), `changed` and `reworded` fields, `due`.

And moments (RFC 3339) from which rules on time count: `opened` and `wrote` of intake, `moved`, `replied` and `resolved` of workflow.
What rules have done, and what was imported, sets none.

There is one for every ticket, whether there are rules or not, and every event comes through here: a slot that holds nothing is left out.
"""

from collections.abc import Callable, Mapping
from typing import Any

from services.routing.domain.causes import by_rule
from shared.contracts.erasing import blanks
from shared.contracts.event import Event, rfc3339
from shared.rules import FIELD, UNSEEN, Seen

Looks = Mapping[str, Any]
NOTHING: Looks = {}


def looks_after(looks: Looks, event: Event) -> Looks:
    """Fold an event of any owner. Total."""
    fold = _BY_TYPE.get(event.type)
    return fold(looks, event) if fold is not None else looks


def _said(**slots: Any) -> dict[str, Any]:
    return {name: value for name, value in slots.items() if value}


def _at(*names: str) -> Callable[[Looks, Event], Looks]:
    """Return what folds an event that is a moment to count from, by these names."""

    def fold(looks: Looks, event: Event) -> Looks:
        if by_rule(event) or event.origin is not None:
            return looks
        return {**looks, **dict.fromkeys(names, rfc3339(event.occurred_at))}

    return fold


def _created(looks: Looks, event: Event) -> Looks:
    data, personal = event.data, event.personal or {}
    asked = _said(priority=data.get("priority"), severity=data.get("severity"), tags=list(data.get("tags", [])))
    said = _said(
        subject=personal.get("subject"), topic=data.get("topic"), channel=data.get("channel"), asked=asked,
        fields=dict(data.get("fields", {})), worded=list(data.get("worded", [])),
    )  # fmt: skip
    return _opened({**looks, **said}, event)


def _erased(looks: Looks, event: Event) -> Looks:
    gone = blanks(event, "created") or blanks(event, "restated")
    return {name: value for name, value in looks.items() if name != "subject"} if gone else looks


def _restated(looks: Looks, event: Event) -> Looks:
    subject = (event.personal or {}).get("subject")
    return {**looks, "subject": subject} if subject else {n: value for n, value in looks.items() if n != "subject"}


def _prioritised(looks: Looks, event: Event) -> Looks:
    return {**looks, **_said(priority=event.data.get("priority"), severity=event.data.get("severity"))}


def _tagged(looks: Looks, event: Event) -> Looks:
    changes = dict.fromkeys(event.data["added"], True) | dict.fromkeys(event.data["removed"], False)
    return {**looks, "tags": {**looks.get("tags", {}), **changes}}


def _fields(looks: Looks, event: Event) -> Looks:
    data, again = event.data, event.data.get("as_created", ())
    changed, reworded = (
        {key: value for key, value in looks.get(name, {}).items() if key not in again} | dict(data.get(said, {}))
        for name, said in (("changed", "new"), ("reworded", "worded"))
    )
    return {**looks, "changed": changed, "reworded": reworded}


def _scheduled(looks: Looks, event: Event) -> Looks:
    return {**looks, "due": {clock["target"]: clock["due"] for clock in event.data["clocks"] if clock.get("due")}}


def _met(looks: Looks, event: Event) -> Looks:
    left = {target: due for target, due in looks.get("due", {}).items() if target != event.data["target"]}
    return {**looks, "due": left}


_opened = _at("opened")
_FOLDS: dict[str, Callable[[Looks, Event], Looks]] = {
    "created": _created, "personal_erased": _erased, "restated": _restated, "prioritised": _prioritised, "tagged": _tagged,
    "fields_changed": _fields, "message_received": _at("wrote"), "replied": _at("replied"), "resolved": _at("moved", "resolved"),
    **dict.fromkeys(("started", "held", "resumed", "closed", "reopened", "merged", "unmerged"), _at("moved")),
    "sla_scheduled": _scheduled, "sla_met": _met,
}  # fmt: skip
_BY_TYPE = {f"ledgerdesk.ticket.{name}": fold for name, fold in _FOLDS.items()}
"""By the whole type: taking an event's name out of it costs as much as the rest."""


def as_it_is(looks: Looks, status: str, holders: Mapping[str, str | None]) -> dict[str, Any]:
    """Return a ticket's values as rules test them, without its words and its requester: those are personal, and kept apart.

    Args:
        looks: What rules look at.
        status: The ticket's.
        holders: `department`, `team` and `agent` (person id).
    """
    asked, tags = looks.get("asked", {}), looks.get("tags", {})
    put_on = [tag for tag, on in tags.items() if on]
    fields = {**looks.get("fields", {}), **looks.get("changed", {})}
    worded = dict.fromkeys(looks.get("worded", ()), True) | looks.get("reworded", {})
    return {
        "topic": looks.get("topic"), "channel": looks.get("channel"), "status": status,
        "priority": looks.get("priority") or asked.get("priority") or "normal",
        "severity": looks.get("severity") or asked.get("severity"),
        "tags": list(dict.fromkeys([*(tag for tag in asked.get("tags", []) if tags.get(tag, True)), *put_on])),
        **{name: holders.get(name) for name in ("department", "team", "agent")},
        **{f"{FIELD}{key}": value for key, value in fields.items()},
        UNSEEN: [f"{FIELD}{key}" for key, filled in worded.items() if filled],
    }  # fmt: skip


def with_words(
    values: Seen, *, subject: str | None, body: str | None, email: str | None, organisation: str | None
) -> Seen:
    """Return values with what is personal; what an event has no `body` for cannot be tested."""
    said = {} if body is None else {"body": body}
    return {**values, "subject": subject, "email": email, "organisation": organisation, **said}
