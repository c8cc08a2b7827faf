"""What changed between two versions of an article: words, and files."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from services.knowledge.api.common import (
    TABLES,
    AfterHeader,
    ArticleRef,
    KnowledgeDep,
    version_of,
    writers_article,
)
from services.knowledge.shown import ERASED
from shared.http.caller import CallerDep
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES
from shared.http.versions import wait_until_seen

router = APIRouter(tags=["knowledge"], responses=RESPONSES)


class Change(BaseModel):
    """A field that says something else."""

    field: str
    old: Any
    new: Any


class Piece(BaseModel):
    """Lines that both have (`equal`), that only the new one has (`insert`), or only the old one (`delete`)."""

    kind: Literal["equal", "insert", "delete"]
    lines: list[str]


class FileChange(BaseModel):
    """A file that only the new version has (`insert`), or only the old one (`delete`); a changed one is both."""

    kind: Literal["insert", "delete"]
    name: str
    size: int
    media_type: str


class Comparison(BaseModel):
    """What changed between two versions."""

    old: int
    new: int
    changes: list[Change] = Field(description="Of title, summary, keywords and language")
    body: list[Piece]
    attachments: list[FileChange]


def compared(old: str, new: str) -> list[Piece]:
    """Return what changed between two texts, line by line."""
    before, after = old.splitlines(), new.splitlines()
    found = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(Piece(kind="equal", lines=before[i:j]))
            continue
        found += [Piece(kind="delete", lines=before[i:j])] if i < j else []
        found += [Piece(kind="insert", lines=after[k:m])] if k < m else []
    return found


def files_compared(
    old: Sequence[Mapping[str, Any]] | None, new: Sequence[Mapping[str, Any]] | None
) -> list[FileChange]:
    """Return which files came and which went. One of the same name with other bytes is another."""
    before, after = (
        {(file["name"], file["sha256"]): file for file in files or ()} for files in (old, new)
    )  # fmt: skip

    def changes(kind: Literal["insert", "delete"], files: Iterable[Mapping[str, Any]]) -> list[FileChange]:
        return [FileChange(kind=kind, **{k: file[k] for k in ("name", "size", "media_type")}) for file in files]

    gone = [file for place, file in before.items() if place not in after]
    return changes("delete", gone) + changes("insert", [file for place, file in after.items() if place not in before])


@router.get("/articles/{article}/compare")
async def compare(
    article: ArticleRef, request: Request, response: Response, caller: CallerDep, knowledge: KnowledgeDep,
    old: Annotated[int, Query(ge=1, le=2**31 - 1)], new: Annotated[int, Query(ge=1, le=2**31 - 1)], after: AfterHeader = None,
) -> Comparison:  # fmt: skip
    """Return what changed between two versions. For who writes articles."""
    refuse_unknown_parameters(request, {"old", "new"})
    await wait_until_seen(knowledge.pool, after, request, response, TABLES)
    await writers_article(knowledge, article, caller)
    one, other = await version_of(knowledge, article, old), await version_of(knowledge, article, new)
    return Comparison(
        old=old, new=new,
        changes=[
            Change(field=name, old=one[name], new=other[name])
            for name in ("title", "summary", "keywords", "language")
            if one[name] != other[name]
        ],
        body=compared(one["body"] or ERASED, other["body"] or ERASED),
        attachments=files_compared(one["attachments"], other["attachments"]),
    )  # fmt: skip
