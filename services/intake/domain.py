"""What comes through the door: tickets and messages; and who sends them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.contracts.erasing import PERSON_FORGOTTEN, erase
from shared.contracts.event import Event, NewEvent
from shared.refusal import Refusal

CREATED = "ledgerdesk.ticket.created"
MESSAGE_RECEIVED = "ledgerdesk.ticket.message_received"
PERSON_REGISTERED = "ledgerdesk.person.registered"


@dataclass(frozen=True, slots=True)
class Door:
    """What intake knows of one ticket."""

    number: str | None = None
    requester_id: str | None = None


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """Somebody asks for something. `person_id` is the requester's."""

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


@dataclass(frozen=True, slots=True)
class ReceiveMessage:
    """A customer adds to a ticket."""

    person_id: str
    email: str | None
    name: str | None
    body: str
    channel: str


def evolve(state: Door, event: Event) -> Door:
    """Fold one of intake's own events of a ticket."""
    if event.type == CREATED:
        return replace(state, number=event.data["number"], requester_id=event.data["person_id"])
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
    requester = {"email": command.email, "name": command.name}
    return [NewEvent(CREATED, data, {"subject": command.subject, "body": command.body, "requester": requester})]


def receive_message(state: Door, command: ReceiveMessage) -> list[NewEvent]:
    """Take a customer's message.

    Raises:
        Refusal: There is no such ticket.
    """
    if state.number is None:
        raise Refusal("There is no such ticket.", status=404)
    data = {"person_id": command.person_id, "channel": command.channel}
    author = {"email": command.email, "name": command.name}
    return [NewEvent(MESSAGE_RECEIVED, data, {"body": command.body, "author": author})]


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


def configure(kind: str, new: dict[str, Any], old: dict[str, Any] | None) -> list[NewEvent]:
    """Configure a topic or organisation; nothing, if it is so already."""
    if new == old:
        return []
    return [NewEvent(f"ledgerdesk.{kind}.configured", {"new": new, "old": old})]
