"""Whether custom fields can be configured like this: what they name is there, and every form can be filled in. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from shared import forms
from shared.contracts.fields import Priority, Severity

Field = Mapping[str, Any]
_NAMED: Mapping[str, Sequence[str]] = {"priority": get_args(Priority), "severity": get_args(Severity)}
_CHOSEN = frozenset({"choice", "choices"})
_COMPARED = frozenset({*_CHOSEN, "bool"})
"""Types that conditions compare; of others they ask only whether they are filled in: words are nobody's business but the ticket's."""


def faults(new: Sequence[Field], there: Mapping[str, Field], topics: frozenset[str]) -> dict[str, str]:
    """Return what is wrong with fields that are to be configured.

    Args:
        new: As they are to be.
        there: All as they are, by key.
        topics: Keys of all topics.

    Returns:
        The place in the section (``fields.serial.choices``) to what would be right; nothing, if all is well.
    """
    after = {**there, **{field["key"]: field for field in new}}
    found: dict[str, str] = {}
    for field in new:
        before = there.get(field["key"])
        for place, message in (*_of_itself(field), *_of_rights(field), *_of_topics(field, topics)):
            found[f"fields.{field['key']}.{place}"] = message
        if before is not None and before["type"] != field["type"]:
            found[f"fields.{field['key']}.type"] = (
                f"is {before['type']}, and tickets hold such values: set active: false, and make another field"
            )
    for field in after.values():  # of all: a field that changes may be what others look at
        for place, message in _of_conditions(field, after, topics):
            found[f"fields.{field['key']}.{place}"] = message
    for key in sorted(field["key"] for field in forms.in_turn(list(after.values()))[1]):
        found[f"fields.{key}.shown_when"] = "must not go round in a ring, nor look at fields that do"
    return found


def _of_itself(field: Field) -> Iterator[tuple[str, str]]:
    keys = [choice["key"] for choice in field["choices"]]
    if field["type"] in _CHOSEN:
        if not any(choice["active"] for choice in field["choices"]):
            yield "choices", "must offer something: [{key, name}]"
        if len(set(keys)) < len(keys):
            yield "choices", "must have a key each"
    elif keys:
        yield "choices", "belong to a field of type choice or choices; leave them out"


def _of_rights(field: Field) -> Iterator[tuple[str, str]]:
    for audience in ("customer", "agent"):
        rights = field[audience]
        if rights["required"] and not rights["editable"]:
            yield audience, "cannot be required and not editable: set editable: true"
        if rights["editable"] and not rights["visible"]:
            yield audience, "cannot be editable and not visible: set visible: true"
    if field["required_to_close"] and not (field["customer"]["editable"] or field["agent"]["editable"]):
        yield "required_to_close", "needs somebody who may fill it in: set customer or agent editable: true"


def _of_topics(field: Field, topics: frozenset[str]) -> Iterator[tuple[str, str]]:
    if unknown := sorted(set(field["topics"]) - topics):
        yield "topics", f"must be topics; there is no {', '.join(map(repr, unknown))}"


def _of_conditions(field: Field, fields: Mapping[str, Field], topics: frozenset[str]) -> Iterator[tuple[str, str]]:
    for number, condition in enumerate(field["shown_when"]):
        place, name, compares = f"shown_when.{number}", condition["field"], condition["op"] in {"is", "is_not"}
        if compares != bool(condition["values"]):
            yield f"{place}.values", "must be there with is and is_not, and with nothing else"
        if name == "topic":
            offered: Sequence[str] | None = sorted(topics)
        elif name in _NAMED:
            offered = _NAMED[name]
        else:
            other = fields.get(name.removeprefix(forms.PREFIX)) if name.startswith(forms.PREFIX) else None
            if other is None:
                yield f"{place}.field", "must be topic, priority, severity, or field.KEY of a field"
                continue
            if compares and other["type"] not in _COMPARED:
                yield f"{place}.op", f"of a {other['type']} must be filled or empty"
            if field["customer"]["visible"] and not other["customer"]["visible"]:
                yield f"{place}.field", "must be visible to customers, like the field that it shows"
            offered = _offered(other)
        if offered is not None and (unknown := [value for value in condition["values"] if value not in offered]):
            yield f"{place}.values", f"must be of: {', '.join(offered)}; there is no {', '.join(map(repr, unknown))}"


def _offered(field: Field) -> Sequence[str] | None:
    """Return what a field can hold, as conditions say it; None: too much to say."""
    if field["type"] == "bool":
        return ("true", "false")
    return [choice["key"] for choice in field["choices"]] if field["type"] in _CHOSEN else None
