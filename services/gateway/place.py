"""How far a listener of the stream has been told: up to which row of the feed, and of which rows before it nothing could be said yet."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Header

MOST_OWED = 50
"""Rows that a listener is owed at once."""
_PATTERN = rf"^[0-9]{{1,18}}(-[0-9]{{1,18}}){{0,{MOST_OWED}}}$"

PlaceHeader = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=1000,
        pattern=_PATTERN,
        description="The id of the last event that you were told",
        examples=["1234"],
    ),
]


@dataclass(slots=True)
class Place:
    """A place in the feed. As text it is an event's id: `1234`, or `1234-1230` where the row 1230 is still owed.

    Attributes:
        last: The row up to which all has been looked at.
        owed: Rows before it of which it could not be said whether he may be told, the oldest first.
    """

    last: int = 0
    owed: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        return "-".join(map(str, (self.last, *self.owed)))


def place_of(text: str) -> Place:
    """Return the place that an event's id names; see `PlaceHeader`."""
    last, *owed = map(int, text.split("-"))
    return Place(last, sorted(set(owed)))
