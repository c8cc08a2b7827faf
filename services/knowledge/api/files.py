"""Files of articles: to who reads the version that they go with, to be saved; images are also shown within the article."""

from pathlib import Path as FilePath
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request
from fastapi.responses import FileResponse

from services.knowledge.api.common import (
    ArticleRef,
    KnowledgeApp,
    KnowledgeDep,
    ReaderDep,
    VersionRef,
    version_of,
    visible_article,
)
from shared.files import IMAGES
from shared.http.attachments import HEADERS
from shared.http.caller import Caller
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES, Problem

router = APIRouter(tags=["knowledge"], responses=RESPONSES)

FileNumber = Annotated[int, Path(ge=0, le=99, description="Among the version's `attachments`, counted from 0")]


@router.get(
    "/articles/{article}/versions/{version}/attachments/{number}",
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The file"}},
)
async def download_attachment(
    article: ArticleRef, version: VersionRef, number: FileNumber, request: Request, caller: ReaderDep, knowledge: KnowledgeDep
) -> FileResponse:  # fmt: skip
    """Download a file of an article. Of another version than the published one: for who writes articles."""
    refuse_unknown_parameters(request, set())
    file, place = await _file(knowledge, article, version, number, caller)
    return FileResponse(place, media_type="application/octet-stream", filename=file["name"], headers=HEADERS)


@router.get(
    "/articles/{article}/versions/{version}/images/{number}",
    response_class=FileResponse,
    responses={200: {"content": {name: {} for name in sorted(IMAGES)}, "description": "The image"}},
)
async def show_image(
    article: ArticleRef, version: VersionRef, number: FileNumber, request: Request, caller: ReaderDep, knowledge: KnowledgeDep
) -> FileResponse:  # fmt: skip
    """Return an image of an article, to be shown within it. 404 for what is no PNG, JPEG, WebP or GIF by its bytes."""
    refuse_unknown_parameters(request, set())
    file, place = await _file(knowledge, article, version, number, caller)
    if file["media_type"] not in IMAGES:
        raise _no_file()
    return FileResponse(
        place, media_type=file["media_type"], filename=file["name"], content_disposition_type="inline", headers=HEADERS
    )


async def _file(
    knowledge: KnowledgeApp, article: UUID, version: int, number: int, caller: Caller
) -> tuple[dict[str, Any], FilePath]:
    """Return what is said of a file that the caller may have, and where it is.

    Raises:
        Problem: 404, there is none, or it is not his to read: the two are not told apart.
    """
    row, reader = await visible_article(knowledge, article, caller)
    if version != row["published"] and not (reader.writes and reader.within(row["departments"])):
        raise _no_file()
    files = (await version_of(knowledge, article, version))["attachments"] or []
    if number >= len(files):
        raise _no_file()
    place = knowledge.attaching.files.path("knowledge", files[number]["sha256"])
    if not place.is_file():
        raise _no_file()
    return files[number], place


def _no_file() -> Problem:
    return Problem(404, "There is no such file of this version, or it is not yours to see.")
