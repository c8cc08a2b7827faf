"""The clock of one process is set back an hour while it works: order and causes stay as they are."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from shared.testing.wait import wait_until
from tests.faults.trial import Trial, trial


def library() -> str:
    """Return libfaketime's path (Debian's package `faketime`)."""
    found = sorted(Path("/usr/lib").glob("**/faketime/libfaketime.so.1"))
    assert found, "this test needs Debian's package faketime: apt-get install faketime"
    return str(found[0])


@pytest.mark.parametrize("process", ["http", "worker"])
def test_a_clock_that_is_an_hour_slow(one, process):
    def set_back(at: Trial) -> None:
        victim = at.desk.processes[process]
        victim.end()
        at.killed = True
        victim.start(LD_PRELOAD=library(), FAKETIME="-3600s", FAKETIME_DONT_FAKE_MONOTONIC="1", DONT_FAKE_MONOTONIC="1")
        at.work(60, timeout=120)
        victim.end()
        victim.start()
        wait_until(at.desk.ready, timeout=60, message="HTTP with a clock that is right again")

    trial(one, f"clock of {process} an hour slow", "outage", set_back)
    backwards, before_cause = asyncio.run(_order(one.dsn))
    assert backwards == 0, "no stream goes back in time"
    assert before_cause == 0, "no effect is dated before its cause"


async def _order(dsn: str) -> tuple[int, int]:
    """Return how many events are dated before the one before them, and how many reactions before their cause."""
    connection = await asyncpg.connect(dsn)
    try:
        backwards = await connection.fetchval(
            """
            SELECT count(*) FROM (
                SELECT occurred_at, lag(occurred_at) OVER (PARTITION BY stream_id ORDER BY version) AS before FROM workflow.event
            ) e WHERE occurred_at < before
            """
        )
        before_cause = await connection.fetchval(
            "SELECT count(*) FROM routing.event r JOIN intake.event i ON i.event_id = (r.meta ->> 'cause')::uuid "
            "WHERE r.occurred_at <= i.occurred_at"
        )
    finally:
        await connection.close()
    return backwards, before_cause
