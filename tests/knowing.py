"""Waiting until everybody knows: before a test asks one service for what another has been told."""

import httpx

from ledgerdesk import waiting
from shared.testing.wait import wait_until

SECONDS = 30


def all_know(admin: httpx.Client) -> None:
    """Wait until every service's views show what has been written by now."""
    heads = {one["owner"]: one["position"] for one in waiting.standing(admin)["owners"]}
    assert not waiting.until_known(admin, heads, SECONDS)


def settled(admin: httpx.Client) -> None:
    """Wait until everybody knows what has been written, and nobody has anything left to react to."""
    for _ in range(3):  # a cause, what comes of it, and what comes of that
        all_know(admin)
        wait_until(
            lambda: not any(one["inbox"] for one in waiting.standing(admin)["projections"]),
            timeout=SECONDS,
            message="the inboxes",
        )
