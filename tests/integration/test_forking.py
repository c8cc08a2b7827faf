"""Children that are forked, and tasks, under a supervisor in a process of its own."""

import os
import signal
from pathlib import Path

import psutil

from shared.embedded import SUPERVISED
from shared.testing.wait import wait_until
from tests.integration.driven import FORKED, Driven, alive


def resting(driven: Driven) -> bool:
    return [e["state"] for e in driven.state()["processes"]] == ["running", "resting", "running", "running"]


def test_a_forked_child_is_a_child_like_another(driven):
    supervisor = driven.start(FORKED)
    second = psutil.Process(driven.entry("second")["pid"])
    assert second.ppid() == supervisor.pid
    assert os.getsid(second.pid) == second.pid
    assert Path(f"/proc/{second.pid}/comm").read_text() == "second\n"
    assert (driven.data / "log" / "second.log").read_text() == "forked second\n"
    assert second.environ()[SUPERVISED].startswith(str(driven.data))
    assert Path(f"/proc/{second.pid}/fd/0").readlink() == Path(os.devnull)
    assert sorted(fd.name for fd in Path(f"/proc/{second.pid}/fd").iterdir()) == ["0", "1", "2"]
    supervisor.terminate()
    assert supervisor.wait(10) == 0
    assert driven.history()[-3:] == ["third stopped", "second stopped", "first stopped"]


def test_the_fork_server_is_there_only_while_others_start(driven):
    driven.start(FORKED)
    wait_until(lambda: resting(driven))
    server, second = driven.entry("forks"), driven.entry("second")
    assert (server["pid"], server["restarts"]) == (None, 0)
    os.kill(second["pid"], signal.SIGKILL)
    wait_until(lambda: driven.entry("second")["pid"] not in {None, second["pid"]} and resting(driven))
    assert driven.entry("second")["restarts"] == 1
    assert driven.entry("third")["restarts"] == 0
    assert driven.entry("forks")["restarts"] == 1
    assert "second ended with status -9" in driven.errors()


def test_a_fork_server_that_dies_is_started_again(driven):
    broken = FORKED.replace(
        "import sys\n", "import sys, os\nif not os.path.exists('MARK'): open('MARK', 'w').close(); sys.exit(4)\n", 1
    )
    driven.start(broken.replace("MARK", str(driven.data / "mark")))
    assert "forks ended with status 4" in driven.errors()
    assert [e["state"] for e in driven.state()["processes"] if e["name"] != "forks"] == ["running"] * 3


def test_nobody_asked_is_left_when_the_supervisor_is_killed(driven):
    stuck = FORKED.replace('forked("third")', 'replace(forked("third"), ready=lambda: False)')
    supervisor = driven.start(stuck, wait=False)
    wait_until((driven.data / "third.ready").exists)
    server = driven.entry("forks")
    assert alive(server)
    supervisor.kill()
    supervisor.wait()
    wait_until(lambda: not alive(server), message="the fork server hears that nobody can ask it any more")


def test_orphans_that_end_are_reaped(driven):
    """The supervisor takes orphans, so the dead among them are its to bury, whoever made them."""
    orphan = "import os\nif os.fork() == 0:\n    if os.fork() == 0:\n        os.execvp('true', ['true'])\n    os._exit(0)\nos.wait()\n"
    supervisor = driven.start(f"children = [child('first', {orphan!r} + GOOD)]")
    wait_until(lambda: len(psutil.Process(supervisor.pid).children()) == 1, message="only the child is left")
    assert psutil.Process(supervisor.pid).children()[0].pid == driven.entry("first")["pid"]


def test_a_fork_server_that_cannot_load_is_what_the_start_fails_of(driven):
    waits = "children = [server, replace(child('first', GOOD), ready=lambda: forks.loaded), forked('second')]"
    broken = FORKED.replace("import sys\n", "raise SystemExit('no such package')\n", 1)
    supervisor = driven.start(broken + waits, wait=False)
    assert supervisor.wait(30) == 1
    assert "forks does not start" in driven.errors()
    assert "no such package" in driven.errors()


ONCE = "import os\nif not os.path.exists('MARK'): open('MARK', 'w').close(); "


def test_a_forked_child_hands_on_its_standard_input(driven):
    """What is started by it must not find that its first file is number 0."""
    asks = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import sys; print(sys.stdin is None)']);"
    driven.start(FORKED.replace("exec(GOOD)", f"exec({asks!r}); exec(GOOD)"))
    assert (driven.data / "log" / "second.log").read_text() == "forked second\nFalse\n"


def test_a_fork_server_that_answers_no_more_is_killed_and_its_child_made_once(driven):
    stops = """
import json, os, shared.embedded.forking
shared.embedded.forking._ANSWER_SECONDS = 0.5
frozen = []
def freezes():
    if not forks.loaded:
        return False
    if not frozen and (data / "first.ready").exists():
        state = json.loads((data / "run" / "state.json").read_text())
        frozen.extend(p["pid"] for p in state["processes"] if p["name"] == "forks" and p["state"] == "running")
        if not frozen:
            return False
        os.kill(frozen[0], signal.SIGSTOP)
    return bool(frozen)
children = [server, replace(child("first", GOOD), ready=freezes), forked("second")]
"""
    supervisor = driven.start(FORKED + stops)
    wait_until(lambda: driven.entry("forks")["state"] == "resting")
    assert "second could not be started: timed out" in driven.errors()
    assert driven.history() == ["first started", "second started"]
    assert driven.entry("forks")["restarts"] == 1
    ours = {entry["pid"] for entry in driven.state()["processes"]} - {None}
    assert {one.pid for one in psutil.Process(supervisor.pid).children()} == ours


def test_a_child_of_which_nobody_knows_does_nothing(driven):
    """The supervisor asks, has gone when the answer comes, and the child ends: it would never be stopped."""
    hangs_up = """
import shared.embedded.forking as forking
real = forking._pid_in
def hung_up(answer):
    pid = real(answer)
    if not (data / "hung-up").exists():
        (data / "hung-up").write_text(str(pid))
        raise OSError("hung up")
    return pid
forking._pid_in = hung_up
children = [server, forked("second")]
"""
    driven.start(FORKED + hangs_up)
    assert "second could not be started: hung up" in driven.errors()
    assert driven.history() == ["second started"]
    stranger = int((driven.data / "hung-up").read_text())
    assert stranger != driven.entry("second")["pid"]
    wait_until(lambda: not psutil.pid_exists(stranger), message="it has ended, and was reaped")


def test_no_room_for_another_process_is_said_and_tried_again(driven):
    full = (
        ONCE.replace("MARK", str(driven.data / "mark"))
        + "os.fork = lambda: (_ for _ in ()).throw(OSError(11, 'no room'))\nimport sys\n"
    )
    driven.start(FORKED.replace("import sys\n", full, 1))
    assert "could not be started: [Errno 11] no room" in driven.errors()
    assert driven.entry("second")["state"] == "running"


def test_a_resting_fork_server_that_does_not_end_is_killed(driven):
    deaf = FORKED.replace(
        "arguments = serve_forks()",
        "arguments = serve_forks()\nif arguments is None:\n    import time; time.sleep(60)",
        1,
    )
    driven.start(deaf)
    wait_until(lambda: resting(driven), timeout=15)
    assert driven.entry("forks")["restarts"] == 0


TASKS = """
from dataclasses import replace
TASK = GOOD.partition("while True")[0]
task = child("task", TASK, task_of="second")
children = [child("first", GOOD), child("second", GOOD), replace(task, ready=lambda: True), child("third", GOOD)]
"""


def test_a_task_ends_and_is_done_again_after_every_start_of_its_owner(driven):
    driven.start(TASKS)
    assert driven.history() == ["first started", "second started", "task started", "third started"]
    assert (driven.entry("task")["state"], driven.entry("task")["pid"]) == ("done", None)
    os.kill(driven.entry("first")["pid"], signal.SIGKILL)
    wait_until(lambda: driven.entry("first")["restarts"] == 1 and driven.entry("first")["state"] == "running")
    os.kill(driven.entry("second")["pid"], signal.SIGKILL)
    wait_until(lambda: driven.entry("second")["restarts"] == 1 and driven.entry("task")["state"] == "done")
    assert driven.history()[4:] == ["first started", "second started", "task started"]


def test_a_task_that_fails_is_tried_later_and_later_and_holds_up_those_after_it(driven):
    fails = TASKS.replace(
        "TASK = ",
        "COUNT = \"import os, sys; n = len(open(sys.argv[2] + '/history').readlines()); sys.exit(5) if n < 4 else None\\n\"\nTASK = ",
    )
    fails = fails.replace('child("task", TASK,', 'child("task", TASK + COUNT,')
    driven.start(fails)
    assert driven.history() == ["first started", "second started", "task started", "task started", "third started"]
    assert "task ended with status 5; starting it again in 0.1 s" in driven.errors()


def test_a_task_about_an_owner_that_died_is_given_up(driven):
    hangs = TASKS.replace('partition("while True")[0]', 'replace("pass", "pass")')
    driven.start(hangs, wait=False)
    wait_until((driven.data / "task.ready").exists)
    old = driven.entry("task")
    os.kill(driven.entry("second")["pid"], signal.SIGKILL)
    wait_until(lambda: driven.history().count("task started") == 2)
    assert not alive(old)
    assert "third started" not in driven.history()
