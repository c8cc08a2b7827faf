"""Look-ups that are made at the same time share one query: the reading side of group commit."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Together(Generic[K, V]):
    """Asks for many keys at once what is asked for one by one.

    One query is under way at a time. What is asked for meanwhile waits for the next, so nobody is answered from before
    the moment of asking; alone, nobody waits.

    Args:
        ask: Answers keys; a key that it leaves out is not there.
        most: Keys in one query.
    """

    def __init__(self, ask: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], most: int = 200) -> None:
        self._ask = ask
        self._most = most
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """Return what is there for a key, None if nothing is.

        Raises:
            Exception: Whatever the query raised; everybody who shared it is told.
        """
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="together")
        return await asyncio.shield(future)  # somebody who gives up does not take the others' answer with him

    async def _work(self) -> None:
        try:
            while self._waiting:
                keys = list(self._waiting)[: self._most]
                asked = {key: self._waiting.pop(key) for key in keys}
                try:
                    found = await self._ask(keys)
                except BaseException as error:  # nobody may hang because one query failed
                    for future in asked.values():
                        future.set_exception(error if isinstance(error, Exception) else ConnectionError("stopped"))
                        future.exception()  # read here as well: nobody may be left to read it
                    if not isinstance(error, Exception):
                        raise
                else:
                    for key, future in asked.items():
                        future.set_result(found.get(key))
        finally:
            self._task = None
