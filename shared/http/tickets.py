"""A ticket named in a path, by uuid or number, found in the service's own view (its table `ticket`)."""

from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import Path

from shared.db import Pool
from shared.http.caller import Caller
from shared.http.problems import Problem
from shared.waiting import wait_for

TicketRef = Annotated[
    str, Path(min_length=1, max_length=200, description="The ticket's id (uuid) or number", examples=["100001"])
]


ORGANISATION = "(SELECT registered ->> 'organisation' FROM person p WHERE p.stream_id = t.requester_id) AS organisation"
"""The requester's, of a row of table `ticket` called t."""
SELECT = f"SELECT t.*, {ORGANISATION} FROM ticket t"
"""A ticket's row with what `Caller.sees` wants to know."""


def as_uuid(ref: str) -> UUID | None:
    """Return the id, if the reference is one."""
    try:
        return UUID(ref) if len(ref) == 36 else None  # noqa: PLR2004 -- the length of a uuid's text
    except ValueError:
        return None


async def look_up(pool: Pool, ref: str) -> asyncpg.Record | None:
    """Return the ticket's row, if the service's view knows it."""
    if "\x00" in ref:
        return None
    ticket_id = as_uuid(ref)
    if ticket_id is not None:
        return await pool.fetchrow(f"{SELECT} WHERE stream_id = $1 AND number IS NOT NULL", ticket_id)
    return await pool.fetchrow(f"{SELECT} WHERE number = $1 ORDER BY stream_id LIMIT 1", ref)


def unknown(ref: str, *, retry: bool = False) -> Problem:
    """Return the answer for a ticket that is not there or not visible: the two are not told apart.

    Args:
        ref: What was asked for.
        retry: Say that it may be there soon.
    """
    headers = {"Retry-After": "1"} if retry else {}
    return Problem(404, f"There is no ticket {ref!r}, or it is not yours to see.", headers=headers)


async def known_ticket(pool: Pool, ref: str, caller: Caller) -> asyncpg.Record:
    """Return a ticket that a command is for; waits up to 2 s for the service's own view to know it.

    Raises:
        Problem: 404, with Retry-After: it is not known here (yet), or not the caller's to see (yet).
    """
    row = await wait_for(lambda: look_up(pool, ref))
    if row is None or not caller.sees(row):
        raise unknown(ref, retry=True)
    return row
