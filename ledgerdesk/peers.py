"""The other processes of a stack whose services run apart: are they ready, and how far have they come?

One origin answers for the whole stack. Where all services share a process, or an embedded stack, there are no peers.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx

from shared.http.problems import Problem
from shared.http.trust import trusted
from shared.settings import SERVICES, Settings

TIMEOUT = 3.0


def peers(settings: Settings, here: Sequence[str]) -> dict[str, str]:
    """Return the services that other processes serve, with their origins; none unless LEDGERDESK_SERVICE_URLS is set."""
    if not settings.service_urls:
        return {}
    return {name: settings.url_of(name) for name in SERVICES if name not in here}


async def _ask(client: httpx.AsyncClient, url: str, token: str | None = None) -> httpx.Response | None:
    """Return a good answer, or nothing."""
    try:
        response = await client.get(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    except httpx.HTTPError:
        return None
    return response if response.is_success else None


async def _ask_all(others: dict[str, str], path: str, token: str | None = None) -> dict[str, httpx.Response | None]:
    async with httpx.AsyncClient(timeout=TIMEOUT, trust_env=False, verify=trusted()) as client:
        answers = await asyncio.gather(*(_ask(client, url + path, token) for url in others.values()))
    return dict(zip(others, answers, strict=True))


async def not_ready(settings: Settings, here: Sequence[str]) -> list[str]:
    """Return those services of other processes that are not ready."""
    answers = await _ask_all(peers(settings, here), "/readyz")
    return [name for name, answer in answers.items() if answer is None]


async def projections(settings: Settings, here: Sequence[str], token: str) -> dict[str, list[Any]]:
    """Return where the other processes' projections and stores stand.

    Raises:
        Problem: 503, one of them does not say: an answer without it would look as if all were well.
    """
    answers = await _ask_all(peers(settings, here), "/api/v1/internal/projections?local=true", token)
    silent = [name for name, answer in answers.items() if answer is None]
    if silent:
        raise Problem(503, f"Not answering just now: {', '.join(silent)}.", headers={"Retry-After": "1"})
    found = [answer.json() for answer in answers.values() if answer is not None]
    return {part: [item for one in found for item in one[part]] for part in ("projections", "owners")}
