"""Changing what a ticket's custom fields hold. Reading them is in `read_fields`."""

from fastapi import APIRouter
from pydantic import RootModel

from services.workflow import domain
from services.workflow.api.common import Taken, WorkflowDep, for_anybody, run
from services.workflow.fields import fills_in_as, sheet_for
from shared.http.commands import CommandDep
from shared.http.forms import FieldValues
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import TicketRef

router = APIRouter(tags=["workflow"], responses=RESPONSES)


class FieldsBody(RootModel[FieldValues]):
    """Custom fields by key to what they are to hold; null: nothing. What is left out stays."""


@router.patch("/tickets/{ref}/fields")
async def change_fields(ref: TicketRef, body: FieldsBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Change what custom fields hold: of those of the ticket's form that the caller may edit."""
    row = await for_anybody(ref, "ticket.edit", command, workflow)
    if not body.root:
        raise Problem(422, "Say what to change.", fields={"fields": "{key: value}; null takes a value off"})
    sheet = await sheet_for(workflow.directory, row)
    audience = fills_in_as(command.caller, row) or "customer"
    return await run(
        row, command, workflow,
        lambda state: domain.change_fields(state, wanted=body.root, sheet=sheet, audience=audience),
    )  # fmt: skip
