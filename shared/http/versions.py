"""The version vector: `intake.3-routing.2-workflow.5`, as ETag, If-Match, and the headers by which one reads one's own writes."""

import asyncio
import re
from collections.abc import Sequence
from uuid import UUID

from fastapi import Request, Response

from shared.db import Pool
from shared.http.problems import STALE, Problem
from shared.projection.model import Versions
from shared.waiting import wait_for

OF_TICKETS = ("intake", "routing", "workflow")
OWNERS = (*OF_TICKETS, "knowledge")
"""Who has a part in a vector: the first three in a ticket's, the last alone in an article's."""
_PARTS = {"ticket": OF_TICKETS, "article": ("knowledge",), "rating": ("knowledge",)}
"""Who has a part in the rows of a view's table."""
MOST_AFTER = 8

_PART = re.compile(rf"({'|'.join(OWNERS)})\.(\d{{1,9}})")


def vector(versions: Versions) -> str:
    """Return the vector's text. Owners that have said nothing are left out."""
    return "-".join(f"{owner}.{versions[owner]}" for owner in OWNERS if versions.get(owner))


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
                422, "If-Match must be the ETag of what you read.",
                fields={"If-Match": "must look like intake.3-routing.2-workflow.5, an article's like knowledge.4"},
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


_MET = " AND EXISTS (SELECT FROM person p WHERE p.stream_id = requester_id AND p.registered IS NOT NULL)"
"""Of a row of workflow's table `ticket`: whether its requester has been heard of, who says of which organisation he is."""


async def wait_until_seen(
    pool: Pool, after: str | None, request: Request, response: Response, tables: Sequence[str] = ("ticket",), *, met: bool = False
) -> None:  # fmt: skip
    """Wait until the views in these tables hold what the reader has written (Ledgerdesk-After); after 2 s say that it is stale.

    With `met` (for workflow's rows, and a reader who sees some as a colleague of their requesters: a list leaves them out before it is
    known whose they are), it waits until the requesters have been heard of, too.

    What an owner has said that has no part in them is not waited for, since it never comes: a ticket's list shows no article.

    An error says so, too: a ticket that is not there yet is another matter than one that does not exist.
    """
    elsewhere = set(OWNERS) - {owner for table in tables for owner in _PARTS[table]}
    look = " UNION ALL ".join(
        f"SELECT versions FROM {table} WHERE stream_id = $1{_MET if met else ''}" for table in tables
    )

    async def seen(stream_id: UUID, versions: Versions) -> bool | None:
        row = await pool.fetchval(look, stream_id)
        return True if row and all(row.get(source, 0) >= version for source, version in versions.items()) else None

    async def wait(stream_id: UUID, versions: Versions) -> bool | None:
        mine = {source: version for source, version in versions.items() if source not in elsewhere}
        return await wait_for(lambda: seen(stream_id, mine)) if mine else True

    if not all(await asyncio.gather(*(wait(*item) for item in parse_after(after).items()))):
        response.headers[STALE] = request.state.stale = "true"


def said(response: Response, ticket_id: UUID, owner: str, version: int, *, repeat: bool) -> None:
    """Tell the client what its command came to, for a later read's Ledgerdesk-After."""
    response.headers["Ledgerdesk-Version"] = f"{ticket_id}:{owner}:{version}"
    if repeat:
        response.headers["Ledgerdesk-Repeat"] = "true"
