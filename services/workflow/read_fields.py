"""Reading a ticket's form, with what it holds."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from services.workflow.api import WorkflowDep
from services.workflow.fields import facts_of, fills_in_as
from services.workflow.reads import AfterHeader, visible
from shared import forms
from shared.http.caller import CallerDep
from shared.http.forms import FieldShown, audience_of, show_field
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES
from shared.http.tickets import TicketRef
from shared.http.versions import wait_until_seen

router = APIRouter(tags=["workflow"], responses=RESPONSES)


class HeldField(FieldShown):
    """A field of a ticket, and what it holds."""

    value: Any = Field(description="null: nothing")
    shown: bool = Field(description="Whether it is asked for, as the ticket is")
    missing: bool = Field(description="Whether it must be filled in before the ticket is closed")


class TicketForm(BaseModel):
    """A ticket's form as the caller may see it, in its order."""

    items: list[HeldField]


@router.get("/tickets/{ref}/fields")
async def read_fields(
    ref: TicketRef, request: Request, response: Response, caller: CallerDep, workflow: WorkflowDep, after: AfterHeader = None
) -> TicketForm:  # fmt: skip
    """Return the fields of a ticket's form with what they hold, and those that hold something and are on it no more."""
    refuse_unknown_parameters(request)
    await wait_until_seen(workflow.pool, after, request, response)
    row = await visible(workflow, ref, caller)
    audience = audience_of(caller, inside=caller.sees_inside(row))
    writer = fills_in_as(caller, row)
    fields, facts = await workflow.directory.fields(), facts_of(row)
    form = forms.form_of(fields.values(), row["topic"])
    held, on_form = row["fields"], {field["key"] for field in form}
    readable = forms.readable(fields, form, held, audience, facts)
    now, lacking = forms.shown(form, held, facts), {field["key"] for field in forms.missing(form, held, facts)}
    former = [field for key, field in fields.items() if key in readable and key not in on_form]
    items = []
    for field in [*form, *former]:
        if forms.may(field, audience, "visible"):
            key, shown = field["key"], show_field(field, writer or audience)
            shown["editable"] = shown["editable"] and key in on_form and writer is not None
            items.append(HeldField(**shown, value=readable.get(key), shown=key in now, missing=key in lacking))
    return TicketForm(items=items)
