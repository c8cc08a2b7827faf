"""Filling in: what somebody may change, what must be there, and the refusal that says what is wrong with each field."""

from collections.abc import Mapping
from typing import Any

from shared.forms.definition import may, shown
from shared.forms.terms import Audience, CustomField, Facts, Form, Values
from shared.forms.values import BadValueError, checked
from shared.forms.wording import bare
from shared.refusal import Refusal


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
