"""A log's rows in our words, and the order in which they happened."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Ask(NamedTuple):
    """What only the row that creates a ticket is asked for."""

    requester: str | None
    requester_email: str | None
    number: str | None
    subject: str | None
    body: str | None
    topic: str | None
    channel: str | None
    external_id: str | None


class Row(NamedTuple):
    """One row.

    Attributes:
        line: Line of the file, for people.
        number: Its place among the file's data rows in replay order, from 1; grows within a case.
        usable: False for a bad row, which only keeps its place in the case.
        case: The case's id in the log.
        at: When, RFC 3339 in UTC.
        acts: What the state or activity means.
        activity: Its raw text.
        actor, assignee, group: Names as they stand in the log.
        priority, severity: In our words.
        comment, resolution: Words of the row.
        ask: What `created` needs.
    """

    line: int
    number: int
    usable: bool
    case: str
    at: str
    acts: tuple[str, ...] = ()
    activity: str = ""
    actor: str | None = None
    assignee: str | None = None
    group: str | None = None
    priority: str | None = None
    severity: str | None = None
    comment: str | None = None
    resolution: str | None = None
    ask: Ask | None = None


class BadRow(NamedTuple):
    """A row that was left out, and why. `line` is the file's, from 1."""

    line: int
    reason: str


@dataclass(slots=True)
class Log:
    """A log, read. `rows` are in replay order, `read` counts the data rows there were."""

    rows: list[Row] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    read: int = 0


def sort_cases(rows: list[Row], keys: Sequence[float | str]) -> None:
    """Sort each case's rows by key, ties as they stand, among the places that the case has in the file.

    A row number then is a place in the file that its case really has, and stays where it is when the log grows.
    """
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(row.case, []).append(place)
    for of_case in places.values():
        ordered = sorted(of_case, key=keys.__getitem__)
        if ordered == of_case:
            continue
        numbers = [rows[place].number for place in of_case]
        for place, number, row in zip(of_case, numbers, [rows[place] for place in ordered], strict=True):
            rows[place] = row._replace(number=number)


def reverse(rows: list[Row], read: int) -> None:
    """Turn round the rows of a file that has the newest first; `read` is how many data rows it has."""
    rows.reverse()
    for place, row in enumerate(rows):
        rows[place] = row._replace(number=read + 1 - row.number)
