"""Payloads of custom fields, of which topics' forms are made."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.fields import Body, FieldKey, Key, Line, Strict

FieldType = Literal["text", "memo", "integer", "decimal", "date", "bool", "choice", "choices"]
"""`text` is a line, `memo` more than one; `decimal` and `date` are text in events and requests; `choices` are several."""


class FieldChoice(Strict):
    """What may be chosen; one that is not active is what was chosen before, and is chosen no more."""

    key: Key
    name: Line
    active: bool = True


class FieldRights(Strict):
    """What customers, or agents, may do with a field; what is required of them must be editable, and that visible."""

    visible: bool = True
    editable: bool = True
    required: bool = False


class FieldCondition(Strict):
    """What must be so for a field to be asked for: of `topic`, `priority`, `severity` or `field.KEY`.

    Attributes:
        values: `is`: it is one of these; `is_not`: it is none of them. Of a bool `true` and `false`. `filled` and `empty` take none.
    """

    field: Key
    op: Literal["is", "is_not", "filled", "empty"] = "is"
    values: Annotated[list[Key], Field(max_length=100)] = []


class CustomField(Strict):
    """A field of tickets' forms.

    Attributes:
        topics: Whose forms have it; none: every ticket's.
        order: Its place on a form.
        required_to_close: A ticket that it is asked of is not closed while it is empty.
        shown_when: All must hold. A field that is not shown is not required, and not accepted.
        version: Grows with each change.
    """

    key: FieldKey
    name: Line
    help: Body | None = None
    type: FieldType
    choices: Annotated[list[FieldChoice], Field(max_length=200)] = []
    topics: Annotated[list[Key], Field(max_length=200)] = []
    order: int
    customer: FieldRights = FieldRights()
    agent: FieldRights = FieldRights()
    required_to_close: bool = False
    shown_when: Annotated[list[FieldCondition], Field(max_length=20)] = []
    active: bool = True
    version: int


class FieldConfigured(Strict):
    """A custom field was added or changed."""

    new: CustomField
    old: CustomField | None = None
