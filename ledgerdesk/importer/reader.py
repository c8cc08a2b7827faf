"""Records become rows. What a record lacks or gets wrong is found out here, and nowhere later."""

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

from ledgerdesk.importer.cells import Clock, Source, Words, cleaner, source
from ledgerdesk.importer.mapping import Mapping
from ledgerdesk.importer.rows import Ask, BadRow, Log, Row, reverse, sort_cases
from ledgerdesk.importer.source import LogFile, Record
from shared.contracts.fields import Priority, Severity

_KEY, _NAME, _BODY, _SUBJECT = 200, 500, 100_000, 500
"""Most characters of a key, a name, a text and a subject: the limits of the event payloads."""
_EVERY = {"actor": _NAME, "assignee": _NAME, "group": _KEY, "comment": _BODY, "resolution": _BODY}
"""Fields of every row, with their most characters."""
_ONCE = {
    "requester": _NAME, "requester_email": _NAME, "number": _KEY, "subject": _BODY, "body": _BODY, "topic": _KEY,
    "channel": _KEY, "external_id": _KEY,
}  # fmt: skip
"""Fields of a ticket's creation, as `Ask` has them."""


class UnusableError(ValueError):
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
        columns, clean = mapping.columns, cleaner(mapping.file.missing, trim=mapping.file.trim)
        sources: dict[str, Source] = {
            name: source(f"columns.{name}", words, header, mapping.log, clean)
            for name in type(columns).model_fields
            if (words := getattr(columns, name)) is not None
        }
        column = mapping.order.column
        self._order = source("order.column", (column,), header, mapping.log, clean) if column else None
        status = mapping.style == "status"
        self._case, self._time = sources["case"], sources["time"]
        self._activity = sources["status" if status else "activity"]
        self._every = [(name, most, sources[name]) for name, most in _EVERY.items() if name in sources]
        self._once = [(name, most, sources.get(name, _nothing)) for name, most in _ONCE.items()]
        self._levels = [
            _Level(name, key, sources[name], Words(meanings or {word: word for word in own}))
            for name, key, meanings, own in (
                ("priority", "priorities", mapping.priorities, get_args(Priority)),
                ("severity", "severities", mapping.severities, get_args(Severity)),
            )
            if name in sources
        ]
        states = {word: (() if state == "ignore" else (state,)) for word, state in mapping.states.items()}
        acts = {w: tuple(a for a in acts if a not in {"ignore", "noted"}) for w, acts in mapping.activities.items()}
        self._acts: Words[tuple[str, ...]] = Words(states if status else acts)
        self._acts_key = "states" if status else "activities"
        self._strict = (mapping.unknown or ("error" if status else "note")) == "error"
        self._clock, self._formats = Clock(mapping.time), " or ".join(mapping.time.format)
        # Millions of cells hold few texts: each is kept once.
        self._texts: dict[str, str] = {}
        self._asks: dict[Ask, Ask] = {}
        self._first_is_first = mapping.order.by == "file"
        self._cases: set[str] = set()

    def case_of(self, cells: Sequence[str]) -> str | None:
        """Return the case's id; None if there is none that can be used."""
        case = self._case(cells, "")
        return self._kept(case) if case is not None and len(case) <= _KEY else None

    def number(self, cells: Sequence[str], case: str) -> float:
        """Return what the rows of a case are sorted by; 0 where the mapping names no column for it.

        Raises:
            UnusableError: It is no number.
        """
        if self._order is None:
            return 0
        text = self._order(cells, case)
        try:
            number = float(text) if text is not None else math.nan
        except ValueError:
            number = math.nan
        if math.isnan(number):
            raise UnusableError(f"order.column: {text!r} is no number")
        return number

    def row(self, line: int, number: int, case: str, cells: Sequence[str]) -> Row:
        """Return the row.

        Raises:
            UnusableError: It cannot be used.
        """
        when = self._time(cells, case)
        if when is None:
            raise UnusableError("columns.time: there is no time")
        at = self._clock(when)
        if at is None:
            raise UnusableError(f"time.format: {when!r} is not in the form {self._formats}")
        activity = self._activity(cells, case)
        acts = self._meaning(activity)
        found: dict[str, str | None] = {
            name: self._text(name, most, find, cells, case) for name, most, find in self._every
        }
        for level in self._levels:
            found[level.name] = level.of(cells, case)
        ask = self._asked(cells, case)
        return Row(line, number, True, case, at, acts, self._kept(activity or ""), ask=ask, **found)

    def _text(self, name: str, most: int, find: Source, cells: Sequence[str], case: str) -> str | None:
        text = find(cells, case)
        if text is None:
            return None
        if len(text) > most:
            raise UnusableError(f"columns.{name}: it is longer than {most} characters")
        return self._texts.setdefault(text, text)

    def _kept(self, text: str) -> str:
        return self._texts.setdefault(text, text)

    def _meaning(self, activity: str | None) -> tuple[str, ...]:
        acts = () if activity is None else self._acts(activity)
        if acts is None and self._strict:
            raise UnusableError(f"{self._acts_key}: {activity!r} is not among them; add it there, or say unknown: note")
        return acts or ()

    def _asked(self, cells: Sequence[str], case: str) -> Ask | None:
        """Return what `created` needs: of every row, unless the file's order says which row of a case is its first."""
        if self._first_is_first:
            if case in self._cases:
                return None
            self._cases.add(case)
        ask = Ask(**{name: self._text(name, most, find, cells, case) for name, most, find in self._once})
        ask = ask._replace(subject=_tidy(ask.subject))
        return self._asks.setdefault(ask, ask)


class _Level(NamedTuple):
    """Priority or severity: where it stands and what its words mean; `key` is the mapping's."""

    name: str
    key: str
    find: Source
    words: Words[str]

    def of(self, cells: Sequence[str], case: str) -> str | None:
        text = self.find(cells, case)
        level = None if text is None else self.words(text)
        if text is not None and level is None:
            raise UnusableError(f"{self.key}: {text!r} is not among them; add it there (it may be ignore)")
        return None if level == "ignore" else level


def _nothing(_cells: Sequence[str], _case: str) -> None:
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
        cells = record.values
        case = reader.case_of(cells)
        if case is None:
            log.bad.append(BadRow(record.line, f"columns.case: there is no case, or one over {_KEY} characters"))
            continue
        try:
            key: float | str = reader.number(cells, case)
            row = reader.row(record.line, log.read, case, cells)
        except UnusableError as error:
            log.bad.append(BadRow(record.line, str(error)))
            # It keeps its place, so that the rows after it keep the ids they have once it is put right.
            row, key = Row(record.line, log.read, False, case, ""), last.get(case, lowest)
        else:
            key = row.at if by == "time" else key
        log.rows.append(row)
        if by in {"time", "column"}:
            keys.append(key)
            last[case] = key
    if by == "file_reversed":
        reverse(log.rows, log.read)
    elif keys:
        sort_cases(log.rows, keys)
    return log
