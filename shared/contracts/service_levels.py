"""Payloads of service levels: what is promised for which tickets, and what happens before and after it is broken."""

from typing import Annotated

from pydantic import Field

from shared.contracts.fields import Id, Key, Line, Priority, Severity, Strict
from shared.contracts.hours import Minutes


class SlaTargets(Strict):
    """Minutes of the calendar's hours until it is so.

    Attributes:
        own: Somebody has it.
        first_response: The requester is answered.
        next_update: Each later message of his is.
        resolution: It is resolved.
    """

    own: Minutes | None = None
    first_response: Minutes | None = None
    next_update: Minutes | None = None
    resolution: Minutes | None = None


class SlaStep(Strict):
    """A step of the ladder that is climbed from a breach on, until somebody acknowledges.

    Attributes:
        after: Minutes since the breach, by the clock.
        notify: Agents who are called.
        raise_priority: By one.
        reassign: A team, of which the next agent who is on shift gets it.
    """

    after: Annotated[int, Field(ge=0, le=525_600)]
    notify: list[Id] = []
    raise_priority: bool = False
    reassign: Key | None = None


class SlaPlan(Strict):
    """What is promised for which tickets. The first plan by `order` whose conditions all hold is a ticket's; an empty one holds always.

    Attributes:
        calendar: Whose hours count; None: round the clock.
        warn_percent: A warning when this much of the time is gone; 0: none.
        pause_on_hold: Time on hold does not count.
        version: Grows with each change; a ticket keeps the version it was promised.
    """

    key: Key
    name: Line
    order: int
    calendar: Key | None = None
    priorities: list[Priority] = []
    severities: list[Severity] = []
    departments: list[Key] = []
    topics: list[Key] = []
    targets: SlaTargets
    warn_percent: Annotated[int, Field(ge=0, le=99)] = 80
    pause_on_hold: bool = True
    ladder: Annotated[list[SlaStep], Field(max_length=10)] = []
    active: bool = True
    version: int


class SlaPlanConfigured(Strict):
    """A plan was added or changed."""

    new: SlaPlan
    old: SlaPlan | None = None
