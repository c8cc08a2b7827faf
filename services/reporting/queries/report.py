"""What a report is, what can be asked of it, and how a question becomes SQL."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from shared.db import Connection

Row = dict[str, Any]
Rows = list[Row]

DIMENSIONS = ("department", "topic", "agent", "priority")
"""What events and tickets can be grouped and filtered by; as of the event, or of now for a ticket."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a report.

    Attributes:
        start, end: The half-open range; None is unbounded.
        group_by: Keys, in the order of the columns.
        filters: Dimension -> value; the agent's is a person id.
    """

    start: datetime | None = None
    end: datetime | None = None
    group_by: Sequence[str] = ()
    filters: dict[str, str | UUID] = field(default_factory=dict)


class Where:
    """Conditions and their arguments. Columns and operators are ours; values only ever travel as arguments."""

    def __init__(self, *conditions: str) -> None:
        self.conditions = list(conditions)
        self.arguments: list[object] = []

    def argument(self, value: object) -> str:
        """Take a value; return its placeholder."""
        self.arguments.append(value)
        return f"${len(self.arguments)}"

    def range(self, column: str, question: Question) -> "Where":
        """Narrow to the question's range."""
        if question.start is not None:
            self.conditions.append(f"{column} >= {self.argument(question.start)}")
        if question.end is not None:
            self.conditions.append(f"{column} < {self.argument(question.end)}")
        return self

    def narrowed(self, question: Question) -> "Where":
        """Narrow to the question's filters."""
        self.conditions += [f"{name} = {self.argument(value)}" for name, value in question.filters.items()]
        return self

    @property
    def sql(self) -> str:
        """The clause, or nothing where there are no conditions."""
        return f"WHERE {' AND '.join(self.conditions)}" if self.conditions else ""


@dataclass(frozen=True, slots=True)
class Counting:
    """What a figure counts, one by one (see `services.reporting.queries.counting`).

    Attributes:
        sql: Selects it: of each event or ticket where and when it is, and what it was.
        where: The conditions that the SQL names, with their arguments.
        of: What one row of it is.
    """

    sql: str
    where: Where
    of: Literal["events", "tickets"] = "events"


@dataclass(frozen=True, slots=True)
class Report:
    """One report.

    Attributes:
        definition: What is counted, exactly; goes into every answer.
        columns: Of each row, after the keys of `group_by`.
        keys: Those columns that say what a row is of; the others are figures.
        group_by: The keys it takes.
        filters: The dimensions it can be narrowed to.
        rows: Answers a question within the caller's transaction; agents are person ids still.
        counted: What a figure (a column's name) of a row (its keys) counts, one by one: exactly as many.
        names: Where a row's key is `name`: the names there are.
    """

    name: str
    title: str
    definition: str
    columns: Sequence[str]
    keys: Sequence[str]
    group_by: Sequence[str]
    rows: Callable[[Connection, Question], Awaitable[Rows]]
    counted: Callable[[Question, Mapping[str, Any], str], Counting]
    filters: Sequence[str] = DIMENSIONS
    names: Sequence[str] = ()

    @property
    def figures(self) -> list[str]:
        """The columns that are figures."""
        return [column for column in self.columns if column not in self.keys]

    def keys_of(self, question: Question) -> list[str]:
        """Return what says which row of a question's answer is meant."""
        return list(dict.fromkeys([*question.group_by, *self.keys]))


def keys(question: Question, day: str = "day") -> dict[str, str]:
    """Return the SQL expression of each key of the question; `day` is that of the day."""
    return {key: day if key == "day" else key for key in question.group_by}


def selected(expressions: dict[str, str]) -> str:
    """Return the keys' part of a SELECT list, its comma included."""
    return "".join(f"{sql} AS {key}, " for key, sql in expressions.items())


def grouped(expressions: Sequence[str]) -> str:
    """Return a GROUP BY clause by output position 1..n, or nothing."""
    return f"GROUP BY {', '.join(str(i) for i in range(1, len(expressions) + 1))}" if expressions else ""


def events_of(question: Question, *conditions: str) -> Where:
    """Return the conditions on `entry` that a question of events comes to: the range is that of `occurred_at`."""
    return Where(*conditions).range("occurred_at", question).narrowed(question)


async def fetch(connection: Connection, sql: str, where: Where) -> Rows:
    """Run a query and return its rows."""
    return [dict(row) for row in await connection.fetch(sql, *where.arguments)]
