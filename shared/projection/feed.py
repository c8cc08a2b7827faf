"""The owners' feeds: where a consumer gets what the topic does not hold (any more, or again)."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Protocol
from uuid import UUID

import httpx
import stamina

from shared.contracts.event import Event, from_feed_line
from shared.http.trust import trusted

PAGE = 2000


class Feed(Protocol):
    """An owner's history, from any position."""

    def events(self, owner: str, after: int) -> AsyncIterator[tuple[list[Event], int, str]]:
        """Yield (events, position reached, time of asking) until the end of the store as it was when asked."""
        ...

    async def stream(self, owner: str, stream_id: UUID, after: int) -> Sequence[Event]:
        """Return one stream's events past a version."""
        ...

    async def head(self, owner: str) -> dict[str, Any]:
        """Return ``{"position", "now"}`` of an owner's store."""
        ...

    async def versions(self, owner: str, streams: Sequence[UUID]) -> dict[UUID, int]:
        """Return how far those of these streams (1,000 at most) have come that the owner has; asked once, without patience."""
        ...


class HttpFeed:
    """The owners' internal endpoints, called with short-lived tokens signed by the stack's key.

    Args:
        base_url: Owner -> origin of the process that serves it.
        token: Makes a token.
    """

    def __init__(self, base_url: Callable[[str], str], token: Callable[[], str]) -> None:
        self._base_url = base_url
        self._token = token
        self._client = httpx.AsyncClient(timeout=30, trust_env=False, verify=trusted())

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _get(self, owner: str, path: str, params: dict[str, int] | None = None) -> httpx.Response:
        url = f"{self._base_url(owner)}/api/v1/internal/{owner}/{path}"
        async for attempt in stamina.retry_context(on=httpx.HTTPError, timeout=120, attempts=None, wait_max=1.0):
            with attempt:
                response = await self._client.get(
                    url, params=params, headers={"Authorization": f"Bearer {self._token()}"}
                )
                response.raise_for_status()
        return response

    async def events(self, owner: str, after: int) -> AsyncIterator[tuple[list[Event], int, str]]:
        """Yield pages of events until the end."""
        while True:
            response = await self._get(owner, "events", {"after": after, "limit": PAGE})
            events = [from_feed_line(line) for line in response.content.splitlines() if line]
            after = max(after, events[-1].position if events else 0)
            yield events, after, response.headers["Ledgerdesk-Now"]
            if len(events) < PAGE:
                return

    async def stream(self, owner: str, stream_id: UUID, after: int) -> Sequence[Event]:
        """Return one stream's events past a version."""
        response = await self._get(owner, f"streams/{stream_id}", {"after": after})
        return [from_feed_line(line) for line in response.content.splitlines() if line]

    async def head(self, owner: str) -> dict[str, Any]:
        """Return the end of the owner's store."""
        result: dict[str, Any] = (await self._get(owner, "head")).json()
        return result

    async def versions(self, owner: str, streams: Sequence[UUID]) -> dict[UUID, int]:
        """Return how far these streams have come.

        Raises:
            httpx.HTTPError: The owner does not answer.
        """
        url = f"{self._base_url(owner)}/api/v1/internal/{owner}/versions"
        headers = {"Authorization": f"Bearer {self._token()}"}
        response = await self._client.post(url, json={"streams": [str(one) for one in streams]}, headers=headers)
        response.raise_for_status()
        return {UUID(stream): version for stream, version in response.json()["versions"].items()}


class NoFeed:
    """Stands where nothing is to be asked of the owners: folding what one has in hand."""

    def events(self, owner: str, after: int) -> AsyncIterator[tuple[list[Event], int, str]]:
        """Refuse.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError(f"nothing is to be asked of {owner} (after {after})")

    async def stream(self, owner: str, stream_id: UUID, after: int) -> Sequence[Event]:
        """Refuse.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError(f"nothing is to be asked of {owner} ({stream_id} after {after})")

    async def head(self, owner: str) -> dict[str, Any]:
        """Refuse.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError(f"nothing is to be asked of {owner}")

    async def versions(self, owner: str, streams: Sequence[UUID]) -> dict[UUID, int]:
        """Refuse.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError(f"nothing is to be asked of {owner} ({len(streams)} streams)")
