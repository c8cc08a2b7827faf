"""Custom fields for tests, as configuration says them."""

from typing import Any

from shared.contracts.custom_fields import CustomField

CHOICES = [
    {"key": "laptop", "name": "Laptop"}, {"key": "printer", "name": "Printer"}, {"key": "fax", "name": "Fax", "active": False},
]  # fmt: skip
HIDDEN = {"visible": False, "editable": False, "required": False}
SEEN = {"visible": True, "editable": False, "required": False}
REQUIRED = {"visible": True, "editable": True, "required": True}


def field(key: str = "f", kind: str = "text", **changes: Any) -> dict[str, Any]:
    """Return a field with everything that is left out; what is chosen of are `CHOICES`."""
    entry = {"key": key, "name": key.title(), "type": kind, "order": 1, "version": 1, **changes}
    if kind in {"choice", "choices"}:
        entry.setdefault("choices", CHOICES)
    return CustomField.model_validate(entry).model_dump(mode="json")


def when(name: str, op: str, *values: str) -> dict[str, Any]:
    """Return a condition."""
    return {"field": name, "op": op, "values": list(values)}
