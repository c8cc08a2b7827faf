"""What rows of workflow's views say of custom fields, for deciding and for reading."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from services.workflow.domain import Sheet
from services.workflow.domain.fields import after, effective
from shared import forms
from shared.directory.people import Directory
from shared.http.caller import Caller
from shared.http.forms import audience_of
from shared.projection.access import access_of, department_of


def facts_of(row: asyncpg.Record) -> forms.Facts:
    """Return what conditions look at besides fields, of a ticket's row."""
    return {name: row[name] for name in ("topic", "priority", "severity")}


def sheet_of(row: asyncpg.Record, fields: Mapping[str, forms.CustomField]) -> Sheet:
    """Return what a ticket's fields are decided with, by its row."""
    return Sheet(
        forms.form_of(fields.values(), row["topic"]), row["topic"], row["asked_priority"], row["asked_severity"],
        row["asked_fields"],
    )  # fmt: skip


async def sheet_for(directory: Directory, row: asyncpg.Record) -> Sheet:
    """Return the same, with the fields as they are configured now."""
    return sheet_of(row, await directory.fields())


def fills_in_as(caller: Caller, row: asyncpg.Record) -> forms.Audience | None:
    """Return as whom somebody may fill in a ticket's form: of the desk, if he may edit the ticket; else as its requester; or not."""
    permissions = caller.permissions_in(department_of(access_of(dict(row))))
    if caller.is_staff and caller.sees_inside(row) and "ticket.edit" in permissions:
        return audience_of(caller, inside=True)
    return "customer" if caller.asks(row) and (caller.is_staff or "requester" in caller.roles) else None


async def fields_told(
    directory: Directory, rows: Sequence[asyncpg.Record], audience: forms.Audience
) -> dict[UUID, dict[str, Any]]:
    """Return what the entries of a timeline say of fields that this audience sees, by event: `fields`, or `new` and `old`.

    Args:
        directory: Who sees which field.
        rows: In timeline order. What a field held before is what they said of it before.
        audience: Who reads.
    """
    if not any(row["type"] in forms.SAID_IN for row in rows):
        return {}
    opened = {
        row["ticket_id"]: (row["event_id"], forms.as_opened(row["data"], row["personal"])) for row in rows if row["type"] == "created"
    }  # fmt: skip
    changing = [row for row in rows if row["type"] == "fields_changed"]
    if not changing and not any(values for _, values in opened.values()):
        return {}
    fields = await directory.fields()

    def seen(values: Mapping[str, Any]) -> dict[str, Any]:
        return forms.plain({key: value for key, value in values.items() if forms.visible(fields, key, audience)})

    told = {event: {"fields": shown} for event, values in opened.values() if (shown := seen(values))}
    said: dict[UUID, dict[str, Any]] = {}
    for row in changing:
        ticket, data = row["ticket_id"], row["data"]
        asked = opened[ticket][1] if ticket in opened else {}
        before = effective(asked, said.get(ticket, {}))
        said[ticket] = after(said.get(ticket, {}), data, row["personal"], row["version"])
        now = effective(asked, said[ticket])
        touched = [key for part in ("new", "worded", "as_created") for key in data.get(part, ())]
        if new := seen({key: now.get(key) for key in touched}):
            told[row["event_id"]] = {"new": new, "old": seen({key: before.get(key) for key in touched})}
    return told
