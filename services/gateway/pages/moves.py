"""The moves on a ticket: which are offered to whom and when, and what each sends to the API. The API decides."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.gateway.pages import attaching
from services.gateway.pages.language import N_
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
        icon, hot: How it is drawn; its single key.
        fields: The form's fields; an empty one is not sent.
        states: In which a ticket can take it.
        path: The path of the API below the ticket, where it is not the move's own name.
        hint: What it does, where the label does not say all.
        done: What is said afterwards.
        group: Where it stands: main (beside the title), more (its menu), side (with what it changes), or nowhere.
        wide: Whether the form is more than a few lines.
    """

    label: str
    icon: str
    fields: tuple[str, ...] = ("message",)
    states: frozenset[str] = NOT_CLOSED
    path: str | None = None
    hot: str = ""
    hint: str = ""
    done: str = ""
    group: str = "more"


MOVES: Mapping[str, Move] = {
    "claim": Move(N_("Claim"), "hand", (), hot="m", hint=N_("Take it yourself."), done=N_("It is yours."), group="main"),
    "assign": Move(N_("Assign"), "user-plus", ("agent", "team", "message"), hot="a", done=N_("Assigned."), group="main"),
    "resume": Move(N_("Resume"), "play", (), frozenset({"on_hold"}), hot="h", hint=N_("Go on with it."), done=N_("Back at work."), group="main"),
    "hold": Move(N_("Hold"), "pause", ("reason", "until"), WORKED - {"on_hold"}, hot="h", group="main", done=N_("On hold."),
                 hint=N_("It waits for somebody or something else. Clocks that pause on hold stand still.")),
    "resolve": Move(N_("Resolve"), "check", ("resolution",), WORKED, hot="e", group="main", done=N_("Resolved."),
                    hint=N_("The requester reads how it was solved.")),
    "reopen": Move(N_("Reopen"), "rotate-ccw", ("message",), DONE, hot="g", group="main", done=N_("Open again.")),
    "close": Move(N_("Close"), "check-check", ("message",), STARTED, hot="y", done=N_("Closed.")),
    "prioritise": Move(N_("Prioritise"), "signal", ("priority", "severity", "message"), hot="p", done=N_("Priority set.")),
    "transfer": Move(N_("Transfer"), "arrow-right-left", ("department", "message"), hot="t", done=N_("Transferred."),
                     hint=N_("Another department takes over.")),
    "refer": Move(N_("Refer"), "share-2", ("agent", "team", "department", "message"), done=N_("Referred."),
                  hint=N_("Others see it and can help; it stays where it is.")),
    "release": Move(N_("Release"), "user-minus", hot="z", hint=N_("Give it back to its queue."), done=N_("Released.")),
    "escalate": Move(N_("Escalate"), "chevrons-up", ("message",), WORKED, hot="!", done=N_("Escalated."),
                     hint=N_("Call for attention, one level up.")),
    "acknowledge": Move(N_("Acknowledge"), "eye", hint=N_("Say that it has been seen; the ladder stops."), done=N_("Acknowledged.")),
    "tags": Move(N_("Tags"), "tag", ("add", "remove"), hot="l", done=N_("Tags changed.")),
    "tasks": Move(N_("Add a task"), "list-checks", ("title", "description", "agent", "due", "blocks"), hot="d", done=N_("Task added.")),
    "time": Move(N_("Log time"), "timer", ("minutes", "on", "billable", "note"), ALL, hot="i", done=N_("Time logged.")),
    "watch": Move(N_("Watch"), "eye", (), ALL, hot="w", hint=N_("Be told what happens here."), done=N_("You watch it.")),
    "unwatch": Move(N_("Stop watching"), "eye-off", (), ALL, hot="w", done=N_("You watch it no more.")),
    "collaborators": Move(N_("Add a collaborator"), "user-round", ("email", "name"), done=N_("Let in."),
                          hint=N_("They see what the requester sees, and can write.")),
    "links": Move(N_("Link"), "link", ("kind", "ticket"), ALL, done=N_("Linked.")),
    "merge": Move(N_("Merge into…"), "git-merge", ("into", "message"), done=N_("Merged."),
                  hint=N_("The other ticket shows this thread from then on. It can be unmerged whole.")),
    "unmerge": Move(N_("Unmerge"), "split", ("message",), frozenset({"merged"}), group="main", done=N_("It stands for itself again.")),
    "split": Move(N_("Split messages off"), "split", ("subject", "messages"), ALL, done=N_("Split off.")),
    "rating": Move(N_("Rate"), "star", ("score", "comment"), DONE, group="none", done=N_("Thank you.")),
    "note": Move(N_("Save internal note"), "lock", ("body",), ALL, "notes", group="none", done=N_("Note saved.")),
    "reply": Move(N_("Send reply"), "send", ("body",), NOT_CLOSED, "replies", group="none", done=N_("Reply sent.")),
    "message": Move(N_("Send message"), "send", ("body",), ALL, "messages", group="none", done=N_("Message sent.")),
}  # fmt: skip
AT_ONCE = frozenset({"claim", "resume", "watch", "unwatch"})
"""Nothing is asked: the button is the move."""
WRITING = frozenset({"note", "reply", "message"})
REQUESTERS = ("reopen", "close", "message", "rating", "collaborators")
_OWN_HANDS = frozenset({"agent", "lead"})


RULED = frozenset({"hold", "resume", "resolve", "close", "reopen", "escalate", "acknowledge", "prioritise"})
"""Moves of which the API's `/moves` says whether lifecycle and permissions leave them to somebody."""
NEEDS = {
    **dict.fromkeys(("claim", "assign"), "ticket.assign"), "release": "ticket.release", "transfer": "ticket.transfer",
    "refer": "ticket.refer", **dict.fromkeys(("merge", "unmerge", "split"), "ticket.merge"), "links": "ticket.link",
    "reply": "ticket.reply", "note": "ticket.note", **dict.fromkeys(("tags", "collaborators"), "ticket.edit"),
    "tasks": "task.create", "time": "time.log",
}  # fmt: skip
"""What the others take, of one of the desk."""


def _permitted(ticket: Mapping[str, Any], me: Mapping[str, Any]) -> set[str]:
    """Return what somebody may do with tickets of this one's department."""
    said = me["permissions"]
    return set(said["departments"].get(ticket["department"] or "", {}).get("permissions", said["default"]))


def offered(
    ticket: Mapping[str, Any], me: Mapping[str, Any], *, is_staff: bool, left: Collection[str] | None = None
) -> list[str]:
    """Return the moves that make sense for this person now, in the order in which they are shown.

    Args:
        ticket: As the API shows it.
        me: Who, as the API says.
        is_staff: Whether he works tickets.
        left: Of `RULED`, those that `/moves` leaves him; None: it did not say.
    """
    wanted = _sensible(ticket, me, is_staff=is_staff)
    if is_staff:
        may = _permitted(ticket, me)
        wanted = [verb for verb in wanted if NEEDS.get(verb) is None or NEEDS[verb] in may]
    return [verb for verb in wanted if left is None or verb not in RULED or verb in left]


def _sensible(ticket: Mapping[str, Any], me: Mapping[str, Any], *, is_staff: bool) -> list[str]:
    roles = set(me["roles"])
    if not is_staff:
        verbs = REQUESTERS if "requester" in roles else ()
        return [verb for verb in verbs if ticket["status"] in MOVES[verb].states]
    holder = (ticket["assignee"] or {}).get("login")
    wanted = []
    for verb, move in MOVES.items():
        if verb in {"message", "rating"} or ticket["status"] not in move.states:
            continue
        if verb == "claim" and (holder is not None or not roles & _OWN_HANDS):
            continue
        if verb == "release" and holder is None and ticket["team"] is None:
            continue
        if verb == ("watch" if ticket["watched"] else "unwatch"):
            continue
        wanted.append(verb)
    return wanted


def _moment(text: str, offset: str) -> str:
    """Return a local date and time as RFC 3339; `offset` is what the browser says (minutes that UTC is ahead), else it is UTC."""
    try:
        at = datetime.fromisoformat(text) + timedelta(minutes=int(offset or "0"))
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return text


def _tags(text: str) -> list[str]:
    return [tag.strip() for tag in text.split(",") if tag.strip()]


_AS: Mapping[str, Callable[[str], Any]] = {
    "add": _tags, "remove": _tags, "messages": lambda text: text.split("\n"), "billable": lambda text: text == "1",
    "blocks": lambda text: text == "1", "minutes": lambda text: int(text) if text.isdecimal() else text,
    "score": lambda text: int(text) if text.isdecimal() else text,
}  # fmt: skip


def values_of(fields: Sequence[str], form: Form) -> dict[str, Any]:
    """Return what these fields of a form come to; what is empty is left out."""
    body: dict[str, Any] = {}
    for name in fields:
        text = form.get(name, "")
        if not text.strip():
            continue
        if name in {"until", "due"}:
            body[name] = _moment(text, form.get("offset", ""))
        else:
            body[name] = _AS.get(name, str)(text)
    return body


def body_of(verb: str, form: Form) -> dict[str, Any]:
    """Return what the move sends."""
    files = attaching.kept(form) if verb in WRITING else []
    return values_of(MOVES[verb].fields, form) | ({"attachments": files} if files else {})
