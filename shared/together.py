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
        self._waiting: dict[K, list[asyncio.Future[V | None]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """Return what is there for a key, None if nothing is.

        Raises:
            Exception: Whatever the query raised; everybody who shared it is told.
        """
        return await self.soon(key)

    def soon(self, key: K) -> asyncio.Future[V | None]:
        """Ask for a key and go on: the answer is there when it is awaited, or raises as in `get`. One question costs no task."""
        future: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="together")
        return future

    async def _work(self) -> None:
        try:
            while self._waiting:
                keys = list(self._waiting)[: self._most]
                asked = {key: self._waiting.pop(key) for key in keys}
                try:
                    found = await self._ask(keys)
                except BaseException as error:  # nobody may hang because one query failed
                    _tell(asked, error if isinstance(error, Exception) else ConnectionError("stopped"))
                    if not isinstance(error, Exception):
                        raise
                else:
                    for key, futures in asked.items():
                        for future in futures:
                            if not future.done():  # he gave up
                                future.set_result(found.get(key))
        finally:
            self._task = None


def _tell(asked: Mapping[K, Sequence[asyncio.Future[V | None]]], error: Exception) -> None:
    """Tell everybody who asked that it failed."""
    for futures in asked.values():
        for future in futures:
            if not future.done():
                future.set_exception(error)
                future.exception()  # read here as well: nobody may be left to read it
