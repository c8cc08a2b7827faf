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
    """Return the moments at which something happened, in their order, each once."""
    return sorted({str(item["at"]) for item in items}, key=datetime.fromisoformat)


def past_of(items: Sequence[Mapping[str, Any]], asked: str) -> Past | None:
    """Return the step that an address asks for, or the nearest that there is; None: it asks for none."""
    moments = moments_of(items)
    if not asked.isdecimal() or not moments:
        return None
    step = min(max(int(asked[:9]), 1), len(moments))
    return Past(step, len(moments), moments[step - 1])
