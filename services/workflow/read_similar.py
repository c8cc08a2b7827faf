"""Tickets that were resolved before and read like one that is being worked on."""

import math
import re
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from services.workflow.api import WorkflowDep
from services.workflow.reads import AfterHeader, visible
from shared.contracts.fields import Status
from shared.db import Pool, Values
from shared.http.caller import Caller, CallerDep
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES
from shared.http.tickets import TicketRef
from shared.http.versions import wait_until_seen

router = APIRouter(tags=["workflow"], responses=RESPONSES)

MOST_WORDS = 12
MOST_ROWS = 0.02
"""Part of all tickets that are done in which the words may be, together, by which one looks: what stands in many tells none apart."""
SHORTEST = 3
SAID = 300
"""Characters of a resolution that are shown."""
_WORD = re.compile(r"[^\W_]+")

_FREQUENCIES = """
SELECT w.word, coalesce(max(f.frequency), 0) AS frequency
FROM unnest($1::text[]) AS w (word) LEFT JOIN (
    SELECT unnest(most_common_elems::text::text[]) AS word, unnest(most_common_elem_freqs) AS frequency
    FROM pg_stats WHERE schemaname = current_schema() AND tablename = 'ticket_done_subject'
) f USING (word)
WHERE numnode(plainto_tsquery('english', w.word)) > 0 AND numnode(plainto_tsquery('german', w.word)) > 0
GROUP BY w.word
"""
"""How often words are in subjects of tickets that are done, by what the server knows; without those that say nothing."""
DONE = "status IN ('resolved', 'closed') AND number IS NOT NULL"
_SIMILAR = """
WITH asked AS (SELECT word::tsquery AS query, weight FROM unnest($1::text[], $2::float8[]) AS a (word, weight)),
best AS (
    SELECT t.stream_id, sum(a.weight) * CASE WHEN t.topic = $4 THEN 1.2 ELSE 1 END AS rank, t.updated_at
    FROM asked a JOIN ticket t ON to_tsvector('simple', coalesce(t.subject, '')) @@ a.query
    WHERE {done} AND t.stream_id <> $3 AND ({sight})
    GROUP BY t.stream_id ORDER BY rank DESC, t.updated_at DESC, t.stream_id LIMIT {limit}
)
SELECT t.stream_id, t.number, t.subject, t.status, t.updated_at, r.resolution
FROM best b JOIN ticket t USING (stream_id) LEFT JOIN LATERAL (
    SELECT personal ->> 'resolution' AS resolution FROM timeline l
    WHERE l.ticket_id = t.stream_id AND l.source = 'workflow' AND l.type = 'resolved' ORDER BY l.version DESC LIMIT 1
) r ON true
ORDER BY b.rank DESC, b.updated_at DESC, b.stream_id
"""


class SimilarTicket(BaseModel):
    """A ticket that is done and reads alike."""

    id: UUID
    number: str
    subject: str
    status: Status
    updated_at: str
    resolution: str | None = Field(description="What it was resolved with, its beginning")


class SimilarTickets(BaseModel):
    """Tickets that are done, the most alike first."""

    items: list[SimilarTicket]


def words_of(subject: str) -> list[str]:
    """Return the words of a subject, each once: those of three letters or more, the first ones of many."""
    return list(dict.fromkeys(w for w in _WORD.findall(subject.lower()) if len(w) >= SHORTEST))[:MOST_WORDS]


def chosen(frequencies: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return the words to look by with what each is worth: the rare ones first, as many as find few enough tickets; one in any case."""
    found: list[tuple[str, float]] = []
    left = MOST_ROWS
    for word, frequency in sorted(frequencies, key=lambda one: (one[1], one[0])):
        if found and frequency > left:
            break
        found.append((word, -math.log(max(frequency, 1e-6))))
        left -= frequency
    return found


async def similar(pool: Pool, row: asyncpg.Record, caller: Caller, limit: int) -> list[asyncpg.Record]:
    """Return tickets that are done and share words with a ticket's subject, among those that the caller sees as one of the desk."""
    words = words_of(row["subject"] or "")
    if not words:
        return []
    known = [(one["word"], one["frequency"]) for one in await pool.fetch(_FREQUENCIES, words)]
    wanted = chosen(known)
    if not wanted:
        return []
    values = Values([word for word, _ in wanted], [weight for _, weight in wanted], row["stream_id"], row["topic"])
    sight = "true" if caller.sees_all else caller.sight.condition(values)
    return await pool.fetch(_SIMILAR.format(done=DONE, sight=sight, limit=limit), *values.values)


@router.get("/tickets/{ref}/similar")
async def read_similar(
    ref: TicketRef, request: Request, response: Response, caller: CallerDep, workflow: WorkflowDep,
    limit: Annotated[int, Query(ge=1, le=20)] = 5, after: AfterHeader = None,
) -> SimilarTickets:  # fmt: skip
    """List tickets that were resolved or closed and whose subjects share words with this one's, the most alike first. For the desk."""
    refuse_unknown_parameters(request, {"limit"})
    await wait_until_seen(workflow.pool, after, request, response)
    row = await visible(workflow, ref, caller)
    caller.need_inside(row)
    rows = await similar(workflow.pool, row, caller, limit)
    return SimilarTickets(
        items=[
            SimilarTicket(
                id=one["stream_id"], number=one["number"], subject=one["subject"] or "(erased)", status=one["status"],
                updated_at=one["updated_at"].isoformat(), resolution=(one["resolution"] or "")[:SAID] or None,
            )
            for one in rows
        ]
    )  # fmt: skip
