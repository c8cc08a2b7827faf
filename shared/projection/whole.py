"""Whether a view has heard of everything: asked before something is decided by what has not happened, or by who somebody is."""

import asyncio
from collections.abc import Collection, Mapping
from uuid import UUID

from shared.projection.feed import Feed
from shared.projection.model import Versions

MOST_ASKED = 1000
"""Streams that an owner is asked of in one go."""


class BehindError(RuntimeError):
    """What is to be decided on lacks what others have written already. It is on its way: decide again in a while."""


async def whole(feed: Feed, owners: Collection[str], seen: Mapping[UUID, Versions]) -> set[UUID]:
    """Return those of these streams of which a view has all that these owners had written when they were asked.

    Args:
        feed: How to ask them.
        owners: Whom.
        seen: Stream to how far the view has come, read before this is called.

    Raises:
        httpx.HTTPError: An owner does not answer.
    """
    ids = list(seen)
    parts = [ids[begin : begin + MOST_ASKED] for begin in range(0, len(ids), MOST_ASKED)]
    asked = [(owner, part) for owner in owners for part in parts]
    answers = await asyncio.gather(*(feed.versions(owner, part) for owner, part in asked))
    return set(ids) - {
        stream
        for (owner, _), written in zip(asked, answers, strict=True)
        for stream, version in written.items()
        if seen[stream].get(owner, 0) < version
    }
