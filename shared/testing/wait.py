"""Waiting for a condition: what tests do instead of sleeping for a time that is hoped to be enough."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar, overload

T = TypeVar("T")

_INTERVAL_SECONDS = 0.01


def wait_until(condition: Callable[[], T], *, timeout: float = 10.0, message: str = "") -> T:
    """Call `condition` until it returns something true, and return that.

    Args:
        condition: Asked every 10 ms; what it raises goes through.
        timeout: Seconds before giving up.
        message: What is waited for, for the error.

    Raises:
        TimeoutError: It stayed false.
    """
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() >= deadline:
            raise TimeoutError(_late(timeout, message, value))
        time.sleep(_INTERVAL_SECONDS)
    return value


@overload
async def wait_until_async(
    condition: Callable[[], Coroutine[Any, Any, T]],
    *,
    timeout: float = ...,  # noqa: ASYNC109 - see below
    message: str = ...,
) -> T: ...
@overload
async def wait_until_async(
    condition: Callable[[], T],
    *,
    timeout: float = ...,  # noqa: ASYNC109 - see below
    message: str = ...,
) -> T: ...
async def wait_until_async(
    condition: Callable[[], Any],
    *,
    timeout: float = 10.0,  # noqa: ASYNC109 - the error names what is late, which asyncio.timeout cannot
    message: str = "",
) -> Any:
    """Await `condition`, a function or a coroutine function, until it gives something true, and return that.

    Args:
        condition: Asked every 10 ms; what it raises goes through.
        timeout: Seconds before giving up; a condition that hangs is cancelled then.
        message: What is waited for, for the error.

    Raises:
        TimeoutError: It stayed false.
    """
    value: object = None
    limit = asyncio.timeout(timeout)
    try:
        async with limit:
            while True:
                value = condition()
                if isinstance(value, Awaitable):
                    value = await value
                if value:
                    return value
                await asyncio.sleep(_INTERVAL_SECONDS)
    except TimeoutError:
        if not limit.expired():
            raise  # the condition's own
        raise TimeoutError(_late(timeout, message, value)) from None


def _late(timeout: float, message: str, value: object) -> str:
    return f"not within {timeout:g} s: {message or 'the condition'} (last value: {value!r})"
