"""Old events become new ones here, dict to dict, and nowhere else.

`UPCASTS[(type, n)]` turns the data and personal part written under schema version n into those of n + 1. A reader
calls `upcast` once and sees only the current shape.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from shared.contracts.catalogue import CATALOGUE
from shared.contracts.event import Event, NewerSchemaError

Upcast = Callable[[dict[str, Any], dict[str, Any] | None], tuple[dict[str, Any], dict[str, Any] | None]]

UPCASTS: dict[tuple[str, int], Upcast] = {}


def upcast(event: Event) -> Event:
    """Return the event in the current shape of its type. A type this program does not know is returned as it is.

    Raises:
        NewerSchemaError: It was written by a newer program than this.
    """
    spec = CATALOGUE.get(event.type)
    if spec is None or event.schema_version == spec.schema_version:
        return event
    if event.schema_version > spec.schema_version:
        raise NewerSchemaError(
            f"{event.type} has schema version {event.schema_version}; this program knows up to "
            f"{spec.schema_version}: upgrade it, then `ledgerdesk parked retry`"
        )
    data, personal = event.data, event.personal
    for version in range(event.schema_version, spec.schema_version):
        data, personal = UPCASTS[(event.type, version)](data, personal)
    return replace(event, data=data, personal=personal, schema_version=spec.schema_version)
