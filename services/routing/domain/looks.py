"""What rules look at in a ticket, kept in one column of routing's row: plain JSON, no slot of which two owners write. Pure.

Slots of intake: `subject`, `topic`, `channel`, `asked` (priority, severity, tags), `fields`, and `worded`, which fields hold words: those
are not kept here. Of workflow: `priority`, `severity`, `tags` (put on or taken off), `changed` and `reworded` fields, `due`.

And moments (RFC 3339) from which rules on time count: `opened` and `wrote` of intake, `moved`, `replied` and `answered` of workflow.
What rules have done, and what was imported, sets none.
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
    fold = _FOLDS.get(event.name)
    return {**looks, **fold(looks, event)} if fold is not None else looks


def _moment(event: Event, *names: str) -> dict[str, str]:
    if event.origin is not None or by_rule(event):
        return {}
    return dict.fromkeys(names, rfc3339(event.occurred_at))


def _created(looks: Looks, event: Event) -> dict[str, Any]:
    del looks
    data, personal = event.data, event.personal or {}
    return {
        "subject": personal.get("subject"), "topic": data.get("topic"), "channel": data.get("channel"),
        "asked": {"priority": data.get("priority"), "severity": data.get("severity"), "tags": list(data.get("tags", []))},
        "fields": dict(data.get("fields", {})), "worded": list(data.get("worded", [])), **_moment(event, "opened", "wrote"),
    }  # fmt: skip


def _erased(looks: Looks, event: Event) -> dict[str, Any]:
    del looks
    return {"subject": None} if blanks(event, "created") or blanks(event, "restated") else {}


def _prioritised(looks: Looks, event: Event) -> dict[str, Any]:
    return {name: event.data.get(name) or looks.get(name) for name in ("priority", "severity")}


def _tagged(looks: Looks, event: Event) -> dict[str, Any]:
    changes = dict.fromkeys(event.data["added"], True) | dict.fromkeys(event.data["removed"], False)
    return {"tags": {**looks.get("tags", {}), **changes}}


def _fields(looks: Looks, event: Event) -> dict[str, Any]:
    data, again = event.data, event.data.get("as_created", ())
    changed, reworded = (
        {key: value for key, value in looks.get(name, {}).items() if key not in again} | dict(data.get(said, {}))
        for name, said in (("changed", "new"), ("reworded", "worded"))
    )
    return {"changed": changed, "reworded": reworded}


def _scheduled(looks: Looks, event: Event) -> dict[str, Any]:
    del looks
    return {"due": {clock["target"]: clock["due"] for clock in event.data["clocks"] if clock.get("due")}}


def _met(looks: Looks, event: Event) -> dict[str, Any]:
    return {"due": {target: due for target, due in looks.get("due", {}).items() if target != event.data["target"]}}


_FOLDS: dict[str, Callable[[Looks, Event], dict[str, Any]]] = {
    "created": _created, "personal_erased": _erased, "prioritised": _prioritised, "tagged": _tagged, "fields_changed": _fields,
    "restated": lambda _, event: {"subject": (event.personal or {}).get("subject")},
    "message_received": lambda _, event: _moment(event, "wrote"),
    "replied": lambda _, event: _moment(event, "replied", "answered"),
    "resolved": lambda _, event: _moment(event, "moved", "answered"),
    **dict.fromkeys(("started", "held", "resumed", "closed", "reopened", "merged", "unmerged"), lambda _, event: _moment(event, "moved")),
    "sla_scheduled": _scheduled, "sla_met": _met,
}  # fmt: skip


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
