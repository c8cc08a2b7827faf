"""What forms are spoken of in: a field, a form, values, who fills in or reads, and how the ticket is."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

PREFIX = "field."
"""Of a custom field, where other fields of a ticket have names, too."""
NOTHING: Mapping[str, Any] = {}
Audience = Literal["customer", "agent", "system"]
"""Who fills in or reads: a requester, somebody of the desk, or another system (of which nothing is required)."""
CustomField = Mapping[str, Any]
Form = Sequence[CustomField]
Values = Mapping[str, Any]
Facts = Mapping[str, str | None]
"""What conditions look at besides fields: `topic`, `priority` and `severity` as they are now."""
