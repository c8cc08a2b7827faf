"""Forgetting a person: intake decides it, and blanks what came through its door."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.intake import domain
from services.intake.domain import COLLABORATOR_ADDED, CREATED, MESSAGE_RECEIVED
from shared.contracts.erasing import PERSON_FORGOTTEN, TICKET_ERASED, erase
from shared.contracts.event import Event, NewEvent
from shared.contracts.fields import Forgotten, Line, Strict
from shared.contracts.ids import derived
from shared.db import Pool
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Context
from shared.forgetting import context_of
from shared.http.caller import CallerDep
from shared.http.problems import Problem
from shared.service import component

AT_ONCE = 16
WRITTEN = frozenset({CREATED, MESSAGE_RECEIVED, COLLABORATOR_ADDED})
"""Types of intake's events that are somebody's: by `person_id`."""


class Traces(NamedTuple):
    """Where somebody has left words: tickets opened for the person, and tickets of others with messages of the person."""

    tickets: Sequence[UUID]
    elsewhere: Sequence[UUID]


class Forgetting:
    """Intake's part in forgetting somebody."""

    def __init__(self, pool: Pool, eraser: Eraser) -> None:
        self._pool = pool
        self._eraser = eraser

    async def known(self, who: str) -> list["PersonFound"]:
        """Return all persons with this address, login or id: an address may have several, where logs were imported."""
        rows = await self._pool.fetch(
            """
            SELECT stream_id, agent IS NOT NULL AS is_agent, account IS NOT NULL AS has_account,
                   coalesce(registered -> 'forgotten' = 'true', false) AS forgotten
            FROM person WHERE email = lower($1) OR login = $1 OR stream_id::text = lower($1) ORDER BY stream_id
            """,
            who,
        )
        found = []
        for row in rows:
            traces = await self.traces(row["stream_id"])
            found.append(PersonFound(
                id=row["stream_id"], tickets=len(traces.tickets), elsewhere=len(traces.elsewhere), is_agent=row["is_agent"],
                has_account=row["has_account"], forgotten=row["forgotten"],
            ))  # fmt: skip
        return found

    async def traces(self, person_id: UUID) -> Traces:
        """Look through the whole store: it alone knows all, and this is asked for rarely."""
        rows = await self._pool.fetch(
            "SELECT stream_id, bool_or(type = $2) AS own FROM event WHERE type = ANY ($3) AND data ->> 'person_id' = $1 "
            "GROUP BY stream_id",
            str(person_id), CREATED, list(WRITTEN),
        )  # fmt: skip
        return Traces([r["stream_id"] for r in rows if r["own"]], [r["stream_id"] for r in rows if not r["own"]])

    async def refuse_the_last_administrator(self, ids: Sequence[UUID]) -> None:
        """See to it that somebody is left who may administer.

        Raises:
            Problem: 409.
        """
        administrators = {
            row["stream_id"]
            for row in await self._pool.fetch(
                "SELECT stream_id FROM person WHERE account -> 'roles' ? 'administrator' "
                "AND coalesce((account ->> 'active')::bool, true)"
            )
        }
        if administrators and administrators <= set(ids):
            raise Problem(
                409, "This is the last administrator: give somebody else the role first.",
                fields={"who": "must not be the last administrator"},
            )  # fmt: skip

    async def forget(self, person_id: UUID, reason: str, context: Context) -> None:
        """Say that the person is forgotten, and blank who he was. Everything else follows as reactions."""

        def decide(events: Sequence[Event]) -> list[NewEvent]:
            return domain.forget_person(events, reason)

        await self._eraser.erase(person_id, decide, context)

    async def position(self) -> int:
        """Return the position of the store's last event."""
        return await self._eraser.store.last_position()

    # -- reactions ---------------------------------------------------------------------------------------------------

    async def on_forgotten(self, event: Event) -> None:
        """Blank the person's registration and all that the person has sent."""
        await self._eraser.blank(event.stream_id)
        traces = await self.traces(event.stream_id)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(ticket_id: UUID) -> None:
            async with gate:
                await self._erase(ticket_id, str(event.stream_id), event.data["reason"], event)

        await asyncio.gather(*map(one, [*traces.tickets, *traces.elsewhere]))

    async def on_late(self, event: Event) -> None:
        """Blank what was on its way, or is imported once more, when its person was forgotten already."""
        person_id = event.data["person_id"]
        history, _ = await self._eraser.store.load(UUID(person_id))
        reason = next((e.data["reason"] for e in history if e.type == PERSON_FORGOTTEN), None)
        if reason is not None:
            await self._erase(event.stream_id, person_id, reason, event)

    async def _erase(self, ticket_id: UUID, person_id: str, reason: str, cause: Event) -> None:
        def decide(events: Sequence[Event]) -> list[NewEvent]:
            own = any(e.type == CREATED and e.data["person_id"] == person_id for e in events)
            his = {str(e.event_id) for e in events if e.data.get("person_id") == person_id}

            def wanted(e: Event) -> bool:  # what corrects his words has them, too, whoever did it
                return own or e.data.get("person_id") == person_id or e.data.get("event") in his

            return erase(events, wanted, TICKET_ERASED, reason, person_id)

        await self._eraser.erase(ticket_id, decide, context_of(cause, "intake", ticket_id))


class ForgetBody(Strict):
    """Who is to be forgotten, and why."""

    who: Line = Field(description="E-mail address, login or person id")
    reason: Forgotten
    dry_run: bool = False


class PersonFound(BaseModel):
    """Somebody who is to be forgotten, and how much there is of him."""

    id: UUID
    tickets: int
    elsewhere: int
    is_agent: bool
    has_account: bool
    forgotten: bool


class Forgot(BaseModel):
    """Who is forgotten, and the position of intake's store that says so."""

    persons: list[PersonFound]
    position: int


router = APIRouter(prefix="/internal/intake", tags=["intake"], include_in_schema=False)


def _forgetting(intake: Annotated[object, Depends(component("intake"))]) -> Forgetting:
    found: Forgetting = intake.forgetting  # type: ignore[attr-defined] # intake's components, which import this module
    return found


@router.post("/forget")
async def forget(
    body: ForgetBody, caller: CallerDep, forgetting: Annotated[Forgetting, Depends(_forgetting)]
) -> Forgot:
    """Forget everybody of this address, login or id. Doing it again changes nothing.

    Raises:
        Problem: 403, not an administrator; 404, nobody; 409, the last administrator.
    """
    caller.need("system", "administrator")
    persons = await forgetting.known(body.who)
    if not persons:
        raise Problem(404, "Nobody has this address, login or id.", fields={"who": "must be known; see the spelling"})
    await forgetting.refuse_the_last_administrator([person.id for person in persons if not person.forgotten])
    if not body.dry_run:
        for person in persons:
            context = Context(derived("forget", person.id), caller.actor, caller.via)
            await forgetting.forget(person.id, body.reason, context)
    return Forgot(persons=persons, position=await forgetting.position())
