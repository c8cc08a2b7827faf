"""Waiting until every service of a running stack knows what a command has led to."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from ledgerdesk.client import checked

POLL_SECONDS = 0.05
ROUNDS = 3
"""A person forgotten, the erasures that follow, and those that follow these: each known to all before the next is looked for."""


def standing(client: httpx.Client) -> dict[str, Any]:
    """Return where every projection, store and inbox of the stack stands.

    Raises:
        RuntimeError: It does not say.
    """
    found: dict[str, Any] = checked(client.get("/internal/projections"))
    return found


def until(look: Callable[[], list[str]], seconds: float) -> list[str]:
    """Wait until there is nothing left to wait for; returns what is left after so many seconds."""
    deadline = time.monotonic() + seconds
    while (left := look()) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return left


def until_known(client: httpx.Client, positions: Mapping[str, int], seconds: float) -> list[str]:
    """Wait until every service's views have come to these positions of the owners; returns those that have not."""

    def behind() -> list[str]:
        return [
            f"{one['name']} ({owner})"
            for one in standing(client)["projections"]
            for owner, position in positions.items()
            if owner in one["watermarks"] and one["watermarks"][owner] < position
        ]

    return until(behind, seconds)


def until_erased(client: httpx.Client, seconds: float, say: Callable[[str], None] = lambda _: None) -> list[str]:
    """Wait until every store and view has blanked what belongs to those who were forgotten; returns who has not.

    Raises:
        RuntimeError: A service could not do it: its reaction is parked.
    """

    def at_work() -> list[str]:
        found = standing(client)["projections"]
        failed = [one["name"] for one in found if one["erasing"]["parked"]]
        if failed:
            raise RuntimeError(
                f"{', '.join(failed)} could not erase: see `ledgerdesk parked list`, then `ledgerdesk parked retry`"
            )
        return [f"{one['name']} ({one['erasing']['waiting']} to do)" for one in found if one["erasing"]["waiting"]]

    deadline = time.monotonic() + seconds
    for number in range(1, ROUNDS + 1):
        say(f"views (round {number} of {ROUNDS})")
        heads = {one["owner"]: one["position"] for one in standing(client)["owners"]}
        left = until_known(client, heads, deadline - time.monotonic())
        say(f"stores (round {number} of {ROUNDS})")
        if left := left or until(at_work, deadline - time.monotonic()):
            return left
    return []
