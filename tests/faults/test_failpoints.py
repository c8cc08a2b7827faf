"""A process dies at each of the kernel's named points, under load; nothing is lost, doubled or skipped."""

import pytest

from shared.failpoints import POINTS
from shared.testing.wait import wait_until
from tests.faults.trial import Trial, trial

AT_START = {"on-assign"}
"""Points that a process comes to when it starts."""


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("passes", [0, 7])
def test_kill_9_at(one, point, passes):
    def die(at: Trial) -> None:
        desk = at.desk
        if point in AT_START:
            desk.processes["worker"].end()
        (desk.points / point).write_text(str(passes if point not in AT_START else 0))
        if point in AT_START:
            desk.processes["worker"].start()

        def dead() -> bool:
            return any(not process.lives() for process in desk.processes.values())

        wait_until(dead, timeout=60, message=f"nobody came to {point}")
        victims = [process for process in desk.processes.values() if not process.lives()]
        at.killed = [process.died_of() for process in victims] == [9]
        desk.keep_up()

    if point in AT_START and passes:
        passes = 0
    trial(one, f"{point} after {passes}" if passes else point, "failpoint", die)
    assert not (one.points / point).exists()
