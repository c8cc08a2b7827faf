"""`ledgerdesk parked`: events that a view could not fold, or that could not be reacted to; to look at, and to try again.

A parked event holds back what follows it from the same owner in the same stream, and nothing else. Trying again is done in
this process, by this version of the code, so it works before the services are restarted with a fix, and on a stopped stack.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ledgerdesk.verify import models_of
from shared import db
from shared.projection import parked as parked_events
from shared.projection.feed import NoFeed
from shared.projection.projector import Projection
from shared.settings import SERVICES

REACTION = parked_events.REACTION


@dataclass(frozen=True, slots=True)
class Parked:
    """One event that was set aside.

    Attributes:
        service: Whose view or reaction.
        view: The view's name, or `REACTION`.
        event: As in a feed: ``type``, ``stream_id``, ``source``, ``version``, ``data``, ``personal``, …
        reason: What went wrong.
        parked_at: When.
    """

    service: str
    view: str
    event: dict[str, Any]
    reason: str
    parked_at: datetime


@dataclass(frozen=True, slots=True)
class Retried:
    """What trying again came to: how many events are folded now, how many reactions are due again, how much is left."""

    healed: int
    reactions: int
    left: int


@dataclass(frozen=True, slots=True)
class Discarded:
    """What giving up came to: events given up, others folded now, reactions given up, and how much is left."""

    given: int
    healed: int
    reactions: int
    left: int


@dataclass(frozen=True, slots=True)
class Given:
    """One event that was given up: where, which, why it was parked, why it was given up, by whom and when."""

    service: str
    view: str
    stream_id: UUID
    source: str
    version: int
    type: str
    reason: str
    why: str
    discarded_by: str
    discarded_at: datetime


class UnknownTicketError(ValueError):
    """No view knows the ticket by this number; its stream id may be given instead."""


async def stream_of(dsn: str, ref: str) -> UUID:
    """Return the stream of a ticket, given by its number or the stream's id.

    Raises:
        UnknownTicketError: There is no ticket of this number.
    """
    try:
        return UUID(ref)
    except ValueError:
        return await _stream_of_number(dsn, ref)


async def _stream_of_number(dsn: str, number: str) -> UUID:
    for service in ("intake", "workflow"):
        connection = await db.connect(dsn, service)
        try:
            found = await connection.fetchval("SELECT stream_id FROM ticket WHERE number = $1", number)
        finally:
            await connection.close()
        if found is not None:
            return UUID(str(found))
    raise UnknownTicketError(
        f"no ticket has the number {number}: give the stream id that `ledgerdesk parked list` shows"
    )


async def parked(dsn: str, stream_id: UUID | None = None) -> list[Parked]:
    """Return what is parked, of one stream or of all: by service, oldest first."""
    found = []
    for service in SERVICES:
        connection = await db.connect(dsn, service)
        try:
            some = await parked_events.listed(connection, stream_id)
        finally:
            await connection.close()
        found += [Parked(service, one.view, one.event, one.reason, one.parked_at) for one in some]
    return found


async def retry(dsn: str, stream_id: UUID | None = None) -> Retried:
    """Fold parked events once more, and put parked reactions back into their service's inbox.

    What cannot be folded stays parked, with its reason of now. Reactions are made by the running services; doing one twice
    does nothing.
    """
    healed = reactions = 0
    for service in SERVICES:
        async with _projection(dsn, service) as projection:
            healed += await parked_events.retry(projection, stream_id)
            reactions += await parked_events.react_again(projection.pool, stream_id)
    return Retried(healed, reactions, len(await parked(dsn, stream_id)))


async def discard(dsn: str, stream_id: UUID, why: str, by: str, *, every: bool = False) -> Discarded:
    """Give up what is parked of a stream: views pass over it, also when they are made anew; reactions to it are not made.

    Args:
        dsn: The database.
        stream_id: The stream.
        why: Kept with each event that is given up, and
        by: who did it.
        every: All that is parked; otherwise of each view and owner the first, which holds up the others.
    """
    given = healed = reactions = 0
    for service in SERVICES:
        async with _projection(dsn, service) as projection:
            some, others = await parked_events.discard(projection, stream_id, why, by, every=every)
            given, healed = given + some, healed + others
            reactions += await parked_events.leave_undone(projection.pool, stream_id, why, by)
    return Discarded(given, healed, reactions, len(await parked(dsn, stream_id)))


async def discarded(dsn: str) -> list[Given]:
    """Return what was discarded: by service, oldest first."""
    found: list[Given] = []
    for service in SERVICES:
        connection = await db.connect(dsn, service)
        try:
            some = await parked_events.given_up(connection)
        finally:
            await connection.close()
        found += [Given(service, *astuple(one)) for one in some]
    return found


@asynccontextmanager
async def _projection(dsn: str, service: str) -> AsyncIterator[Projection]:
    """Open a service's projection, for folding what is in hand."""
    pool = await db.create_pool(dsn, service, maximum=1)
    try:
        yield Projection(f"{service}.views", pool, models_of(service), NoFeed())
    finally:
        await pool.close()
