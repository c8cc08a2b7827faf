"""How a cell is found, and what its text means: sources (column, columns, template), value maps and times."""

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from string import Formatter
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from ledgerdesk.importer.mapping import MappingError, Time
from shared.contracts.event import rfc3339

V = TypeVar("V")
Clean = Callable[[str], str | None]
"""Takes a cell, gives its text, None where it stands for nothing."""
Source = Callable[[Sequence[str], str], str | None]
"""Takes a record's cells and the case's id, gives the field's text, None where the log has none."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_YEAR = 1000


def cleaner(missing: Sequence[str], *, trim: bool) -> Clean:
    """Return what tells texts from cells that stand for nothing: empty ones and the `missing` tokens."""
    tokens = {"", *(token.strip() for token in missing)}
    if trim:
        return lambda cell: None if (text := cell.strip()) in tokens else text
    return lambda cell: None if cell in tokens or cell.strip() in tokens else cell


def source(key: str, words: Sequence[str], header: Sequence[str], log: str, clean: Clean) -> Source:
    """Compile what a mapping says of a field.

    Args:
        key: The mapping's key, for the error.
        words: A column, several columns, or one template with columns (or ``case``, ``log``) in braces.
        header: The log's columns.
        log: The log's name.
        clean: What tells the cells that stand for nothing.

    Raises:
        MappingError: The log has no such column, has it twice, or the template is none.
    """
    if len(words) == 1 and "{" in words[0]:
        return _template(key, words[0], header, log, clean)
    places = [_place(key, word, header) for word in words]
    if len(places) == 1:
        place = places[0]
        return lambda cells, _case: clean(cells[place])
    return lambda cells, _case: " ".join(cell for p in places if (cell := clean(cells[p]))) or None


def _place(key: str, column: str, header: Sequence[str]) -> int:
    found = [place for place, name in enumerate(header) if name == column]
    if len(found) == 1:
        return found[0]
    if found:
        raise MappingError([f"{key}: the log has {len(found)} columns called {column!r}; rename all but one"])
    near = difflib.get_close_matches(column, header, 1, 0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    if len(header) == 1:
        hint = "is file.delimiter right? "
    raise MappingError([f"{key}: the log has no column {column!r}; {hint}It has: {', '.join(header)}"])


def _template(key: str, text: str, header: Sequence[str], log: str, clean: Clean) -> Source:
    parts: list[tuple[str, int | None]] = []  # text, then the cell after it; -1 is the case
    try:
        for before, name, form, conversion in Formatter().parse(text):
            if name is None:
                parts.append((before, None))
            elif name == "log":
                parts.append((before + log, None))
            elif form or conversion or not name:
                raise MappingError([f"{key}: {text!r}: only a column's name may stand in braces"])
            else:
                parts.append((before, -1 if name == "case" else _place(key, name, header)))
    except ValueError as error:
        raise MappingError([f"{key}: {text!r} is no template: {error}; write a brace as {{{{ or }}}}"]) from error
    fixed = all(place is None for _, place in parts)

    def fill(cells: Sequence[str], case: str) -> str | None:
        said, found = [], fixed
        for before, place in parts:
            said.append(before)
            if place is not None:
                cell = case if place == -1 else clean(cells[place])
                if cell:
                    found = True
                    said.append(cell)
        return "".join(said).strip() or None if found else None

    return fill


class Words(Generic[V]):
    """A value map: what the log's words mean. A key that ends in ``*`` stands for all that begin so."""

    def __init__(self, meanings: Mapping[str, V]) -> None:
        self._exact = {word.strip(): value for word, value in meanings.items() if not word.endswith("*")}
        stems = [(word[:-1].lstrip(), value) for word, value in meanings.items() if word.endswith("*")]
        self._stems = sorted(stems, key=lambda stem: -len(stem[0]))  # the longest, the most particular, first
        self._known: dict[str, V | None] = {}

    def __call__(self, text: str) -> V | None:
        """Return the meaning of a word, None if the map has none. White space around it does not count."""
        if text in self._known:
            return self._known[text]
        word = text.strip()
        found = self._exact.get(word)
        if found is None:
            found = next((value for stem, value in self._stems if word.startswith(stem)), None)
        self._known[text] = found
        return found


class Clock:
    """Reads the log's times; every distinct text once."""

    def __init__(self, time: Time) -> None:
        self._formats = time.format
        self._zone = ZoneInfo(time.zone)
        self._known: dict[str, str | None] = {}

    def __call__(self, text: str) -> str | None:
        """Return a time as RFC 3339 in UTC, None if it is in none of the formats.

        A time without an offset is the zone's wall clock. One that the clocks passed twice is taken as the first; one
        they skipped as if they had not yet been put forward.
        """
        if text in self._known:
            return self._known[text]
        found = None
        for form in self._formats:
            try:
                found = self._read(text.strip(), form)
            except (ValueError, OverflowError):
                continue
            break
        self._known[text] = found
        return found

    def _read(self, text: str, form: str) -> str:
        if form in {"epoch", "epoch_ms"}:
            seconds = float(text) / (1000 if form == "epoch_ms" else 1)
            if not math.isfinite(seconds):
                raise ValueError(text)
            return rfc3339(_EPOCH + timedelta(seconds=seconds))
        moment = datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)  # noqa: DTZ007 -- below
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._zone)
        moment = moment.astimezone(UTC)
        if moment.year < _FIRST_YEAR:  # a two-digit year under %Y; its text would not even sort
            raise ValueError(text)
        return rfc3339(moment)
