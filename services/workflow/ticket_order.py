"""In which order a list of tickets is, and how a page of it goes on where the one before ended. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

RANKS = 4
"""Priorities that there are; 0 is that of one which there is not."""


@dataclass(frozen=True, slots=True)
class Order:
    """By these expressions, and then by the ticket's id: no two tickets are in one place.

    Attributes:
        by: Expressions on table `ticket`, never null, each with what makes its value of a cursor's. There is an index of each order.
        descending: The largest first.
    """

    by: Mapping[str, Callable[[Any], Any]]
    descending: bool = False

    @property
    def columns(self) -> str:
        """What to select beside the tickets: their places."""
        return ", ".join(f"{expression} AS place_{n}" for n, expression in enumerate(self.by))

    @property
    def clause(self) -> str:
        """What stands after ``ORDER BY``."""
        direction = " DESC" if self.descending else ""
        return ", ".join(f"{one}{direction}" for one in (*self.by, "stream_id"))

    def place_of(self, row: Mapping[str, Any]) -> list[Any]:
        """Return a ticket's place as a cursor names it."""
        places = [row[f"place_{n}"] for n in range(len(self.by))]
        return [one.isoformat() if isinstance(one, datetime) else one for one in (*places, str(row["stream_id"]))]

    def beyond(self, place: Sequence[Any], parameter: Callable[[Any], str]) -> str:
        """Return the condition of what comes after a place.

        Raises:
            ValueError, TypeError, AttributeError, OverflowError: A cursor of another order, or made up.
        """
        readers = (*self.by.values(), UUID)
        names = [parameter(read(one)) for read, one in zip(readers, place, strict=True)]
        return f"({', '.join((*self.by, 'stream_id'))}) {'<' if self.descending else '>'} ({', '.join(names)})"


def _rank(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= RANKS:
        raise ValueError("no rank")
    return value


def _moment(value: Any) -> datetime:
    return datetime.fromisoformat(value).astimezone(UTC)


ORDERS = {
    "updated_at": Order({"updated_at": _moment}), "-updated_at": Order({"updated_at": _moment}, descending=True),
    "created_at": Order({"created_at": _moment}), "-created_at": Order({"created_at": _moment}, descending=True),
    "due_at": Order({"coalesce(due_at, timestamptz '9999-12-31 00:00:00+00')": _moment}),
    "-priority": Order(
        {"coalesce(array_position('{low,normal,high,emergency}'::text[], priority), 0)": _rank, "updated_at": _moment}, descending=True
    ),
}  # fmt: skip
"""By what `sort` says. What is promised nothing comes last where what is due comes first."""
