"""What comes through the door: tickets and messages; and who sends them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.contracts.erasing import PERSON_FORGOTTEN, TICKET_ERASED, erase, named
from shared.contracts.event import Event, NewEvent
from shared.contracts.fields import attached
from shared.refusal import Refusal

CREATED = "ledgerdesk.ticket.created"
MESSAGE_RECEIVED = "ledgerdesk.ticket.message_received"
EDITED = "ledgerdesk.ticket.message_edited"
RESTATED = "ledgerdesk.ticket.restated"
COLLABORATOR_ADDED = "ledgerdesk.ticket.collaborator_added"
PERSON_REGISTERED = "ledgerdesk.person.registered"


@dataclass(frozen=True, slots=True)
class Words:
    """A customer's message, or the words a ticket was opened with: version and name of its event, and of its corrections."""

    version: int
    name: str
    person_id: str
    personal: Mapping[str, Any] | None
    edits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Door:
    """What intake knows of one ticket: whose it is, who is let in, and what was said (by event id)."""

    number: str | None = None
    requester_id: str | None = None
    collaborators: frozenset[str] = frozenset()
    words: Mapping[str, Words] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """Somebody asks for something. `person_id` is the requester's; `fields` are custom fields, `worded` those that hold words."""

    number: str
    person_id: str
    email: str | None
    name: str | None
    subject: str
    body: str
    channel: str
    topic: str | None = None
    priority: str | None = None
    severity: str | None = None
    tags: list[str] = field(default_factory=list)
    external_id: str | None = None
    follows: Mapping[str, Any] | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    worded: Mapping[str, str] = field(default_factory=dict)
    attachments: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class ReceiveMessage:
    """A customer adds to a ticket."""

    person_id: str
    email: str | None
    name: str | None
    body: str
    channel: str
    attachments: Sequence[Mapping[str, Any]] = ()


def evolve(state: Door, event: Event) -> Door:
    """Fold one of intake's own events of a ticket. Total: any fact in any state."""
    data = event.data
    match event.name:
        case "created" | "message_received":
            words = Words(event.version, event.name, data["person_id"], event.personal)
            state = replace(state, words={**state.words, str(event.event_id): words})
            if event.name == "created":
                return replace(state, number=data["number"], requester_id=data["person_id"])
        case "message_edited" if data["event"] in state.words:
            before = state.words[data["event"]]
            personal = {**(before.personal or {}), "body": (event.personal or {}).get("body")}
            after = replace(before, personal=personal, edits=(*before.edits, event.version))
            return replace(state, words={**state.words, data["event"]: after})
        case "personal_erased":
            gone = set(named(event))
            words_left = {
                k: replace(w, personal=None) if gone & {w.version, *w.edits} else w for k, w in state.words.items()
            }
            return replace(state, words=words_left)
        case "collaborator_added":
            return replace(state, collaborators=state.collaborators | {data["person_id"]})
        case "collaborator_removed":
            return replace(state, collaborators=state.collaborators - {data["person_id"]})
    return state


def open_ticket(state: Door, command: OpenTicket) -> list[NewEvent]:
    """Open a ticket. Nothing is asked of the state: a ticket that is there already is a repeat, found by its id.

    Raises:
        Refusal: The ticket's id is taken by another ticket.
    """
    if state.number is not None:
        raise Refusal(f"Ticket {state.number} is open already.")
    data: dict[str, Any] = {
        "number": command.number,
        "person_id": command.person_id,
        "channel": command.channel,
        "topic": command.topic,
        "priority": command.priority,
        "severity": command.severity,
        "tags": command.tags,
        "external_id": command.external_id,
    }
    if command.follows:
        data["follows"] = dict(command.follows)
    requester = {"email": command.email, "name": command.name}
    personal: dict[str, Any] = {"subject": command.subject, "body": command.body, "requester": requester}
    if command.fields:
        data["fields"] = dict(command.fields)
    if command.worded:
        data["worded"], personal["fields"] = list(command.worded), dict(command.worded)
    return [NewEvent(CREATED, data, {**personal, **attached(command.attachments)})]


def receive_message(state: Door, command: ReceiveMessage) -> list[NewEvent]:
    """Take a customer's message.

    Raises:
        Refusal: There is no such ticket.
    """
    if state.number is None:
        raise Refusal("There is no such ticket.", status=404)
    data = {"person_id": command.person_id, "channel": command.channel}
    author = {"email": command.email, "name": command.name}
    said = {"body": command.body, "author": author, **attached(command.attachments)}
    return [NewEvent(MESSAGE_RECEIVED, data, said)]


def _of(state: Door, event: str) -> Words:
    """Return the words that somebody wants to change.

    Raises:
        Refusal: There are none (404), or they are blank already (409).
    """
    words = state.words.get(event)
    if words is None:
        raise Refusal("There are no such words on this ticket.", status=404)
    if words.personal is None:
        raise Refusal("These words were taken back: there is nothing left of them.")
    return words


def edit_message(state: Door, *, event: str, body: str) -> list[NewEvent]:
    """Correct a customer's message, or the words a ticket was opened with. What was said before stays on the timeline.

    Raises:
        Refusal: See `_of`.
    """
    previous = (_of(state, event).personal or {})["body"]
    return [] if body == previous else [NewEvent(EDITED, {"event": event}, {"body": body, "previous": previous})]


def take_back_message(state: Door, *, event: str) -> list[NewEvent]:
    """Blank a customer's message and its corrections, for ever. Of a ticket's first words, subject and requester are said again.

    Words that custom fields were opened with are blank then, too: whoever takes words back does not know which of them say it.

    Raises:
        Refusal: See `_of`.
    """
    words = _of(state, event)
    versions = {words.name: [words.version]} | ({"message_edited": list(words.edits)} if words.edits else {})
    facts = [NewEvent(TICKET_ERASED, {"reason": "redacted", "versions": versions})]
    if words.name == "created":
        kept = {name: (words.personal or {})[name] for name in ("subject", "requester")}
        facts.append(NewEvent(RESTATED, {}, kept))
    return facts


def add_collaborator(state: Door, *, person_id: str, email: str, name: str | None) -> list[NewEvent]:
    """Let somebody else in on the ticket: to read it as the requester does, and to write. Twice is once.

    Raises:
        Refusal: It is the requester.
    """
    if person_id == state.requester_id:
        raise Refusal("This is the requester of the ticket.", field="email", status=422)
    if person_id in state.collaborators:
        return []
    return [NewEvent(COLLABORATOR_ADDED, {"person_id": person_id}, {"email": email, "name": name})]


def remove_collaborator(state: Door, *, person_id: str) -> list[NewEvent]:
    """Let a collaborator in no more.

    Raises:
        Refusal: He is none.
    """
    if person_id not in state.collaborators:
        raise Refusal("There is no such collaborator on this ticket.", status=404)
    return [NewEvent("ledgerdesk.ticket.collaborator_removed", {"person_id": person_id})]


def split(state: Door, events: Sequence[str]) -> list[Words]:
    """Return the messages that go to a ticket of their own, in their order.

    Raises:
        Refusal: One of them is none that can (422): not a customer's message of this ticket, or taken back.
    """
    found = []
    for event in events:
        words = state.words.get(event)
        if words is None or words.name != "message_received" or words.personal is None:
            raise Refusal(f"{event} is no message that can be split off.", status=422, field="messages")
        found.append(words)
    return sorted(found, key=lambda words: words.version)


def register_person(email: str | None, name: str | None, organisation: str | None) -> list[NewEvent]:
    """Write down a person met for the first time."""
    personal = {key: value for key, value in (("email", email), ("name", name)) if value}
    return [NewEvent(PERSON_REGISTERED, {"organisation": organisation}, personal)]


def forget_person(history: Sequence[Event], reason: str) -> list[NewEvent]:
    """Forget a person, given all that intake has written of him; nothing, if he is forgotten.

    Raises:
        Refusal: There is no such person.
    """
    if not history:
        raise Refusal("There is no such person.", status=404)
    if any(event.type == PERSON_FORGOTTEN for event in history):
        return []
    bare = NewEvent(PERSON_FORGOTTEN, {"reason": reason, "versions": {}})
    return erase(history, lambda _: True, PERSON_FORGOTTEN, reason) or [bare]


def configure(kind: str, new: dict[str, Any], old: dict[str, Any] | None, *, versioned: bool = False) -> list[NewEvent]:
    """Configure a topic, field or organisation; nothing, if it is so already. A versioned one gets the next version."""
    if versioned:
        new = {**new, "version": old["version"] if old else 0}
    if new == old:
        return []
    if versioned:
        new = {**new, "version": new["version"] + 1}
    return [NewEvent(f"ledgerdesk.{kind}.configured", {"new": new, "old": old})]
