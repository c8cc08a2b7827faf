"""Which sessions and keys were used of late: told to the gateway, coarsely, by every service that verifies them."""

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

import httpx
import structlog

from shared.http.trust import trusted

EVERY = 5.0
"""Seconds between two tellings, if there is something to tell."""
AGAIN = 600.0
"""Seconds for which a use is not told again: nobody needs to know more exactly."""
MOST = 5000

log = structlog.get_logger("seen")


class Seen:
    """Collects uses in a process. What a crash loses is told with the next use: it is a help for people, no record.

    Args:
        url: Of the process that serves the gateway, when asked.
        token: Makes a token between services.
    """

    def __init__(self, url: Callable[[], str], token: Callable[[], str]) -> None:
        self._url = url
        self._token = token
        self._told: dict[tuple[str, UUID], float] = {}
        self._new: set[tuple[str, UUID]] = set()
        self._task: asyncio.Task[None] | None = None

    def note(self, kind: str, which: UUID) -> None:
        """Note a use: of a `session` or a `key`."""
        now = time.monotonic()
        if now - self._told.get((kind, which), -AGAIN) < AGAIN:
            return
        if len(self._told) >= MOST:
            self._told.clear()
        self._told[kind, which] = now
        self._new.add((kind, which))

    async def start(self) -> None:
        """Tell from now on."""
        self._task = asyncio.create_task(self._tell_regularly(), name="seen")

    async def stop(self) -> None:
        """Stop telling."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _tell_regularly(self) -> None:
        async with httpx.AsyncClient(timeout=10, trust_env=False, verify=trusted()) as client:
            while True:
                await asyncio.sleep(EVERY)
                if self._new:
                    await self._tell(client)

    async def _tell(self, client: httpx.AsyncClient) -> None:
        uses, self._new = self._new, set()
        body = {f"{kind}s": [str(which) for k, which in uses if k == kind] for kind in ("session", "key")}
        try:
            response = await client.put(
                f"{self._url()}/api/v1/internal/gateway/seen",
                json=body,
                headers={"Authorization": f"Bearer {self._token()}"},
            )
            response.raise_for_status()
        except httpx.HTTPError as error:  # the gateway is away: with the next use it is told again
            await log.ainfo("uses not told", error=repr(error))
            for use in uses:
                self._told.pop(use, None)
