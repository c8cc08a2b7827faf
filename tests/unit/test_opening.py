"""How many ticket numbers are drawn ahead: none where tickets come one by one, so that numbers have no gaps there."""

import asyncio

import pytest

from services.intake.opening import FRESH, MOST_AHEAD, Opening, ahead


@pytest.mark.parametrize(
    ("given", "seconds", "drawn"),
    [
        (1, 60.0, 0), (1, 0.15, 0), (2, 0.19, 0), (4, 0.1, 2), (30, 0.1, 15), (200, 0.1, MOST_AHEAD), (1000, FRESH + 0.01, 0),
        (1, float("inf"), 0), (3, 0.0, MOST_AHEAD),
    ],
)  # fmt: skip
def test_numbers_are_drawn_ahead_at_the_rate_at_which_they_were_wanted(given, seconds, drawn):
    assert ahead(given, seconds) == drawn


class Sequence:
    """PostgreSQL's, as far as numbers are drawn of it."""

    def __init__(self) -> None:
        self.last = 0
        self.draws: list[int] = []

    async def fetch(self, _query: str, count: int) -> list[tuple[str]]:
        self.draws.append(count)
        first, self.last = self.last + 1, self.last + count
        return [(str(number),) for number in range(first, self.last + 1)]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_many_at_once_share_draws_and_each_number_is_given_once():
    numbers, clock = Sequence(), Clock()
    opening = Opening(numbers, clock)
    given = []
    for _ in range(40):
        given += await asyncio.gather(*(opening.number() for _ in range(8)))
        clock.now += 0.01
    assert len(numbers.draws) < 20
    assert given == [str(n) for n in range(1, 321)], "in order, and none left out"


async def test_what_was_drawn_ahead_is_left_unused_after_a_while():
    numbers, clock = Sequence(), Clock()
    opening = Opening(numbers, clock)
    for _ in range(20):
        await asyncio.gather(*(opening.number() for _ in range(8)))
        clock.now += 0.01
    assert opening._ahead
    clock.now += FRESH + 0.01
    assert await opening.number() == str(numbers.last)
    assert numbers.draws[-1] == 1
