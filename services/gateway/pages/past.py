"""The time slider: a ticket as it was at each step of its history, plainly marked as the past, with nothing to do in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Past:
    """Where in a ticket's history one looks.

    Attributes:
        step: Which of its steps, from 1.
        steps: How many there are.
        at: The moment, as the API said it.
        unmerged: Numbers of the tickets that were part of it until then.
    """

    step: int
    steps: int
    at: str
    unmerged: Sequence[str] = ()


def past_of(steps: Sequence[Mapping[str, Any]], step: str, at: str = "") -> Past | None:
    """Return the step that an address asks for, or the nearest that there is; None: it asks for none.

    Args:
        steps: Of the ticket's history, as the API tells them.
        step: Its number.
        at: Or a moment (RFC 3339): the last step that was made until then.
    """
    wanted = int(step[:9]) if step.isdecimal() else _until([one["at"] for one in steps], at)
    if wanted is None or not steps:
        return None
    found = min(max(wanted, 1), len(steps))
    return Past(found, len(steps), steps[found - 1]["at"], steps[found - 1]["unmerged"])


def _until(moments: Sequence[str], at: str) -> int | None:
    """Return how many of the moments are not after this one; None, it is none."""
    try:
        until = datetime.fromisoformat(at)
    except ValueError:
        return None
    return None if until.tzinfo is None else sum(datetime.fromisoformat(one) <= until for one in moments)
