"""Downloading what goes with the words of a ticket: to who reads those words, and as a file to be saved, never as a page."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request
from fastapi.responses import FileResponse

from services.workflow.api import WorkflowDep
from services.workflow.reads import visible
from services.workflow.threads import rows_ever
from shared.contracts.public import PUBLIC
from shared.http.attachments import HEADERS
from shared.http.caller import CallerDep
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import TicketRef

router = APIRouter(tags=["workflow"], responses=RESPONSES)


@router.get(
    "/tickets/{ref}/attachments/{event}/{number}",
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The file"}},
)
async def download(
    ref: TicketRef, event: UUID, number: Annotated[int, Path(ge=0, le=99)], request: Request, caller: CallerDep,
    workflow: WorkflowDep,
) -> FileResponse:  # fmt: skip
    """Download a file: of the timeline's item with this id, counted from 0. Who does not see the item gets no file."""
    refuse_unknown_parameters(request, set())
    row = await visible(workflow, ref, caller)
    full = caller.sees_inside(row)
    rows, shown = await rows_ever(workflow.pool, row, caller, full=full)  # the past offers what was merged then
    for item in rows:
        if item["event_id"] != event or item["ticket_id"] not in shown or not (full or item["type"] in PUBLIC):
            continue
        files = (item["personal"] or {}).get("attachments", [])
        if number < len(files):
            place = workflow.attaching.files.path(item["source"], files[number]["sha256"])
            if place.is_file():
                return FileResponse(
                    place, media_type="application/octet-stream", filename=files[number]["name"], headers=HEADERS
                )
    raise Problem(404, "There is no such file on this ticket, or it was taken away.")
