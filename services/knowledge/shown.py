"""How articles are shown: to readers the published version, to who writes also what is worked on."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel, Field

from services.knowledge.markdown import Place
from services.knowledge.rights import Reader
from services.knowledge.search import parts
from shared.directory.people import Directory
from shared.files import IMAGES

ERASED = "(erased)"


class PersonShown(BaseModel):
    """Somebody of the desk."""

    login: str | None = None
    name: str | None = None


class SnippetPart(BaseModel):
    """A piece of a snippet; `match`: it was asked for."""

    text: str
    match: bool


class ArticleFound(BaseModel):
    """An article in a list."""

    id: UUID
    title: str
    summary: str | None
    language: str
    category: str | None
    status: str = Field(description="draft, internal, public or withdrawn")
    departments: list[str] = Field(description="Whose it is while it is internal; none: the whole desk's")
    version: int = Field(description="Number of the version that this is")
    published: int | None = Field(description="Number of the version that is read")
    latest: int | None = Field(description="Number of the newest version; for who writes")
    helpful: int
    unhelpful: int
    author: PersonShown | None = Field(description="For the desk")
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None
    snippet: list[SnippetPart] = []


class FileShown(BaseModel):
    """A file that goes with an article; see `GET /articles/{article}/versions/{version}/attachments/{number}`."""

    name: str
    sha256: str
    size: int
    media_type: str = Field(description="What it is by its first bytes")


class ArticleShown(ArticleFound):
    """An article."""

    body: str = Field(description="Markdown")
    html: str = Field(description="The same, safe to show; images in it are ours, from this origin")
    attachments: list[FileShown] = Field(description="Files of this version, counted from 0 where they are downloaded")
    keywords: list[str]
    restored: int | None
    from_ticket: UUID | None = Field(description="For the desk")
    my_rating: bool | None
    versions: dict[str, int]


class VersionShown(BaseModel):
    """A version of an article's words, in a list."""

    version: int
    title: str
    language: str
    by: PersonShown | None
    at: datetime
    restored: int | None
    published: bool
    erased: bool
    attachments: int = Field(description="How many files go with it")


def places_of(article: UUID, version: int, files: Sequence[Mapping[str, Any]]) -> tuple[Place, ...]:
    """Return where the files of a version are."""
    at = f"/api/v1/articles/{article}/versions/{version}"
    return tuple(
        Place(file["name"], f"{at}/attachments/{n}", f"{at}/images/{n}" if file["media_type"] in IMAGES else None)
        for n, file in enumerate(files)
    )


async def people_of(directory: Directory, ids: Iterable[UUID | None]) -> dict[UUID, PersonShown]:
    """Return how these people are shown."""
    found = await directory.people({one for one in ids if one is not None})
    return {person_id: PersonShown(**person.shown) for person_id, person in found.items()}


def fields_of(row: Mapping[str, Any], reader: Reader, people: Mapping[UUID, PersonShown]) -> dict[str, Any]:
    """Return what a list shows of an article, from its row with its version's words."""
    return {
        "id": row["stream_id"], "title": row["title"] or ERASED, "summary": row["summary"], "language": row["language"],
        "category": row["category"], "status": row["status"], "departments": row["departments"] if reader.desk else [],
        "version": row["number"], "published": row["published"], "latest": row["latest"] if reader.writes else None,
        "helpful": row["helpful"], "unhelpful": row["unhelpful"],
        "author": people.get(row["author"]) if reader.desk and row["author"] else None, "created_at": row["created_at"],
        "updated_at": row["updated_at"] if reader.writes else row["published_at"] or row["updated_at"],
        "published_at": row["published_at"],
    }  # fmt: skip


async def show(directory: Directory, rows: Sequence[asyncpg.Record], reader: Reader) -> list[ArticleFound]:
    """Return articles as a list shows them."""
    people = await people_of(directory, [row["author"] for row in rows]) if reader.desk else {}
    return [
        ArticleFound(
            **fields_of(dict(row), reader, people),
            snippet=[SnippetPart(text=text, match=match) for text, match in parts(row.get("snippet"))],
        )
        for row in rows
    ]
