"""Custom fields: which are on a ticket's form, when one is shown, what it may hold, who must fill it in. Pure.

A form is a sequence of `CustomField`s as JSON. Values are JSON by the field's key; None: nothing. Words (of the types in `WORDED`)
are personal: where they are kept beside other values they are tagged (`words`), so that they can be blanked and still be known
to have been there.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import StringConstraints, TypeAdapter, ValidationError

from shared.contracts.fields import MOST_OF_AN_INTEGER, Body, Line
from shared.refusal import Refusal

WORDED = frozenset({"text", "memo"})
PREFIX = "field."
"""Of a custom field, where other fields of a ticket have names, too."""
ERASED = "(erased)"
"""How words are shown that are blank."""

NOTHING: Mapping[str, Any] = {}

Audience = Literal["customer", "agent", "system"]
"""Who fills in or reads: a requester, somebody of the desk, or another system (of which nothing is required)."""
CustomField = Mapping[str, Any]
Form = Sequence[CustomField]
Values = Mapping[str, Any]
Facts = Mapping[str, str | None]
"""What conditions look at besides fields: `topic`, `priority` and `severity` as they are now."""

_LINE: TypeAdapter[str] = TypeAdapter(Line)
_MEMO: TypeAdapter[str] = TypeAdapter(Annotated[Body, StringConstraints(max_length=20_000)])
_INTEGER = re.compile(r"-?[0-9]{1,16}")
_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class BadValueError(ValueError):
    """A field cannot hold this; the message says what it can. It never repeats what was given."""


# -- words ------------------------------------------------------------------------------------------------------------


def words(text: str | None, **more: Any) -> dict[str, Any]:
    """Return words as they are kept beside other values; None: they are blank."""
    return {"words": text, **more}


def is_words(value: Any) -> bool:
    """Whether a value that was kept is words."""
    return isinstance(value, Mapping)


def blank(values: Values, which: Callable[[Mapping[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
    """Return values without their words, or without those of which `which` holds."""
    return {
        key: {**value, "words": None} if is_words(value) and which(value) else value for key, value in values.items()
    }


def bare(value: Any) -> Any:
    """Return a value without its tag; None, if it is words that are blank."""
    return value["words"] if is_words(value) else value


def plain(values: Values) -> dict[str, Any]:
    """Return values as they are read."""
    return {key: ERASED if is_words(value) and value["words"] is None else bare(value) for key, value in values.items()}


def as_opened(data: Mapping[str, Any], personal: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what a ticket was opened with, by the two parts of `created`; words are tagged."""
    said = (personal or {}).get("fields") or {}
    return {**data.get("fields", {}), **{key: words(said.get(key)) for key in data.get("worded", [])}}


def parted(form: Form, values: Values) -> tuple[dict[str, Any], dict[str, str]]:
    """Return values that are no words, and words."""
    worded = {field["key"] for field in form if field["type"] in WORDED}
    return (
        {key: value for key, value in values.items() if key not in worded},
        {key: value for key, value in values.items() if key in worded},
    )


# -- forms ------------------------------------------------------------------------------------------------------------


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


# -- values -----------------------------------------------------------------------------------------------------------


def checked(field: CustomField, given: Any, before: Any = None) -> Any:
    """Return a value as the field keeps it; None: nothing.

    Args:
        field: The field.
        given: What somebody wants it to hold.
        before: What it holds: a choice that was made stays possible when it is offered no more.

    Raises:
        BadValueError: It cannot hold that.
    """
    return None if given is None else _CHECKS[field["type"]](field, given, before)


def _text(field: CustomField, given: Any, before: Any) -> str:
    del before
    line = field["type"] == "text"
    try:
        return (_LINE if line else _MEMO).validate_python(given, strict=True)
    except ValidationError as error:
        most = "one line of at most 500" if line else "text of at most 20,000"
        raise BadValueError(f"must be {most} characters, not blank; null takes it off") from error


def _integer(field: CustomField, given: Any, before: Any) -> int:
    del field, before
    if not isinstance(given, int) or isinstance(given, bool) or abs(given) > MOST_OF_AN_INTEGER:
        raise BadValueError("must be a whole number, such as 42, between -(2^53 - 1) and 2^53 - 1")
    return given


def _decimal(field: CustomField, given: Any, before: Any) -> str:
    """Return the number's one text: without zeros that say nothing."""
    del field, before
    if not isinstance(given, str) or not _DECIMAL.fullmatch(given):
        raise BadValueError('must be a decimal number in quotes, such as "12.5": 15 digits before the point, 10 after')
    text = format(Decimal(given), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def _date(field: CustomField, given: Any, before: Any) -> str:
    del field, before
    if not isinstance(given, str) or not _DATE.fullmatch(given):
        raise BadValueError("must be a day, YYYY-MM-DD")
    try:
        return date.fromisoformat(given).isoformat()
    except ValueError as error:
        raise BadValueError("must be a day that there is, YYYY-MM-DD") from error


def _bool(field: CustomField, given: Any, before: Any) -> bool:
    del field, before
    if not isinstance(given, bool):
        raise BadValueError("must be true or false")
    return given


def _offered(field: CustomField, before: Any) -> list[str]:
    """Return what can be chosen."""
    chosen = before if isinstance(before, list) else [before]
    return [choice["key"] for choice in field["choices"] if choice["active"] or choice["key"] in chosen]


def _choice(field: CustomField, given: Any, before: Any) -> str:
    offered = _offered(field, before)
    if not isinstance(given, str) or given not in offered:
        raise BadValueError(f"must be one of: {', '.join(offered)}")
    return given


def _choices(field: CustomField, given: Any, before: Any) -> list[str] | None:
    offered = _offered(field, before)
    if not isinstance(given, list) or not all(isinstance(one, str) and one in offered for one in given):
        raise BadValueError(f"must be a list of some of: {', '.join(offered)}")
    return [one for one in offered if one in given] or None


_CHECKS: Mapping[str, Callable[[CustomField, Any, Any], Any]] = {
    "text": _text, "memo": _text, "integer": _integer, "decimal": _decimal, "date": _date, "bool": _bool, "choice": _choice,
    "choices": _choices,
}  # fmt: skip


def parsed(field: CustomField, text: str) -> Any:
    """Return the value that a text stands for, in a filter: what `values @> {key: this}` finds.

    Raises:
        BadValueError: The field cannot hold that, or is not filtered by.
    """
    match field["type"]:
        case "memo":
            raise BadValueError("is not filtered by: it holds long words")
        case "bool" if text in {"true", "false"}:
            return text == "true"
        case "integer" if _INTEGER.fullmatch(text):
            return checked(field, int(text))
        case "choice" | "choices":
            known = [choice["key"] for choice in field["choices"]]
            if text not in known:
                raise BadValueError(f"must be one of: {', '.join(known)}")
            return [text] if field["type"] == "choices" else text
        case "text":
            return words(_text(field, text, None))
        case _:
            return checked(field, text)


# -- filling in -------------------------------------------------------------------------------------------------------


def decided(
    form: Form, before: Values, wanted: Values, audience: Audience, facts: Facts, *, opening: bool = False
) -> dict[str, Any]:
    """Decide what somebody wants a ticket's fields to hold.

    Args:
        form: The ticket's.
        before: What its fields hold.
        wanted: What some of them are to hold; None: nothing.
        audience: Who wants it.
        facts: How the ticket is.
        opening: The ticket is being opened: all that is required must be there. Later, only what is touched, or asked for by
            what is changed.

    Returns:
        What changes, and to what.

    Raises:
        Refusal: 422, with what is wrong with each field.
    """
    known = {field["key"]: field for field in form if may(field, audience, "visible")}
    wrong: dict[str, str] = {}
    values: dict[str, Any] = {}
    for key, given in wanted.items():
        if key not in known:
            there = f"leave it out, or take one of: {', '.join(known)}" if known else "leave it out: it has none"
            wrong[key] = f"is no field of this ticket's form; {there}"
        elif not may(known[key], audience, "editable"):
            wrong[key] = "is not yours to fill in; leave it out"
        else:
            try:
                values[key] = checked(known[key], given, bare(before.get(key)))
            except BadValueError as error:
                wrong[key] = str(error)
    if not wrong:
        wrong = _out_of_place(form, before, values, audience, facts, opening=opening)
    if wrong:
        raise refusal(wrong)
    return {key: value for key, value in values.items() if _differs(before.get(key), value)}


def _differs(before: Any, value: Any) -> bool:
    if before is None or value is None:
        return before is not value
    return bool(bare(before) != value)


def _out_of_place(
    form: Form, before: Values, values: Values, audience: Audience, facts: Facts, *, opening: bool
) -> dict[str, str]:
    """Return what is given and not asked for, and what is required and missing."""
    after = {**before, **values}
    was, now = (frozenset() if opening else shown(form, before, facts)), shown(form, after, facts)
    wrong = {
        key: "is not asked for, as the ticket is; leave it out" for key, value in values.items() if value is not None and key not in now
    }  # fmt: skip
    for field in form:
        key = field["key"]
        touched = key in values or key not in was
        if key in now and touched and after.get(key) is None and may(field, audience, "required"):
            wrong[key] = f"is required: {field['name']}"
    return wrong


def missing(form: Form, values: Values, facts: Facts) -> list[CustomField]:
    """Return the fields that must be filled in before the ticket can be closed, and are empty."""
    now = shown(form, values, facts)
    return [f for f in form if f["required_to_close"] and f["key"] in now and values.get(f["key"]) is None]


def refusal(wrong: Mapping[str, str], status: int = 422) -> Refusal:
    """Return the refusal of fields, with what is wrong with each."""
    fields = {f"fields.{key}": message for key, message in wrong.items()}
    return Refusal("; ".join(f"{field}: {message}" for field, message in fields.items()), status=status, fields=fields)


# -- in events --------------------------------------------------------------------------------------------------------

SAID_IN: Mapping[str, Sequence[str]] = {
    "created": ("fields", "worded"), "fields_changed": ("new", "old", "worded", "as_created"),
}  # fmt: skip
"""Which parts of which ticket events say what fields hold, or which they are."""


def without_fields(name: str, part: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event's data, or its personal part, without what it says of fields."""
    return {key: value for key, value in part.items() if key not in SAID_IN.get(name, ())}


def seen_data(
    fields: Mapping[str, CustomField], name: str, data: Mapping[str, Any], audience: Audience
) -> dict[str, Any]:
    """Return an event's data without fields that this audience may not see."""

    def seen(part: Any) -> Any:
        if isinstance(part, Mapping):
            return {key: value for key, value in part.items() if visible(fields, key, audience)}
        return [key for key in part if visible(fields, key, audience)]

    return {key: seen(value) if key in SAID_IN.get(name, ()) else value for key, value in data.items()}


# -- reading ----------------------------------------------------------------------------------------------------------


def visible(fields: Mapping[str, CustomField], key: str, audience: Audience) -> bool:
    """Whether this audience may see what a field holds, or has held. What is configured no more is the desk's business."""
    field = fields.get(key)
    if field is None:
        return audience != "customer"
    return may(field, audience, "visible") and (field["active"] or audience != "customer")


def readable(
    fields: Mapping[str, CustomField], form: Form, values: Values, audience: Audience, facts: Facts
) -> dict[str, Any]:
    """Return what a ticket's fields hold, as this audience reads it: without what is not asked for, as the ticket is.

    The desk also sees what fields hold that are on the form no more.
    """
    if not values:
        return {}
    on_form, now = {field["key"] for field in form}, shown(form, values, facts)
    return plain(
        {
            key: value
            for key, value in values.items()
            if visible(fields, key, audience) and (key in now or (key not in on_form and audience != "customer"))
        }
    )
