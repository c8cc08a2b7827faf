"""Payloads of what an agent says on a ticket, and of the states that it goes through."""

from typing import Annotated

from pydantic import Field

from shared.contracts.fields import Body, Id, Key, Priority, Severity, Strict
from shared.contracts.ticket_routing import Changes
from shared.contracts.tickets import Attached, Imported


class Started(Imported):
    """Work on the ticket began: it is open."""


class Noted(Imported):
    """The desk wrote something that its customer does not see."""

    mentions: list[Id] = []


class NotePersonal(Attached):
    """A note's words."""

    body: Body | None = None


class Canned(Strict):
    """Which canned reply a text was made from."""

    key: Key
    version: int


class Replied(Imported):
    """An agent answered the customer."""

    mentions: list[Id] = []
    canned: Canned | None = None


class AutoReplied(Imported):
    """The desk answered by itself, with a canned reply."""

    canned: Canned


class ReplyPersonal(Attached):
    """An answer's words."""

    body: Body


class Prioritised(Imported):
    """The ticket became more or less urgent."""

    priority: Priority | None = None
    severity: Severity | None = None
    previous: Changes


class Stated(Imported):
    """The ticket is in this one of the desk's own states from then on; None: in none. See `lifecycle.Lifecycle`."""

    state: Key | None = None


class Moved(Stated):
    """The ticket's status changed, or what it waits for.

    Attributes:
        previous: Its status before. Like what follows, not said in events from before this was.
        previous_state: Which of the desk's own states it was in; None: in none.
        previous_until: What it had waited for: a moment; None: its customer, or nothing.
    """

    previous: str | None = None
    previous_state: Key | None = None
    previous_until: str | None = None


class Held(Moved):
    """The ticket waits: until a moment, or until its customer writes."""

    until: str | None = None


class HeldPersonal(Strict):
    """Why it waits, or why it does so no more."""

    reason: Body | None = None


class Resumed(Moved):
    """The ticket waits no more."""


class Resolved(Moved):
    """The desk says that it is done."""


class ResolvedPersonal(Strict):
    """What was done."""

    resolution: Body | None = None


class Closed(Moved):
    """The ticket is over. `let_in`: says somebody who acts as its requester does, and is another."""

    let_in: bool = False


class Reopened(Moved):
    """The ticket is not over, after all; `let_in` as in `Closed`."""

    let_in: bool = False


class StateChanged(Stated):
    """The ticket goes from one of the desk's own states to another; its status stays."""

    previous: Key | None = None


class SplitOff(Imported):
    """Messages went to a ticket of their own."""

    other: Id
    events: list[Id]


class Rated(Imported):
    """The customer said how content he is: 5 is best."""

    score: Annotated[int, Field(ge=1, le=5)]
    previous: int | None = None


class RatedPersonal(Strict):
    """What he said of it."""

    comment: Body | None = None
