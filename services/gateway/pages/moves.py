"""The moves on a ticket: which are offered to whom and when, and what each sends to the API. The API decides."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.gateway.pages.visit import Form

WORKED = frozenset({"new", "open", "on_hold"})
NOT_CLOSED = WORKED | {"resolved"}
STARTED = NOT_CLOSED - {"new"}
DONE = frozenset({"resolved", "closed"})
ALL = WORKED | DONE


@dataclass(frozen=True, slots=True)
class Move:
    """A move.

    Attributes:
        label: What its button says.
        fields: The form's fields, all text; an empty one is not sent.
        states: In which a ticket can take it.
        path: The verb of the API, where it is another word.
        hint: What it does, where the label does not say all.
    """

    label: str
    fields: tuple[str, ...] = ("message",)
    states: frozenset[str] = NOT_CLOSED
    path: str | None = None
    hint: str = ""


MOVES: Mapping[str, Move] = {
    "claim": Move("Claim", (), hint="Take it yourself."),
    "assign": Move("Assign", ("agent", "team", "message")),
    "resolve": Move("Resolve", ("resolution",), WORKED, hint="The requester reads how it was solved."),
    "resume": Move("Resume", (), frozenset({"on_hold"}), hint="Go on with it."),
    "reopen": Move("Reopen", ("message",), DONE),
    "prioritise": Move("Prioritise", ("priority", "severity", "message")),
    "hold": Move("Hold", ("reason", "until"), WORKED, hint="It waits for somebody or something else."),
    "transfer": Move("Transfer", ("department", "message")),
    "release": Move("Release", hint="Give it back to its queue."),
    "escalate": Move("Escalate", ("message",), WORKED, hint="Call for attention, one level up."),
    "acknowledge": Move("Acknowledge", hint="Say that it has been seen."),
    "close": Move("Close", ("message",), STARTED),
    "note": Move("Save note", ("body",), ALL, "notes"),
    "reply": Move("Send reply", ("body",), NOT_CLOSED, "replies"),
    "message": Move("Send message", ("body",), ALL, "messages"),
}
WRITING = frozenset({"note", "reply", "message"})
_REQUESTERS = ("reopen", "close", "message")
_OWN_HANDS = frozenset({"agent", "lead"})


def offered(ticket: Mapping[str, Any], me: Mapping[str, Any], *, is_staff: bool) -> list[str]:
    """Return the moves that make sense for this person now, in the order in which they are shown."""
    roles = set(me["roles"])
    if not is_staff:
        verbs = _REQUESTERS if "requester" in roles else ()
        return [verb for verb in verbs if ticket["status"] in MOVES[verb].states]
    holder = (ticket["assignee"] or {}).get("login")
    wanted = []
    for verb, move in MOVES.items():
        if verb == "message" or ticket["status"] not in move.states:
            continue
        if verb == "claim" and (holder is not None or not roles & _OWN_HANDS):
            continue
        if verb == "release" and holder is None and ticket["team"] is None:
            continue
        wanted.append(verb)
    return wanted


def body_of(verb: str, form: Form) -> dict[str, Any]:
    """Return what the move sends. A local date and time counts as UTC, as its label says."""
    body = {name: form[name] for name in MOVES[verb].fields if form.get(name, "").strip()}
    if "until" in body:
        body["until"] += "Z" if body["until"].count(":") > 1 else ":00Z"
    return body
