"""Payloads of the desk's own states, and of who may make which move."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.fields import Key, Line, Strict


class LifecycleState(Strict):
    """A state of the desk's own, of one status. Requesters see it if it is `public`."""

    key: Key
    name: Line
    status: Literal["new", "open", "on_hold", "resolved", "closed"]
    public: bool = False
    active: bool = True


MoveVerb = Literal[
    "hold", "resume", "resolve", "close", "reopen", "escalate", "acknowledge", "prioritise", "state"
]  # fmt: skip


class LifecycleMove(Strict):
    """A move that is allowed. Those of one verb are alternatives; a verb of which none is given is allowed as ever.

    Attributes:
        when: Statuses and states in which; a status stands for all its states. None: those in which it is usual.
        to: States into which, likewise; none: any.
        by: Roles of accounts, configured roles, `requester` for whose the ticket is; none: any.
        message: Whether it takes words.
    """

    verb: MoveVerb
    when: Annotated[list[Key], Field(max_length=100)] = []
    to: Annotated[list[Key], Field(max_length=100)] = []
    by: Annotated[list[Key], Field(max_length=100)] = []
    message: bool = False


class Lifecycle(Strict):
    """The states that tickets have here besides their statuses, and who may make which move, and when."""

    key: Literal["desk"] = "desk"
    states: Annotated[list[LifecycleState], Field(max_length=100)] = []
    moves: Annotated[list[LifecycleMove], Field(max_length=200)] = []
    version: int


class LifecycleConfigured(Strict):
    """The desk's own states and moves were changed."""

    new: Lifecycle
    old: Lifecycle | None = None
