"""How long a relay waits for its next page: by what has come of late, not by what its last page held."""

import asyncio

import pytest

from shared.relay import PAUSE, PAUSE_WHEN_BUSY, Relay


def relay() -> Relay:
    async def nothing() -> None:
        raise AssertionError("it is not started")

    return Relay("intake", nothing, nothing, asyncio.Event())  # type: ignore[arg-type] # neither is called


def pauses(rate: float, cycle: float, seconds: float = 2.0) -> list[float]:
    """Return the pauses of a relay to which so many events a second come, and which sends a page each cycle."""
    one, now, sent, found = relay(), 100.0, 0, []
    while now < 100 + seconds:
        now += cycle
        due = int((now - 100) * rate)
        found.append(one._pause(due - sent, now))
        sent = due
    return found


@pytest.mark.parametrize("cycle", [0.008, 0.02], ids=["short pages", "long pages"])
def test_the_length_of_a_page_does_not_decide(cycle):
    assert set(pauses(200, cycle)[-20:]) == {PAUSE}
    assert set(pauses(320, cycle)[-20:]) == {PAUSE_WHEN_BUSY}


def test_one_large_page_after_silence_makes_no_busy_relay_for_long():
    one = relay()
    one._pause(0, 100.0)
    one._pause(40, 101.0)
    assert one._pause(1, 101.3) == PAUSE
