"""Payloads of what was promised of a ticket, and of what became of it."""

from typing import Literal

from shared.contracts.fields import Id, Key, Strict, Text
from shared.contracts.tickets import Imported


class Escalated(Imported):
    """A call for attention. One that a plan's ladder makes says whom it calls, who is to have it now, and when the next one comes."""

    level: int = 1
    plan: Key | None = None
    plan_version: int | None = None
    notify: list[Id] = []
    reassign: Key | None = None
    next_at: Text | None = None


class Acknowledged(Imported):
    """Somebody who was called by the ladder took it on: it calls nobody else."""


SlaTarget = Literal["own", "first_response", "next_update", "resolution"]


class SlaClock(Strict):
    """A promise that is not kept yet: begun at `start`, due at `due` (None: it stands still, or is never), to be warned of at `warn`.

    Attributes:
        minutes: What was promised, of the calendar's hours.
        left: While it stands still, the seconds that are left.
    """

    target: SlaTarget
    start: Text
    minutes: int
    due: Text | None = None
    warn: Text | None = None
    left: float | None = None


class SlaScheduled(Imported):
    """All promises of a ticket that are not kept yet, under a version of a plan and of its calendar; None: none is made any more.

    Attributes:
        ladder_ends: The ladder that was being climbed ends: the plan has no step there.
    """

    plan: Key | None = None
    plan_version: int | None = None
    calendar: Key | None = None
    calendar_version: int | None = None
    reason: Key
    clocks: list[SlaClock]
    ladder_ends: bool = False


class SlaWarned(Imported):
    """The plan's part of the time was gone at `at`."""

    target: SlaTarget
    start: Text
    at: Text
    due: Text | None = None


class SlaBreached(Imported):
    """It was not kept by `due`; the ladder's first step comes at `next_at`."""

    target: SlaTarget
    start: Text
    due: Text
    next_at: Text | None = None


class SlaMet(Imported):
    """It was kept at `at`; `late`, if that was after it was due. `seconds` of the calendar's hours it took."""

    target: SlaTarget
    start: Text
    at: Text
    due: Text | None = None
    late: bool
    seconds: float


class CloseWarned(Imported):
    """The requester is silent: unless something happens, the ticket is closed at `closes_at`."""

    closes_at: Text
