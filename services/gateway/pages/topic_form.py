"""A topic's form on the new-ticket page: which fields are asked for, and the API's values of what was written. Pure.

A form is what `GET /topics` shows of it (`FieldShown`); what was written is text by the controls' names, of several check boxes with
line ends between. Conditions are asked of `shared.forms`, as the API does: the page and the door cannot differ.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from services.gateway.pages.language import N_, _
from shared import forms

PREFIX = "fields."
"""Of the controls' names, as of the API's names for what is refused."""
ASKED = "asked"
"""What the form that was sent had asked for: a key each."""

Field = Mapping[str, Any]
Sent = Mapping[str, str]
Held = tuple[str, str]
"""A field's name and what it holds, as people read it."""

_INTEGER = re.compile(r"-?[0-9]{1,16}")
_PLAIN = {
    "text": N_("Must be one line of at most 500 characters."),
    "memo": N_("Must be a text of at most 20,000 characters."),
    "integer": N_("Must be a whole number, such as 42."),
    "decimal": N_("Must be a number, such as 12.5: with a point, and nothing else but digits."),
    "date": N_("Must be a day that there is, written as 2026-11-24."),
    "choice": N_("Must be one of those offered."),
    "choices": N_("Must be some of those offered."),
}
"""What a value must be, to people; the API says it to programs."""


def form_of(topics: Mapping[str, Any], topic: str) -> Sequence[Field]:
    """Return a topic's form, of those that `GET /topics` lists; of no topic, and of one that is not there, what is asked without."""
    found: Sequence[Field] = next(
        (one["fields"] for one in topics["items"] if one["key"] == topic), topics["without_topic"]
    )
    return found


def values_of(form: Sequence[Field], sent: Sent) -> dict[str, Any]:
    """Return what was written, as the API takes it. What cannot be read stays as it is: the API says what is wrong with it."""
    read = {field["key"]: _value(field["type"], sent.get(PREFIX + field["key"], "")) for field in form}
    return {key: value for key, value in read.items() if value is not None}


def _value(kind: str, text: str) -> Any:
    match kind:
        case "bool":  # a box has two answers: one that is not ticked says no
            return bool(text)
        case "choices":
            return text.split("\n") if text else None
        case "memo":
            return text if text.strip() else None
        case "integer" if _INTEGER.fullmatch(text.strip()):
            return int(text)
        case _:
            return text.strip() or None


def shown(form: Sequence[Field], sent: Sent) -> list[Field]:
    """Return the fields that are asked for, as things are written."""
    mine = [field for field in form if field["editable"]]
    facts = {name: sent.get(name) or None for name in ("topic", "priority", "severity")}
    now = forms.shown(mine, values_of(mine, sent), {**facts, "priority": facts["priority"] or "normal"})
    return [field for field in mine if field["key"] in now]


def unasked(fields: Sequence[Field], sent: Sent) -> bool:
    """Whether there are fields among these that the form which was sent did not have yet."""
    return not {field["key"] for field in fields} <= set(sent.get(ASKED, "").split("\n"))


def looked_at(form: Sequence[Field]) -> frozenset[str]:
    """Return the keys of the fields on which it depends whether others are asked for."""
    return frozenset(key for field in form for key in forms.asks_for(field))


def kept(sent: Sent, fields: Sequence[Field]) -> dict[str, str]:
    """Return what was written into fields that are not asked for now: it comes back with them."""
    there = {PREFIX + field["key"] for field in fields}
    return {name: text for name, text in sent.items() if name.startswith(PREFIX) and name not in there and text}


def said(fields: Sequence[Field], wrong: Mapping[str, str]) -> dict[str, str]:
    """Return the API's refusals by control, those of the form's fields in words for people."""
    kinds = {PREFIX + field["key"]: field["type"] for field in fields}
    return {name: _in_words(kinds[name], text) if name in kinds else text for name, text in wrong.items()}


def _in_words(kind: str, text: str) -> str:
    if text.startswith("is required"):
        return _("Choose at least one.") if kind == "choices" else _("Fill this in.")
    return _(_PLAIN[kind]) if text.startswith("must be") and kind in _PLAIN else text


def all_named(fields: Sequence[Field], wrong: Collection[str]) -> bool:
    """Whether everything that is refused stands at a field of the form, so that there is no more to say above it."""
    return bool(wrong) and set(wrong) <= {PREFIX + field["key"] for field in fields}


# -- on a ticket's page -----------------------------------------------------------------------------------------------


def held_of(items: Sequence[Field]) -> list[Held]:
    """Return what a ticket's fields hold, of what `GET /tickets/{ref}/fields` says: those that are empty are left out."""
    return [(item["name"], _read(item)) for item in items if item["value"] is not None]


def _read(item: Field) -> str:
    """Return a value as people read it. A choice that is offered no more is told by its key."""
    names: dict[str, str] = {choice["key"]: choice["name"] for choice in item["choices"]}
    match item["value"]:
        case bool() as answer:
            return _("Yes") if answer else _("No")
        case list() as chosen:
            return ", ".join(names.get(key, key) for key in map(str, chosen))
        case value:
            return names.get(str(value), str(value))
