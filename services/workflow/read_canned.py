"""Reading the canned replies that one may answer with."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.workflow.api import WorkflowDep
from services.workflow.canned import name_of, replies_of, values_of
from services.workflow.domain import canned
from services.workflow.reads import visible
from shared.contracts.fields import Key
from shared.http.caller import CallerDep
from shared.http.paging import Page
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES

router = APIRouter(tags=["workflow"], responses=RESPONSES)


class CannedShown(BaseModel):
    """A canned reply."""

    key: str
    name: str
    body: str = Field(description="With variables")
    departments: list[str] = Field(description="For whom; none: for everybody")
    version: int
    text: str | None = Field(
        None, description="Filled in from the ticket; what it has nothing to say for stands as its variable"
    )
    missing: Sequence[str] = Field([], description="Those variables: as it is, it cannot be sent")


@router.get("/canned-replies")
async def read_canned_replies(
    request: Request, caller: CallerDep, workflow: WorkflowDep,
    ticket: Annotated[Key | None, Query(description="Id or number: fill them in from this ticket")] = None,
) -> Page[CannedShown]:  # fmt: skip
    """List the canned replies that you may answer with: everybody's, and your departments'."""
    refuse_unknown_parameters(request, {"ticket"})
    caller.need_staff()
    values = None
    if ticket is not None:
        row = await visible(workflow, ticket, caller)
        caller.need_inside(row)
        values = await values_of(workflow.directory, row, name_of(caller))
    shown = []
    for entry in await replies_of(workflow.directory, caller):
        said = CannedShown(**{name: entry[name] for name in ("key", "name", "body", "departments", "version")})
        if values is not None:
            filled = canned.fill(entry["body"], values)
            said = said.model_copy(update={"text": filled.text, "missing": filled.missing})
        shown.append(said)
    return Page(items=shown)
