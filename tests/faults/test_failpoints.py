"""A process dies at each of the kernel's named points, under load; nothing is lost, doubled or skipped."""

from collections.abc import Callable

import pytest

from shared.failpoints import POINTS
from shared.testing.wait import wait_until
from tests.faults.trial import Trial, trial

AT_START = "on-assign"
"""The point that a process comes to when it starts."""


def die_at(point: str, passes: int = 0) -> Callable[[Trial], None]:
    """Return a fault: whoever comes to the point for the so-manieth time dies there, and is started again."""

    def die(at: Trial) -> None:
        desk = at.desk
        if point == AT_START:
            desk.processes["worker"].end()
        (desk.points / point).write_text(str(0 if point == AT_START else passes))
        if point == AT_START:
            desk.processes["worker"].start()
        always = [desk.processes[name] for name in ("http", "worker")]
        wait_until(
            lambda: any(not process.lives() for process in always),
            timeout=90,
            message=f"nobody came to {point}: {at.logs()}",
        )
        victims = [process for process in always if not process.lives()]
        at.killed = [process.died_of() for process in victims] == [9]
        desk.keep_up()

    return die


@pytest.mark.parametrize("passes", [0, 7])
@pytest.mark.parametrize("point", POINTS)
def test_kill_9_at(one, point, passes):
    trial(one, f"{point}, passed {passes} times" if passes else point, "failpoint", die_at(point, passes))
    assert not (one.points / point).exists(), "somebody died of it"
