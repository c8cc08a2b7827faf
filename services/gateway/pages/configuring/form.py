"""Forms of configured things: a description of an entry's fields, and the way from a browser's form to an entry. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Control = Literal["line", "text", "number", "date", "check", "choice", "choices", "keys", "rows", "image"]
"""`keys` are several texts with commas between; `choices` are check boxes; `rows` are entries within the entry; an `image` is sent as a data URL."""
Sent = Mapping[str, Sequence[str]]
"""A browser's form: name to what was sent under it."""
Entry = dict[str, Any]

PREFIX = "e."
"""Of the names of an entry's controls: a form has names of its own besides."""
SPARE = 2
"""Empty rows that are offered, so that a form grows without a script."""
MOST_ROWS = 300
_INTEGER = re.compile(r"-?[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Field:
    """A control and what it changes.

    Attributes:
        name: Path in the entry: ``actions.department``.
        offered: The name of what is offered, of choice and choices.
        parts: Of rows: what each has.
        nothing: What stands in the entry where the control is left empty; None: nothing at all, so what is usual holds.
        initial: What a new entry, or a row that is added, begins with.
        fixed: It is said once, when the entry is new.
    """

    name: str
    label: str
    control: Control = "line"
    hint: str = ""
    offered: str = ""
    parts: tuple["Field", ...] = ()
    nothing: Any = None
    initial: Any = None
    fixed: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Fields that belong together, under a heading."""

    title: str
    fields: tuple[Field, ...]
    hint: str = ""


def value_at(entry: Mapping[str, Any], path: str) -> Any:
    """Return what stands at a path, None where nothing does."""
    found: Any = entry
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def _put(entry: Entry, path: str, value: Any) -> None:
    *above, last = path.split(".")
    for name in above:
        inner = entry.get(name)
        entry[name] = dict(inner) if isinstance(inner, Mapping) else {}
        entry = entry[name]
    if value is None:
        entry.pop(last, None)
    else:
        entry[last] = value


def entry_of(sections: Sequence[Section], sent: Sent, before: Mapping[str, Any], *, new: bool) -> Entry:
    """Return the entry that a form asks for; what the form does not show of the entry `before` stays as it is.

    What cannot be read stays as it was written: the API says what is wrong with it, and the form shows it again.
    """
    entry = dict(before)
    for section in sections:
        for field in section.fields:
            if field.control == "image":
                _put(entry, field.name, _image(field, sent, value_at(before, field.name)))
            elif new or not field.fixed:
                _put(entry, field.name, _read(field, sent, PREFIX + field.name))
    return entry


def _image(field: Field, sent: Sent, before: Any) -> Any:
    """Return the image that was sent, nothing if it is to go, else the one there is."""
    chosen = next(iter(sent.get(PREFIX + field.name, ())), "")
    return chosen or (None if f"{PREFIX}{field.name}.remove" in sent else before)


def _read(field: Field, sent: Sent, name: str) -> Any:
    if field.control == "rows":
        return _rows(field, sent, name)
    if field.control == "check":
        return name in sent
    if field.control == "choices":
        return [value for value in sent.get(name, ()) if value]
    return _read_text(field, next(iter(sent.get(name, ())), "").replace("\r\n", "\n"))


def _read_text(field: Field, text: str) -> Any:
    if field.control == "keys":
        return [key.strip() for key in text.split(",") if key.strip()]
    if not text.strip():
        return field.nothing
    if field.control == "number" and _INTEGER.fullmatch(text.strip()):
        return int(text)
    return text if field.control == "text" else text.strip()


def _rows(field: Field, sent: Sent, name: str) -> list[Entry]:
    """Return the rows that have something in them; a check box alone is nothing."""
    starts = re.compile(re.escape(name) + r"\.([0-9]{1,4})\.")
    places = sorted({int(found[1]) for sent_name in sent if (found := starts.match(sent_name))})[:MOST_ROWS]
    rows = []
    for place in places:
        row: Entry = {}
        for part in field.parts:
            _put(row, part.name, _read(part, sent, f"{name}.{place}.{part.name}"))
        said = [_said(part, value_at(row, part.name)) for part in field.parts if part.control != "check"]
        if any(said):
            rows.append(row)
    return rows


def _said(part: Field, value: Any) -> bool:
    return value not in (None, "", [], part.nothing)


def rows_shown(field: Field, entry: Mapping[str, Any]) -> list[Entry]:
    """Return a field's rows, and a few empty ones."""
    empty: Entry = {}
    for part in field.parts:
        _put(empty, part.name, part.initial)
    found = value_at(entry, field.name) or []
    return [*found, *(dict(empty) for _ in range(SPARE))]


def initial_of(sections: Sequence[Section]) -> Entry:
    """Return what a new entry begins with."""
    entry: Entry = {}
    for section in sections:
        for field in section.fields:
            _put(entry, field.name, field.initial)
    return entry


def errors_of(sections: Sequence[Section], fields: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the API's messages by the control they belong to, and those that belong to none.

    The API names places in a section: ``rules.KEY.tests.0.value``, or by number where the form itself is not what it takes.
    """
    known = {PREFIX + field.name: field for section in sections for field in section.fields}
    found: dict[str, str] = {}
    left: dict[str, str] = {}
    for place, message in fields.items():
        path = PREFIX + ".".join(place.removeprefix("body.").split(".")[2:])
        if (
            path not in known and PREFIX + place.rpartition(".")[2] in known and place.count(".") == 1
        ):  # there is one of it
            path = PREFIX + place.rpartition(".")[2]
        rows = next(
            (field for name, field in known.items() if field.control == "rows" and path.startswith(f"{name}.")), None
        )
        if path in known or (rows and path.rpartition(".")[2] in {part.name for part in rows.parts}):
            found[path] = message
        elif (parent := path.rpartition(".")[0]) in known:  # a part of what one control says
            found[parent] = message
        else:
            left[place] = message
    return found, left


def changes(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return what differs between two states of an entry: name, before, after."""
    before = old or {}
    names = [*new, *(name for name in before if name not in new)]
    return [
        (name, before.get(name), new.get(name))
        for name in names
        if name != "version" and before.get(name) != new.get(name)
    ]
