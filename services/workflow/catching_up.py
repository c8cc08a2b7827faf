"""Whether workflow's views show all that had been acknowledged when somebody asked: for what looks at every ticket at once."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

import httpx

from shared.contracts.topic_names import DIRECTORY, TICKETS
from shared.db import Pool
from shared.projection import checkpoints
from shared.projection.feed import Feed
from shared.waiting import wait_for

CONSUMER = "workflow.views"
TOPICS = (TICKETS, DIRECTORY)
OWNERS = checkpoints.publishers([TICKETS])
"""Whose facts and configuration tickets are made of."""
SECONDS = 10.0
"""For which it is waited: how far the topic has been read is told once a second."""
PATIENCE = 3.0
"""Seconds for which an owner is waited for to say how far it is."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What the views do not show yet.

    Attributes:
        owners: Owner to (position up to which its events are shown, that of its last one; None: it does not answer).
        reactions: Events that are shown, and that workflow has not reacted to.
    """

    owners: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    reactions: int = 0


async def missing(pool: Pool, feed: Feed, seconds: float = SECONDS) -> Missing:
    """Wait until the views show what had been acknowledged when this was called, and what workflow says to that.

    Returns:
        What is missing still after so many seconds.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    owners = await _behind(pool, feed, OWNERS, deadline)
    last = await pool.fetchval("SELECT max(id) FROM reaction_inbox")
    left = "SELECT count(*) FROM reaction_inbox WHERE id <= $1"

    async def are_made() -> bool | None:
        return await pool.fetchval(left, last) == 0 or None

    reacted = last is None or await wait_for(are_made, deadline - loop.time())
    reactions = 0 if reacted else await pool.fetchval(left, last)
    own = await _behind(pool, feed, ["workflow"], deadline)  # with what the reactions have said
    return Missing({owner: place for owner, place in owners.items() if owner != "workflow"} | own, reactions)


async def _behind(
    pool: Pool, feed: Feed, owners: Collection[str], deadline: float
) -> dict[str, tuple[int, int | None]]:
    """Return the owners whose events the views do not show up to where they are now, when the time is over."""
    written = dict(zip(owners, await asyncio.gather(*(_written(feed, owner) for owner in owners)), strict=True))

    async def left() -> dict[str, tuple[int, int | None]]:
        shown = await _shown(pool)
        places = {owner: (shown.get(owner, 0), last) for owner, last in written.items()}
        return {owner: (until, last) for owner, (until, last) in places.items() if last is None or until < last}

    async def is_whole() -> bool | None:
        return not await left() or None

    await wait_for(is_whole, deadline - asyncio.get_running_loop().time())
    return await left()


async def _written(feed: Feed, owner: str) -> int | None:
    try:
        return int((await asyncio.wait_for(feed.head(owner), PATIENCE))["position"])
    except (httpx.HTTPError, OSError, TimeoutError):
        return None


async def _shown(pool: Pool) -> dict[str, int]:
    """Return the position up to which the views show each owner's events."""
    async with pool.acquire() as connection:
        known = await checkpoints.load(connection, CONSUMER)
    return {
        owner: int(mark["position"])
        for places in known.values()
        for owner, mark in checkpoints.floor(places, TOPICS).items()
    }
