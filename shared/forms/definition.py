"""Which fields are on a ticket's form, whose they are, and which are shown as things are."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal

from shared.forms.terms import PREFIX, Audience, CustomField, Facts, Form, Values
from shared.forms.wording import bare


def form_of(fields: Iterable[CustomField], topic: str | None) -> Form:
    """Return the form of a ticket of this topic, in its order."""
    chosen = [f for f in fields if f["active"] and (not f["topics"] or topic in f["topics"])]
    return sorted(chosen, key=lambda field: (field["order"], field["key"]))


def may(field: CustomField, audience: Audience, right: Literal["visible", "editable", "required"]) -> bool:
    """Whether this audience has this right; another system speaks for both others, and nothing is required of it."""
    if audience == "system":
        return right != "required" and bool(field["customer"][right] or field["agent"][right])
    return bool(field[audience][right])


def asks_for(field: CustomField) -> set[str]:
    """Return the keys of the fields that a field's conditions look at."""
    return {c["field"].removeprefix(PREFIX) for c in field["shown_when"] if c["field"].startswith(PREFIX)}


def in_turn(form: Form) -> tuple[list[CustomField], list[CustomField]]:
    """Return fields in such an order that each comes after those its conditions look at; and those of which there is no such order."""
    found: list[CustomField] = []
    known: set[str] = set()
    left, keys = list(form), {field["key"] for field in form}
    while left:
        later = []
        for field in left:
            if field["shown_when"] and not asks_for(field) & keys <= known:
                later.append(field)
            else:
                found.append(field)
                known.add(field["key"])
        if len(later) == len(left):
            break
        left = later
    return found, left


def shown(form: Form, values: Values, facts: Facts) -> frozenset[str]:
    """Return the keys of the fields that are asked for, as things are. To a condition, a field that is not shown is empty.

    Fields in a ring, which configuration refuses, are not shown.
    """
    found: set[str] = set()
    for field in in_turn(form)[0]:
        if all(_holds(condition, found, values, facts) for condition in field["shown_when"]):
            found.add(field["key"])
    return frozenset(found)


def _holds(condition: Mapping[str, Any], known: Collection[str], values: Values, facts: Facts) -> bool:
    name = condition["field"]
    key = name.removeprefix(PREFIX)
    value = facts.get(name) if key == name else values.get(key) if key in known else None
    match condition["op"]:
        case "filled":
            return value is not None
        case "empty":
            return value is None
        case op:
            among = any(text in condition["values"] for text in _texts(value))
            return among if op == "is" else not among


def _texts(value: Any) -> list[str]:
    """Return what a condition compares: of a bool `true` or `false`, of choices each."""
    match value:
        case None:
            return []
        case bool():
            return [str(value).lower()]
        case list():
            return value
        case _:
            return [str(bare(value))]
