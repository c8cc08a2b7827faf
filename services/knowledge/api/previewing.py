"""An article as it is being written: its words, and images that are not saved yet, which nobody sees but who has uploaded them."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from services.knowledge.api.common import (
    KnowledgeApp,
    KnowledgeDep,
    need_writer,
    version_of,
    writers_article,
)
from services.knowledge.files import File, kept, with_files
from services.knowledge.markdown import Place, rendered
from services.knowledge.shown import places_of
from shared.contracts.articles import MOST_FILES
from shared.contracts.fields import Body, Id, Line, Strict
from shared.files import IMAGES, UPLOADS
from shared.http.attachments import HEADERS, Attachments
from shared.http.caller import Caller, CallerDep
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES, Problem

router = APIRouter(tags=["knowledge"], responses=RESPONSES)


class Preview(Strict):
    """Markdown that somebody is typing, and the files that it would go with."""

    body: Body
    article: Id | None = Field(None, description="Of which article; files of its newest version are shown")
    attachments: Attachments = Field(
        [],
        description="Uploads of the caller's that would go with it: images among them are shown, to the caller alone",
    )
    keep: Annotated[list[Line], Field(max_length=MOST_FILES)] | None = Field(
        None, description="Names of the newest version's files that would stay; left out: all of them"
    )


class Rendered(BaseModel):
    """The same as HTML that is safe to show."""

    html: str


@router.post("/articles/preview")
async def preview(body: Preview, caller: CallerDep, knowledge: KnowledgeDep) -> Rendered:
    """Return Markdown as it will be shown. Nothing is kept."""
    saved: Sequence[File] = ()
    known: tuple[Place, ...] = ()
    if body.article is None:
        need_writer(caller)
    else:
        row, _ = await writers_article(knowledge, UUID(body.article), caller)
        saved = (await version_of(knowledge, row["stream_id"], row["latest"]))["attachments"] or []
        known = places_of(row["stream_id"], row["latest"], saved)
    staying = kept({"attachments": saved}, body.keep)
    new = knowledge.attaching.read(body.attachments, caller)
    files = with_files({}, staying, new).get("attachments", [])
    names = {file["name"] for file in staying}
    places = [place for place in known if place.name in names]
    places += [_unsaved(knowledge, file, caller) for file in files[len(staying) :]]
    return Rendered(html=rendered(body.body, tuple(places)))


def _unsaved(knowledge: KnowledgeApp, file: File, caller: Caller) -> Place:
    """Return where a file is that no version names yet: it is seen, if it is an image, and not to be downloaded."""
    image = knowledge.unsaved.address(file, caller) if file["media_type"] in IMAGES else None
    return Place(file["name"], None, image)


@router.get(
    "/articles/preview/images/{image}",
    response_class=FileResponse,
    responses={200: {"content": {name: {} for name in sorted(IMAGES)}, "description": "The image"}},
)
async def show_unsaved_image(
    image: Annotated[str, Path(max_length=1000, description="As the preview's `html` has it")],
    request: Request, caller: CallerDep, knowledge: KnowledgeDep,
) -> FileResponse:  # fmt: skip
    """Return an image that is shown in a preview and not saved yet: to who has uploaded it, for a day, and to nobody else."""
    refuse_unknown_parameters(request, set())
    need_writer(caller)
    shown = knowledge.unsaved.read(image, caller)
    place = knowledge.attaching.files.path(UPLOADS, shown.sha256) if shown else None
    if shown is None or place is None or not place.is_file():
        raise Problem(404, "There is no such image, or it is not yours to see: have the preview made again.")
    return FileResponse(
        place, media_type=shown.media_type, filename="image", content_disposition_type="inline", headers=HEADERS
    )
