"""Articles and tickets that have to do with each other."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.knowledge import domain
from services.knowledge.api.common import (
    TABLES,
    AfterHeader,
    ArticleRef,
    KnowledgeApp,
    KnowledgeDep,
    Taken,
    by_writer,
    look_up,
    need_writer,
    unknown,
)
from services.knowledge.search import FACE
from services.knowledge.shown import ArticleFound, show
from shared.contracts.fields import Key, Strict
from shared.db import Values
from shared.http.caller import CallerDep
from shared.http.commands import CommandDep, CommandRequest
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES
from shared.http.tickets import SELECT, TicketRef, known_ticket
from shared.http.tickets import look_up as look_up_ticket
from shared.http.tickets import unknown as unknown_ticket
from shared.http.versions import wait_until_seen

router = APIRouter(tags=["knowledge"], responses=RESPONSES)

MOST = 200


class TicketNamed(Strict):
    """A ticket."""

    ticket: Key


async def _ticket(body: TicketNamed, command: CommandRequest, knowledge: KnowledgeApp) -> str:
    """Return the id of a ticket that the caller works.

    Raises:
        Problem: 404, no such ticket; 403, it is not his to work.
    """
    row = await known_ticket(knowledge.pool, body.ticket, command.caller)
    command.caller.need_inside(row)
    return str(row["stream_id"])


@router.post("/articles/{article}/link")
async def link(article: ArticleRef, body: TicketNamed, command: CommandDep, knowledge: KnowledgeDep) -> Taken:
    """Say that an article has to do with a ticket."""
    need_writer(command.caller)
    ticket = await _ticket(body, command, knowledge)
    return await by_writer(article, command, knowledge, lambda state: domain.link(state, ticket=ticket))


@router.post("/articles/{article}/unlink")
async def unlink(article: ArticleRef, body: TicketNamed, command: CommandDep, knowledge: KnowledgeDep) -> Taken:
    """Say that it has not."""
    need_writer(command.caller)
    ticket = await _ticket(body, command, knowledge)
    return await by_writer(article, command, knowledge, lambda state: domain.unlink(state, ticket=ticket))


class TicketShown(BaseModel):
    """A ticket that an article has to do with."""

    id: UUID
    number: str
    subject: str


class Tickets(BaseModel):
    """Tickets that an article has to do with, the latest first."""

    items: list[TicketShown]


@router.get("/articles/{article}/tickets")
async def read_tickets_of_article(
    article: ArticleRef, request: Request, response: Response, caller: CallerDep, knowledge: KnowledgeDep,
    after: AfterHeader = None,
) -> Tickets:  # fmt: skip
    """List the tickets that an article is linked to, as far as the caller sees them. For who writes articles."""
    refuse_unknown_parameters(request)
    need_writer(caller)
    await wait_until_seen(knowledge.pool, after, request, response, TABLES)
    row = await look_up(knowledge, article, await knowledge.reader(caller))
    if row is None:
        raise unknown(article)
    ids = [UUID(one) for one in reversed(row["tickets"])]
    rows = await knowledge.pool.fetch(
        f"{SELECT} WHERE t.stream_id = ANY ($1) AND t.number IS NOT NULL ORDER BY array_position($1, t.stream_id)", ids
    )
    seen = [one for one in rows if caller.sees_inside(one)][:MOST]
    return Tickets(
        items=[
            TicketShown(id=one["stream_id"], number=one["number"], subject=one["subject"] or "(erased)") for one in seen
        ]
    )


class Articles(BaseModel):
    """Articles that have to do with a ticket."""

    items: list[ArticleFound]


@router.get("/tickets/{ref}/articles")
async def read_articles_of_ticket(
    ref: TicketRef, request: Request, response: Response, caller: CallerDep, knowledge: KnowledgeDep, after: AfterHeader = None
) -> Articles:  # fmt: skip
    """List the articles that are linked to a ticket, as far as the caller reads them."""
    refuse_unknown_parameters(request)
    await wait_until_seen(knowledge.pool, after, request, response, TABLES)
    ticket = await look_up_ticket(knowledge.pool, ref)
    if ticket is None or not caller.sees(ticket):
        raise unknown_ticket(ref)
    reader, values = await knowledge.reader(caller), Values([str(ticket["stream_id"])])
    rows = await knowledge.pool.fetch(
        f"{FACE} WHERE a.tickets <> '[]' AND a.tickets @> $1::jsonb AND {reader.condition(values)} "
        f"ORDER BY a.updated_at DESC, a.stream_id DESC LIMIT {MOST}",
        *values.values,
    )
    return Articles(items=await show(knowledge.directory, rows, reader))
