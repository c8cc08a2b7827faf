"""Reading articles: lists, search, suggestions, one article, and its versions."""

from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from services.knowledge.api.common import (
    TABLES,
    AfterHeader,
    ArticleRef,
    KnowledgeApp,
    KnowledgeDep,
    ReaderDep,
    VersionRef,
    version_of,
    visible_article,
    writers_article,
)
from services.knowledge.markdown import rendered
from services.knowledge.rights import Reader
from services.knowledge.search import FACE, MOST_FOUND, search, suggestions
from services.knowledge.shown import (
    ERASED,
    ArticleFound,
    ArticleShown,
    FileShown,
    VersionShown,
    fields_of,
    people_of,
    places_of,
    show,
)
from shared.contracts.articles import Language, Visibility
from shared.contracts.fields import Key, Line, Text
from shared.db import Values
from shared.http.caller import Caller, CallerDep
from shared.http.paging import Page, decode_cursor, encode_cursor
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import look_up as look_up_ticket
from shared.http.tickets import unknown as unknown_ticket
from shared.http.versions import vector, wait_until_seen

router = APIRouter(tags=["knowledge"], responses=RESPONSES)

FARTHEST = 10_000
"""Articles that are listed."""


class CategoryShown(BaseModel):
    """A category, and how many articles the reader finds in it (not in those within it)."""

    key: str
    name: str
    parent: str | None
    order: int
    visibility: Visibility
    articles: int


class Categories(BaseModel):
    """All categories that the reader sees: each after the one it is within, siblings in their order."""

    items: list[CategoryShown]


def in_order(categories: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return categories as a tree is read."""
    children: dict[str | None, list[dict[str, Any]]] = {}
    keys = {category["key"] for category in categories}
    for category in sorted(categories, key=lambda one: (one["order"], one["name"], one["key"])):
        children.setdefault(category["parent"] if category["parent"] in keys else None, []).append(category)
    found: list[dict[str, Any]] = []
    left = list(reversed(children.get(None, [])))
    while left:
        found.append(left.pop())
        left += reversed(children.get(found[-1]["key"], []))
    return found


@router.get("/articles/categories")
async def read_categories(
    request: Request, response: Response, caller: ReaderDep, knowledge: KnowledgeDep, after: AfterHeader = None
) -> Categories:
    """List the categories."""
    refuse_unknown_parameters(request)
    await wait_until_seen(knowledge.pool, after, request, response, TABLES)
    reader, values = await knowledge.reader(caller), Values()
    rows = await knowledge.pool.fetch(
        f"SELECT category, count(*) AS articles FROM article a WHERE latest > 0 AND {reader.condition(values)} GROUP BY category",
        *values.values,
    )
    counts = {row["category"]: row["articles"] for row in rows}
    entries = [entry for entry in await knowledge.directory.entries("category") if entry["key"] in reader.categories]
    return Categories(
        items=[
            CategoryShown(
                key=e["key"], name=e["name"], parent=e["parent"], order=e["order"], visibility=e["visibility"],
                articles=counts.get(e["key"], 0),
            )
            for e in in_order(entries)
        ]
    )  # fmt: skip


class ListParameters(BaseModel):
    """Filters of a list."""

    q: Line | None = Field(None, description="Words; all must be there, the last may be the beginning of one")
    category: Key | None = Field(None, description="Its key; with those within it")
    status: Literal["draft", "internal", "public", "withdrawn"] | None = None
    language: Language | None = None
    department: Key | None = Field(None, description="Internal ones for this department")
    cursor: Annotated[str, Field(max_length=500)] | None = None
    limit: int = Field(50, ge=1, le=200)


async def _within(knowledge: KnowledgeApp, key: str) -> list[str]:
    """Return a category's key with those of all within it."""
    entries = await knowledge.directory.entries("category")
    found = {key}
    while more := {e["key"] for e in entries if e["parent"] in found} - found:
        found |= more
    return sorted(found)


@router.get("/articles")
async def read_articles(
    request: Request, response: Response, caller: ReaderDep, knowledge: KnowledgeDep,
    parameters: Annotated[ListParameters, Query()], after: AfterHeader = None,
) -> Page[ArticleFound]:  # fmt: skip
    """List articles that the caller may read, or find them by words: then the best come first, else the newest change."""
    refuse_unknown_parameters(request, set(ListParameters.model_fields))
    await wait_until_seen(knowledge.pool, after, request, response, TABLES)
    reader = await knowledge.reader(caller)
    narrower: list[tuple[str, Any]] = []
    if parameters.category is not None:
        narrower.append(("a.category = ANY ({}::text[])", await _within(knowledge, parameters.category)))
    if parameters.status is not None:
        narrower.append(("a.status = {}", parameters.status))
    if parameters.language is not None:
        narrower.append(("v.language = {}", parameters.language))
    if parameters.department is not None:
        if not reader.desk:
            raise Problem(403, "Departments are the desk's.", fields={"department": "is for the desk alone"})
        narrower.append(("a.departments ? {}", parameters.department))
    offset = _offset(parameters.cursor)
    if parameters.q is not None:
        rows = await search(
            knowledge.pool,
            reader,
            parameters.q,
            limit=parameters.limit + 1,
            offset=offset,
            narrower=narrower,
        )
    else:
        rows = await _newest(knowledge, reader, narrower, parameters.limit + 1, offset)
    page, reached = rows[: parameters.limit], offset + parameters.limit
    more = len(rows) > parameters.limit and reached < (FARTHEST if parameters.q is None else MOST_FOUND)
    return Page(items=await show(knowledge.directory, page, reader), next=encode_cursor([reached]) if more else None)


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    (offset,) = decode_cursor(cursor, 1)
    if type(offset) is not int or not 0 < offset < FARTHEST:
        raise Problem(
            422, "cursor: take it from `next` of the page before.", fields={"cursor": "is no cursor of this list"}
        )
    return offset


async def _newest(
    knowledge: KnowledgeApp, reader: Reader, narrower: list[tuple[str, Any]], limit: int, offset: int
) -> list[asyncpg.Record]:
    values = Values()
    conditions = ["a.latest > 0", reader.condition(values)]
    conditions += [one.replace("{}", values(value)) for one, value in narrower]
    return await knowledge.pool.fetch(
        f"{FACE} WHERE {' AND '.join(conditions)} ORDER BY a.updated_at DESC, a.stream_id DESC LIMIT {limit} OFFSET {offset}",
        *values.values,
    )


class Suggestions(BaseModel):
    """Articles that may answer a question, the best first."""

    items: list[ArticleFound]


@router.get("/articles/suggest")
async def suggest(
    request: Request, response: Response, caller: ReaderDep, knowledge: KnowledgeDep,
    q: Annotated[Text | None, Query(max_length=2000, description="As it is being typed: some of its words will do")] = None,
    ticket: Annotated[str | None, Query(max_length=200, description="Id or number of a ticket, in place of words")] = None,
    limit: Annotated[int, Query(ge=1, le=20)] = 5, after: AfterHeader = None,
) -> Suggestions:  # fmt: skip
    """Suggest published articles: to who types a question, or for a ticket."""
    refuse_unknown_parameters(request, {"q", "ticket", "limit"})
    if (q is None) == (ticket is None):
        raise Problem(422, "Send either `q` or `ticket`.", fields={"q": "is needed, or `ticket` in its place"})
    await wait_until_seen(knowledge.pool, after, request, response, TABLES)
    text = q if ticket is None else await _subject(knowledge, ticket, caller)
    reader = await knowledge.reader(caller)
    rows = await suggestions(knowledge.pool, reader, text or "", limit=limit)
    return Suggestions(items=await show(knowledge.directory, rows, reader))


async def _subject(knowledge: KnowledgeApp, ref: str, caller: Caller) -> str | None:
    """Return what a ticket is about.

    Raises:
        Problem: 404, there is none, or it is not the caller's to see.
    """
    row = await look_up_ticket(knowledge.pool, ref)
    if row is None or not caller.sees(row):
        raise unknown_ticket(ref)
    subject: str | None = row["subject"]
    return subject


# -- one article -----------------------------------------------------------------------------------------------------


async def _shown(
    knowledge: KnowledgeApp, article: asyncpg.Record, number: int, reader: Reader, caller: Caller
) -> ArticleShown:
    version = await version_of(knowledge, article["stream_id"], number)
    counts = await knowledge.pool.fetchrow(
        "SELECT coalesce(sum(helpful), 0)::int AS helpful, coalesce(sum(unhelpful), 0)::int AS unhelpful, "
        "(SELECT helpful FROM rating WHERE article_id = $1 AND person_id = $2) AS mine FROM rating_count WHERE article_id = $1",
        article["stream_id"], caller.person_id,
    )  # fmt: skip
    assert counts is not None  # noqa: S101 -- a sum always has a row
    people = await people_of(knowledge.directory, [article["author"]]) if reader.desk else {}
    row = {**version, **article, "helpful": counts["helpful"], "unhelpful": counts["unhelpful"]}
    body = version["body"] if version["body"] is not None else ERASED
    files = version["attachments"] or []
    return ArticleShown(
        **fields_of(row, reader, people), body=body, html=rendered(body, places_of(article["stream_id"], number, files)),
        attachments=[FileShown(**file) for file in files], keywords=version["keywords"] or [],
        restored=version["restored"] if reader.writes else None,
        from_ticket=article["from_ticket"] if reader.desk else None, my_rating=counts["mine"], versions=article["versions"],
    )  # fmt: skip


@router.get("/articles/{article}")
async def read_article(
    article: ArticleRef, request: Request, response: Response, caller: ReaderDep, knowledge: KnowledgeDep,
    after: AfterHeader = None,
) -> ArticleShown:  # fmt: skip
    """Return an article: the version that is published, or the newest of what is not. The ETag names what it was read at."""
    refuse_unknown_parameters(request)
    await wait_until_seen(knowledge.pool, after, request, response, TABLES)
    row, reader = await visible_article(knowledge, article, caller)
    response.headers["ETag"] = f'"{vector(row["versions"])}"'
    return await _shown(knowledge, row, row["published"] or row["latest"], reader, caller)


class Versions(BaseModel):
    """All versions of an article, the newest first."""

    items: list[VersionShown]


@router.get("/articles/{article}/versions")
async def read_versions(
    article: ArticleRef, request: Request, response: Response, caller: CallerDep, knowledge: KnowledgeDep,
    after: AfterHeader = None,
) -> Versions:  # fmt: skip
    """List the versions of an article. For who writes articles."""
    refuse_unknown_parameters(request)
    await wait_until_seen(knowledge.pool, after, request, response, TABLES)
    row, _ = await writers_article(knowledge, article, caller)
    rows = await knowledge.pool.fetch(
        "SELECT number, title, language, actor, at, restored, body IS NULL AS erased, "
        "coalesce(jsonb_array_length(attachments), 0) AS attachments FROM article_version WHERE article_id = $1 ORDER BY number DESC",
        article,
    )
    ids = {one["number"]: UUID(one["actor"]["id"]) for one in rows if one["actor"]["kind"] == "person"}
    people = await people_of(knowledge.directory, ids.values())
    return Versions(
        items=[
            VersionShown(
                version=one["number"], title=one["title"] or ERASED, language=one["language"],
                by=people.get(ids[one["number"]]) if one["number"] in ids else None, at=one["at"], restored=one["restored"],
                published=one["number"] == row["published"], erased=one["erased"], attachments=one["attachments"],
            )
            for one in rows
        ]
    )  # fmt: skip


@router.get("/articles/{article}/versions/{version}")
async def read_version(
    article: ArticleRef, version: VersionRef, request: Request, response: Response, caller: CallerDep, knowledge: KnowledgeDep,
    after: AfterHeader = None,
) -> ArticleShown:  # fmt: skip
    """Return an article as one of its versions has it. For who writes articles."""
    refuse_unknown_parameters(request)
    await wait_until_seen(knowledge.pool, after, request, response, TABLES)
    row, reader = await writers_article(knowledge, article, caller)
    response.headers["ETag"] = f'"{vector(row["versions"])}"'
    return await _shown(knowledge, row, version, reader, caller)
