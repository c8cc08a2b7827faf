"""The time slider: a ticket as it was at each step of its history, plainly marked as the past, with nothing to do in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Past:
    """Where in a ticket's history one looks.

    Attributes:
        step: Which of its moments, from 1.
        steps: How many there are.
        at: The moment, as the API said it.
    """

    step: int
    steps: int
    at: str


def moments_of(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the moments at which something happened, in their order, each once.

    What happened on a ticket that is merged into this one counts from its (last) merge on, and not before this one was opened.
    """
    merged = {item["ticket"]: _moment(item) for item in items if item.get("ticket") and item["type"] == "merged"}
    opened = min((_moment(item) for item in items if not item.get("ticket")), default=None)
    moments = {
        str(item["at"])
        for item in items
        if not item.get("ticket")
        or (opened is not None and _moment(item) >= max(opened, merged.get(item["ticket"], opened)))
    }
    return sorted(moments, key=datetime.fromisoformat)


def _moment(item: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(item["at"])


def past_of(items: Sequence[Mapping[str, Any]], step: str, at: str = "") -> Past | None:
    """Return the step that an address asks for, or the nearest that there is; None: it asks for none.

    Args:
        items: Of the timeline.
        step: Its number.
        at: Or a moment (RFC 3339): the last step that was made until then.
    """
    moments = moments_of(items)
    wanted = int(step[:9]) if step.isdecimal() else _until(moments, at)
    if wanted is None or not moments:
        return None
    found = min(max(wanted, 1), len(moments))
    return Past(found, len(moments), moments[found - 1])


def _until(moments: Sequence[str], at: str) -> int | None:
    """Return how many of the moments are not after this one; None, it is none."""
    try:
        until = datetime.fromisoformat(at)
    except ValueError:
        return None
    return None if until.tzinfo is None else sum(datetime.fromisoformat(one) <= until for one in moments)
