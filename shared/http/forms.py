"""Custom fields over HTTP: how values come in, and how a form is shown."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, Field, WithJsonSchema

from shared import forms
from shared.contracts.custom_fields import FieldCondition, FieldType
from shared.contracts.fields import FieldKey
from shared.http.caller import Caller

_SCHEMA = {
    "anyOf": [
        {"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"type": "array", "items": {"type": "string"}},
        {"type": "null"},
    ]
}  # fmt: skip
FieldValues = Annotated[dict[FieldKey, Annotated[Any, WithJsonSchema(_SCHEMA)]], Field(max_length=200)]
"""Values by key. What each may be is the field's own business (`forms.checked`), which answers better than a union of types does."""


class ChoiceShown(BaseModel):
    """What may be chosen."""

    key: str
    name: str


class FieldShown(BaseModel):
    """A field of a form, as the caller may use it."""

    key: str
    name: str
    help: str | None
    type: FieldType
    choices: list[ChoiceShown]
    editable: bool
    required: bool
    required_to_close: bool
    shown_when: list[FieldCondition] = Field(
        description="All must hold; otherwise it is neither asked for nor accepted"
    )


def audience_of(caller: Caller, *, inside: bool) -> forms.Audience:
    """Return as whom somebody fills in a form: of the desk if he sees `inside` the ticket; a key that is no person's is a system."""
    if not inside:
        return "customer"
    return "agent" if caller.person_id is not None or not caller.is_staff else "system"


def show_field(field: forms.CustomField, audience: forms.Audience) -> dict[str, Any]:
    """Return what `FieldShown` says of a field."""
    return {
        **{name: field[name] for name in ("key", "name", "help", "type", "required_to_close", "shown_when")},
        "choices": [choice for choice in field["choices"] if choice["active"]],
        **{right: forms.may(field, audience, right) for right in ("editable", "required")},
    }


def show_form(fields: Iterable[forms.CustomField], topic: str | None, audience: forms.Audience) -> list[FieldShown]:
    """Return a topic's form, without what the audience may not see."""
    form = forms.form_of(fields, topic)
    return [FieldShown(**show_field(field, audience)) for field in form if forms.may(field, audience, "visible")]
