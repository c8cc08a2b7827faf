"""Look-ups made at the same time share a query, and none is answered from before it was made."""

import asyncio

import pytest

from shared.together import Together


class Table:
    """Answers after it is let, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.value = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def ask(self, keys):
        self.asked.append(list(keys))
        now = self.value  # as a snapshot: taken when the query begins
        await self.gate.wait()
        return {key: now for key in keys if key != "nothing"}


async def test_what_is_asked_during_a_query_waits_for_the_next_and_shares_it():
    table = Table()
    together = Together(table.ask)
    table.gate.clear()
    first = asyncio.create_task(together.get("a"))
    while not table.asked:
        await asyncio.sleep(0)
    table.value = 1
    others = [asyncio.create_task(together.get(key)) for key in ("a", "b", "b", "nothing")]
    await asyncio.sleep(0)
    table.gate.set()
    assert await first == 0
    assert await asyncio.gather(*others) == [1, 1, 1, None], "answered from a query that began before they asked"
    assert table.asked == [["a"], ["a", "b", "nothing"]]


async def test_a_query_that_fails_tells_everybody_and_the_next_one_works():
    table = Table()

    async def fail(keys):
        raise OSError(f"gone: {keys}")

    together = Together(fail)
    results = await asyncio.gather(together.get("a"), together.get("b"), return_exceptions=True)
    assert [type(one) for one in results] == [OSError, OSError]
    together._ask = table.ask
    assert await together.get("a") == 0


async def test_somebody_who_gives_up_takes_nobodys_answer_with_him():
    table = Table()
    together = Together(table.ask)
    table.gate.clear()
    hasty, patient = asyncio.create_task(together.get("a")), asyncio.create_task(together.get("a"))
    while not table.asked:
        await asyncio.sleep(0)
    hasty.cancel()
    table.gate.set()
    assert await patient == 0
    with pytest.raises(asyncio.CancelledError):
        await hasty


async def test_a_query_holds_only_so_many_keys():
    table = Table()
    together = Together(table.ask, most=2)
    assert await asyncio.gather(*(together.get(str(n)) for n in range(5))) == [0] * 5
    assert [len(keys) for keys in table.asked] == [2, 2, 1]
