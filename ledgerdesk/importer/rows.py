"""A log's records in our words, in the order in which they happened. What a row lacks or gets wrong is found out here."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ledgerdesk.importer.cells import Clock, Source, Words, source
from ledgerdesk.importer.mapping import Mapping
from ledgerdesk.importer.source import LogFile, Record

_KEY, _NAME, _BODY, _SUBJECT = 200, 500, 100_000, 500
"""Most characters of a key, a name, a text and a subject: the limits of the event payloads."""
_SUPPORT = ("requester", "requester_email", "number", "subject", "body", "topic", "channel", "external_id")
_LIMITS = {
    "actor": _NAME, "assignee": _NAME, "group": _KEY, "comment": _BODY, "resolution": _BODY, "requester": _NAME,
    "number": _KEY, "body": _BODY, "topic": _KEY, "channel": _KEY, "external_id": _KEY,
}  # fmt: skip


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


class _UnusableError(ValueError):
    """A row cannot be used; the message says why."""


def _tidy(text: str | None) -> str | None:
    """A subject is one line of at most 500 characters."""
    if text is None:
        return None
    line = " ".join(text.split())
    return line if len(line) <= _SUBJECT else line[: _SUBJECT - 1] + "…"


class Reader:
    """Turns records into rows, as a mapping says."""

    def __init__(self, mapping: Mapping, header: Sequence[str]) -> None:
        """Compile the mapping for this header.

        Raises:
            MappingError: The log has not the columns.
        """
        self._mapping = mapping
        self._missing = {"", *(token.strip() for token in mapping.file.missing)}
        columns = mapping.columns
        self._sources: dict[str, Source] = {
            name: source(f"columns.{name}", words, header, mapping.log)
            for name in type(columns).model_fields
            if (words := getattr(columns, name)) is not None
        }
        self._ask = [self._sources.get(name, _nothing) for name in _SUPPORT]
        self._limits = [(name, most, self._sources[name]) for name, most in _LIMITS.items() if name in self._sources]
        order = mapping.order.column
        self.order: Source | None = source("order.column", (order,), header, mapping.log) if order else None
        self._clock = Clock(mapping.time)
        self._status = mapping.style == "status"
        states = {word: (() if state == "ignore" else (state,)) for word, state in mapping.states.items()}
        acts = {w: tuple(a for a in acts if a not in {"ignore", "noted"}) for w, acts in mapping.activities.items()}
        self._acts: Words[tuple[str, ...]] = Words(states if self._status else acts)
        self._strict = (mapping.unknown or ("error" if self._status else "note")) == "error"
        self._levels = {
            "priority": Words(mapping.priorities or {p: p for p in ("low", "normal", "high", "emergency")}),
            "severity": Words(mapping.severities or {s: s for s in ("Sev-A", "Sev-B", "Sev-C")}),
        }
        # Millions of cells hold few texts: each is kept once.
        self._texts: dict[str, str] = {}
        self._asks: dict[Ask, Ask] = {}
        self._first = mapping.order.by == "file"
        self._cases: set[str] = set()

    def cells(self, values: Sequence[str]) -> list[str | None]:
        """Return a record's cells, None for those that are missing."""
        missing = self._missing
        if self._mapping.file.trim:
            return [None if (text := value.strip()) in missing else text for value in values]
        return [None if value in missing or value.strip() in missing else value for value in values]

    def case_of(self, cells: Sequence[str | None]) -> str | None:
        """Return the case's id; None if there is none that can be used."""
        case = self._sources["case"](cells, "")
        return self._once(case) if case is not None and len(case) <= _KEY else None

    def row(self, line: int, number: int, case: str, cells: Sequence[str | None]) -> Row:
        """Return the row.

        Raises:
            _UnusableError: It cannot be used.
        """
        get, once = self._sources.get, self._once
        when = self._sources["time"](cells, case)
        if when is None:
            raise _UnusableError("columns.time: there is no time")
        at = self._clock(when)
        if at is None:
            raise _UnusableError(f"time.format: {when!r} is not in the form {' or '.join(self._mapping.time.format)}")
        for name, most, find in self._limits:
            if (text := find(cells, case)) is not None and len(text) > most:
                raise _UnusableError(f"columns.{name}: it is longer than {most} characters")
        activity = self._sources["status" if self._status else "activity"](cells, case)
        acts = self._meaning(activity)
        return Row(
            line, number, True, case, once(at), acts, once(activity or ""),  # noqa: FBT003 -- a NamedTuple, by place for speed
            once(get("actor", _nothing)(cells, case)), once(get("assignee", _nothing)(cells, case)),
            once(get("group", _nothing)(cells, case)), self._level("priority", cells, case),
            self._level("severity", cells, case), once(get("comment", _nothing)(cells, case)),
            once(get("resolution", _nothing)(cells, case)), self._asked(cells, case),
        )  # fmt: skip

    def _once(self, text: str | None) -> str | None:
        return None if text is None else self._texts.setdefault(text, text)

    def _meaning(self, activity: str | None) -> tuple[str, ...]:
        if activity is None:
            return ()
        acts = self._acts(activity)
        if acts is not None:
            return acts
        if self._strict:
            key = "states" if self._status else "activities"
            raise _UnusableError(f"{key}: {activity!r} is not among them; add it there (or say unknown: note)")
        return ()

    def _level(self, name: str, cells: Sequence[str | None], case: str) -> str | None:
        find = self._sources.get(name)
        text = find(cells, case) if find else None
        if text is None:
            return None
        level = self._levels[name](text)
        if level is None:
            key = {"priority": "priorities", "severity": "severities"}[name]
            raise _UnusableError(f"{key}: {text!r} is not among them; add it there (it may be ignore)")
        return None if level == "ignore" else level

    def _asked(self, cells: Sequence[str | None], case: str) -> Ask | None:
        """Return what `created` needs: of every row, unless the file's order says which row of a case is its first."""
        if self._first:
            if case in self._cases:
                return None
            self._cases.add(case)
        ask = Ask(*[find(cells, case) for find in self._ask])
        ask = ask._replace(subject=_tidy(ask.subject))
        return self._asks.setdefault(ask, ask)


def _nothing(_cells: Sequence[str | None], _case: str) -> None:
    return None


def read_log(path: Path, mapping: Mapping, progress: Callable[[int, int], None] | None = None) -> Log:
    """Read a log whole, in replay order.

    Args:
        path: CSV, plain or gzipped.
        mapping: What its columns mean.
        progress: Told bytes read and bytes there are.

    Raises:
        LogError: The file cannot be read.
        MappingError: The mapping does not fit it.
    """
    file = LogFile(path, mapping.file, progress)
    try:
        return collect(file.records(), Reader(mapping, file.header), mapping)
    finally:
        file.close()


def collect(records: Iterable[Record], reader: Reader, mapping: Mapping) -> Log:
    """Read records into a log in replay order."""
    log = Log()
    keys: list[float | str] = []
    last: dict[str, float | str] = {}
    by = mapping.order.by
    lowest: float | str = -math.inf if by == "column" else ""
    for record in records:
        log.read += 1
        if record.values is None:
            log.bad.append(BadRow(record.line, record.reason))
            continue
        cells = reader.cells(record.values)
        case = reader.case_of(cells)
        if case is None:
            log.bad.append(BadRow(record.line, f"columns.case: there is no case, or one over {_KEY} characters"))
            continue
        try:
            key = _number(reader.order, cells, case) if reader.order is not None else lowest
            row = reader.row(record.line, log.read, case, cells)
        except _UnusableError as error:
            log.bad.append(BadRow(record.line, str(error)))
            # It keeps its place, so that the rows after it keep the ids they have once it is put right.
            row, key = Row(record.line, log.read, False, case, ""), last.get(case, lowest)  # noqa: FBT003 -- by place
        else:
            key = row.at if by == "time" else key
        log.rows.append(row)
        if by in {"time", "column"}:
            keys.append(key)
            last[case] = key
    if by == "file_reversed":
        log.rows.reverse()
        for place, row in enumerate(log.rows):
            log.rows[place] = row._replace(number=log.read + 1 - row.number)
    elif keys:
        _sort_cases(log.rows, keys)
    return log


def _number(order: Source, cells: Sequence[str | None], case: str) -> float:
    text = order(cells, case)
    try:
        number = float(text) if text is not None else math.nan
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise _UnusableError(f"order.column: {text!r} is no number")
    return number


def _sort_cases(rows: list[Row], keys: Sequence[float | str]) -> None:
    """Sort each case's rows by key, ties as they stand, among the places that the case has in the file.

    A row number then is a place in the file that its case really has, and stays where it is when the log grows.
    """
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(row.case, []).append(place)
    for of_case in places.values():
        ordered = sorted(of_case, key=keys.__getitem__)  # type: ignore[arg-type] -- all texts or all numbers
        if ordered == of_case:
            continue
        numbers = [rows[place].number for place in of_case]
        for place, number, row in zip(of_case, numbers, [rows[place] for place in ordered], strict=True):
            rows[place] = row._replace(number=number)
