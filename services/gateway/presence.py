"""Who is viewing a ticket or typing on it just now: for those who work it, said again while it lasts, gone by itself.

No event and no history: a row of an unlogged table, which every process of the gateway looks at together with the feed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sse_starlette import ServerSentEvent

from services.gateway.api import GatewayDep
from shared.contracts.fields import Strict
from shared.db import Pool
from shared.http.caller import Caller, CallerDep
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import SELECT, TicketRef, known_ticket

LASTS = timedelta(seconds=30)
"""How long somebody is there after he has said so."""
RENEWED = timedelta(seconds=3)
"""Said again within this, it is not written again: whoever says it with every key he types costs a look, no write."""
MOST = 20
"""Tickets that one person can be on at once."""

router = APIRouter(tags=["gateway"], responses=RESPONSES)


class Doing(Strict):
    """What you are doing on the ticket."""

    doing: Literal["viewing", "typing", "gone"]


class Present(BaseModel):
    """Somebody who is there."""

    login: str | None
    name: str | None
    doing: Annotated[str, Field(examples=["typing"])]


class Presence(BaseModel):
    """Who is on a ticket now."""

    ticket: UUID
    number: str
    people: list[Present]


@dataclass(frozen=True, slots=True)
class Change:
    """A ticket's row, for its rights, and who is there from now on."""

    row: asyncpg.Record
    people: Sequence[Present]


def shown(change: Change, caller: Caller) -> ServerSentEvent | None:
    """Return a change for the stream; None for who does not work the ticket. It has no id: `Last-Event-ID` is the feed's."""
    if not caller.is_staff or not caller.sees_inside(change.row):
        return None
    return ServerSentEvent(data=orjson.dumps(_presence(change.row, change.people).model_dump(mode="json")).decode(),
                           event="presence")  # fmt: skip


def _presence(row: asyncpg.Record, people: Sequence[Present]) -> Presence:
    return Presence(ticket=row["stream_id"], number=row["number"], people=list(people))


async def everywhere(pool: Pool, ticket: UUID | None = None) -> dict[UUID, list[Present]]:
    """Return who is where now: everywhere, or on one ticket."""
    rows = await pool.fetch(
        """
        SELECT p.ticket_id, p.doing, coalesce(d.login, d.email) AS login, coalesce(d.name, d.login, d.email) AS name
        FROM presence p JOIN person d ON d.stream_id = p.person_id
        WHERE p.until > now() AND ($1::uuid IS NULL OR p.ticket_id = $1) ORDER BY login, p.person_id
        """,
        ticket,
    )
    found: dict[UUID, list[Present]] = {}
    for row in rows:
        found.setdefault(row["ticket_id"], []).append(Present(login=row["login"], name=row["name"], doing=row["doing"]))
    return found


async def changes(pool: Pool, before: Mapping[UUID, list[Present]], now: Mapping[UUID, list[Present]]) -> list[Change]:
    """Return the tickets on which it is not as it was."""
    moved = [ticket for ticket in {**before, **now} if before.get(ticket) != now.get(ticket)]
    rows = await pool.fetch(f"{SELECT} WHERE stream_id = ANY ($1) AND number IS NOT NULL", moved) if moved else []
    return [Change(row, now.get(row["stream_id"], [])) for row in rows]


async def say(pool: Pool, ticket: UUID, person: UUID, doing: str) -> None:
    """Write down what somebody does on a ticket.

    Raises:
        Problem: 409, he is on too many.
    """
    if doing == "gone":
        await pool.execute("DELETE FROM presence WHERE ticket_id = $1 AND person_id = $2", ticket, person)
        return
    others = await pool.fetchval(
        """
        WITH mine AS (SELECT count(*) AS others FROM presence WHERE person_id = $2 AND ticket_id <> $1 AND until > now()),
        old AS (
            SELECT ticket_id FROM presence WHERE person_id = $2 AND ticket_id <> $1 AND until <= now() FOR UPDATE SKIP LOCKED
        ),  -- skipped: two that say something at once, each sweeping the other's row, would wait for each other for ever
        swept AS (DELETE FROM presence WHERE person_id = $2 AND ticket_id IN (SELECT ticket_id FROM old)),
        said AS (
            INSERT INTO presence (ticket_id, person_id, doing, until) SELECT $1, $2, $3, now() + $4 FROM mine WHERE others < $5
            ON CONFLICT (person_id, ticket_id) DO UPDATE SET doing = excluded.doing, until = excluded.until
            WHERE presence.doing <> excluded.doing OR presence.until < excluded.until - $6::interval
        )
        SELECT others FROM mine
        """,
        ticket, person, doing, LASTS, MOST, RENEWED,
    )  # fmt: skip
    if others >= MOST:
        raise Problem(409, f"You are on {MOST} tickets already: leave one, or wait {LASTS.seconds} seconds.")


async def sweep(pool: Pool) -> None:
    """Take away what is over, of whoever has not come again."""
    await pool.execute(
        "DELETE FROM presence WHERE (person_id, ticket_id) IN "
        "(SELECT person_id, ticket_id FROM presence WHERE until <= now() FOR UPDATE SKIP LOCKED)"
    )


async def _worked(ref: str, caller: Caller, pool: Pool) -> asyncpg.Record:
    row = await known_ticket(pool, ref, caller)
    caller.need_inside(row)
    return row


@router.post("/tickets/{ref}/presence")
async def say_presence(ref: TicketRef, body: Doing, caller: CallerDep, gateway: GatewayDep) -> Presence:
    """Say that you are viewing the ticket or typing on it; it holds for 30 seconds. Answers who else is there."""
    row = await _worked(ref, caller, gateway.pool)
    if caller.person_id is None:
        raise Problem(422, "This credential is no person's: nobody is there.", fields={"doing": "takes a person"})
    await say(gateway.pool, row["stream_id"], caller.person_id, body.doing)
    return _presence(row, (await everywhere(gateway.pool, row["stream_id"])).get(row["stream_id"], []))


@router.get("/tickets/{ref}/presence")
async def read_presence(ref: TicketRef, request: Request, caller: CallerDep, gateway: GatewayDep) -> Presence:
    """Return who is viewing the ticket or typing on it now."""
    refuse_unknown_parameters(request)
    row = await _worked(ref, caller, gateway.pool)
    return _presence(row, (await everywhere(gateway.pool, row["stream_id"])).get(row["stream_id"], []))
