"""Files are uploaded here, and named in a command afterwards."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.intake.api.common import IntakeDep
from shared.files import NoRoomError, TooLargeError
from shared.http.caller import STAFF, CallerDep
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES, Problem

router = APIRouter(tags=["intake"], responses=RESPONSES)

_BYTES = {
    "requestBody": {
        "required": True, "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}  # fmt: skip


class Uploaded(BaseModel):
    """A file that was taken, for a day; a command that names it keeps it."""

    upload: str = Field(description="To name it by, in `attachments` of a ticket, message, note or reply")
    sha256: str
    size: int
    media_type: str = Field(description="What it is by its first bytes, whatever it is called")


@router.post("/attachments", status_code=201, openapi_extra=_BYTES)
async def upload(request: Request, caller: CallerDep, intake: IntakeDep) -> Uploaded:
    """Upload a file, its bytes alone as the body. The same bytes give the same answer; what no command names is gone after a day."""
    refuse_unknown_parameters(request, set())
    caller.need("requester", *sorted(STAFF))
    attaching = intake.attaching
    if request.headers.get("content-length") == "0":
        raise Problem(422, "The file is empty.", fields={"body": "must be the bytes of a file"})
    try:
        stored = await attaching.files.receive(request.stream())
    except TooLargeError as error:
        most = attaching.files.most_bytes
        raise Problem(
            413, f"The file is over {most} bytes.",
            fields={"body": f"must be at most {most} bytes: make the file smaller, or say where it can be had"},
        ) from error  # fmt: skip
    except NoRoomError as error:
        raise Problem(
            507, "The desk has no room for files just now: send the words alone, or try again later."
        ) from error
    return Uploaded(
        upload=attaching.upload_of(stored, caller), sha256=stored.sha256, size=stored.size, media_type=stored.media_type
    )
