"""The version vector: `intake.3-routing.2-workflow.5`, as ETag, If-Match, and the headers by which one reads one's own writes."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from fastapi import Request, Response

from shared.db import Pool
from shared.http.problems import STALE, Problem
from shared.projection.model import Versions

TICKET_OWNERS = ("intake", "routing", "workflow")
WAIT = 2.0
MOST_AFTER = 8

_PART = re.compile(r"(intake|routing|workflow)\.(\d{1,9})")
T = TypeVar("T")


def vector(versions: Versions) -> str:
    """Return the vector's text. Owners that have said nothing are left out."""
    return "-".join(f"{owner}.{versions[owner]}" for owner in TICKET_OWNERS if versions.get(owner))


def parse_vector(text: str) -> Versions:
    """Return the vector of an ETag or If-Match.

    Raises:
        Problem: 422, it is not one.
    """
    bare = text.strip().removeprefix("W/").strip('"')
    versions: Versions = {}
    for part in bare.split("-"):
        match = _PART.fullmatch(part)
        if match is None:
            raise Problem(
                422, "If-Match must be the ETag of the ticket as you read it.",
                fields={"If-Match": "must look like intake.3-routing.2-workflow.5"},
            )  # fmt: skip
        versions[match[1]] = int(match[2])
    return versions


def expected(if_match: str | None, owner: str) -> int | None:
    """Return the version of the owner's part that the caller decided on; None when the caller does not say."""
    if if_match is None or if_match.strip() == "*":
        return None
    return parse_vector(if_match).get(owner, 0)


def parse_after(values: str | None) -> dict[UUID, Versions]:
    """Return what a reader must see at least, per ticket.

    Raises:
        Problem: 422, the header is malformed.
    """
    wanted: dict[UUID, Versions] = {}
    if not values:
        return wanted
    items = [item.strip() for item in values.split(",") if item.strip()]
    if len(items) > MOST_AFTER:
        raise Problem(
            422, f"Ledgerdesk-After takes at most {MOST_AFTER} items.", fields={"Ledgerdesk-After": "too many"}
        )
    for item in items:
        try:
            ticket, source, version = item.split(":")
            wanted.setdefault(UUID(ticket), {})[source] = int(version)
        except ValueError:
            raise Problem(
                422, "Ledgerdesk-After takes what Ledgerdesk-Version gave.",
                fields={"Ledgerdesk-After": f"{item!r} must be <ticket>:<source>:<version>"},
            ) from None  # fmt: skip
    return wanted


async def wait_for(look: Callable[[], Awaitable[T | None]], seconds: float = WAIT) -> T | None:
    """Look until something is there, at growing intervals; None when it is not within `seconds`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    pause = 0.005
    while True:
        found = await look()
        if found is not None or loop.time() >= deadline:
            return found
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.1)


async def wait_until_seen(pool: Pool, after: str | None, request: Request, response: Response) -> None:
    """Wait until a view of tickets holds what the reader has written (Ledgerdesk-After); after 2 s say that it is stale.

    An error says so, too: a ticket that is not there yet is another matter than one that does not exist.
    """

    async def seen(ticket_id: UUID, versions: Versions) -> bool | None:
        row = await pool.fetchval("SELECT versions FROM ticket WHERE stream_id = $1", ticket_id)
        return True if row and all(row.get(source, 0) >= version for source, version in versions.items()) else None

    async def wait(ticket_id: UUID, versions: Versions) -> bool | None:
        return await wait_for(lambda: seen(ticket_id, versions))

    if not all(await asyncio.gather(*(wait(*item) for item in parse_after(after).items()))):
        response.headers[STALE] = request.state.stale = "true"


def said(response: Response, ticket_id: UUID, owner: str, version: int, *, repeat: bool) -> None:
    """Tell the client what its command came to, for a later read's Ledgerdesk-After."""
    response.headers["Ledgerdesk-Version"] = f"{ticket_id}:{owner}:{version}"
    if repeat:
        response.headers["Ledgerdesk-Repeat"] = "true"
