"""Reading: what an audience sees of fields, on a ticket and in its events."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.forms.definition import may, shown
from shared.forms.terms import Audience, CustomField, Facts, Form, Values
from shared.forms.wording import plain

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
