"""Waiting for what is on its way: a view, or the directory, that has not heard of something yet."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

WAIT = 2.0
"""Seconds for which somebody is kept waiting."""

T = TypeVar("T")


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
