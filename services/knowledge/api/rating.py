"""What people think of an article."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from services.knowledge import domain
from services.knowledge.api.common import (
    TABLES,
    AfterHeader,
    ArticleRef,
    KnowledgeDep,
    Taken,
    known_article,
    look_up,
    need_writer,
    unknown,
)
from shared.contracts.fields import Body, Strict
from shared.contracts.ids import derived
from shared.http.caller import CallerDep
from shared.http.commands import CommandDep
from shared.http.paging import Page, decode_cursor, encode_cursor
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES, Problem
from shared.http.versions import wait_until_seen

router = APIRouter(tags=["knowledge"], responses=RESPONSES)


class RatingBody(Strict):
    """Whether it helped."""

    helpful: bool
    comment: Body | None = None


@router.post("/articles/{article}/rating")
async def rate(article: ArticleRef, body: RatingBody, command: CommandDep, knowledge: KnowledgeDep) -> Taken:
    """Say whether an article helped you. Said again, it takes the place of what you said before."""
    row = await known_article(knowledge, article, command.caller)
    person = command.caller.person_id
    if person is None:
        raise Problem(403, "Only a person can say that: this credential is none, or somebody who was not met yet.")
    if row["published"] is None:
        raise Problem(409, "Nobody reads this article: publish it first.")
    stream = derived("article-rating", article, person)
    result = await knowledge.opinions.execute(
        stream,
        lambda s: domain.rate(s, article=str(article), person=str(person), helpful=body.helpful, comment=body.comment),
        command.context(),
    )
    command.answer(stream, "knowledge", result)
    return Taken(id=article, versions={"knowledge": row["versions"]["knowledge"]})


class RatingShown(BaseModel):
    """What somebody said. Who it was is nobody's business."""

    helpful: bool
    comment: str | None
    at: datetime


@router.get("/articles/{article}/ratings")
async def read_ratings(
    article: ArticleRef, request: Request, response: Response, caller: CallerDep, knowledge: KnowledgeDep,
    cursor: Annotated[str | None, Query(max_length=500)] = None, limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: AfterHeader = None,
) -> Page[RatingShown]:  # fmt: skip
    """List what people said of an article, the latest first. For who writes articles."""
    refuse_unknown_parameters(request, {"cursor", "limit"})
    need_writer(caller)
    await wait_until_seen(knowledge.pool, after, request, response, TABLES)
    if await look_up(knowledge, article, await knowledge.reader(caller)) is None:
        raise unknown(article)
    before: list[Any] = [None, None]
    if cursor is not None:
        try:
            moment, stream = decode_cursor(cursor, 2)
            before = [datetime.fromisoformat(moment), UUID(stream)]
        except (ValueError, TypeError, AttributeError):
            raise Problem(
                422, "cursor: take it from `next` of the page before.", fields={"cursor": "is no cursor of this list"}
            ) from None
    rows = await knowledge.pool.fetch(
        """
        SELECT stream_id, helpful, comment, rated_at FROM rating
        WHERE article_id = $1 AND ($2::timestamptz IS NULL OR (rated_at, stream_id) < ($2, $3::uuid))
        ORDER BY rated_at DESC, stream_id DESC LIMIT $4
        """,
        article, *before, limit + 1,
    )  # fmt: skip
    page = rows[:limit]
    last = page[-1] if len(rows) > limit else None
    return Page(
        items=[RatingShown(helpful=r["helpful"], comment=r["comment"], at=r["rated_at"]) for r in page],
        next=encode_cursor([last["rated_at"].isoformat(), str(last["stream_id"])]) if last else None,
    )
