"""The supervisor, in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from shared.embedded import (
    SUPERVISED,
    EmbeddedPostgres,
    free_port,
    is_same_process,
    read_state,
    stop_process,
)
from shared.embedded.process import create_time
from shared.testing.servers import query
from shared.testing.wait import wait_until

ROOT = Path(__file__).parents[2]

DRIVER = """
import sys, signal
from pathlib import Path
from shared.embedded import Supervisor
from shared.embedded.process import ChildSpec
from shared.embedded.rundir import AlreadyRunningError
import logging

logging.basicConfig(level="INFO")
data = Path(sys.argv[1])

def child(name, code, **more):
    ready = data / f"{name}.ready"
    def argv():
        ready.unlink(missing_ok=True)
        return [sys.executable, "-c", code, name, str(data)]
    return ChildSpec(name=name, argv=argv, ready=ready.exists, **more)

GOOD = '''
import os, signal, sys
name, data = sys.argv[1:]
def note(what):
    with open(f"{data}/history", "a") as file:
        file.write(f"{name} {what}\\\\n")
def stop(*_):
    note("stopped")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
note("started")
open(f"{data}/{name}.ready", "w").close()
while True:
    signal.pause()
'''
DEAF = GOOD.replace("note(\\"started\\")", "signal.signal(signal.SIGTERM, signal.SIG_IGN); note(\\"started\\")")
PARENT = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']);" + GOOD
BAD = "import sys; print('no luck today'); sys.exit(3)"

CHILDREN
try:
    status = Supervisor(data, children, url="http://127.0.0.1:1", ports={"http": 1}).run(
        lambda: print("ready", flush=True)
    )
except AlreadyRunningError as error:
    print(error, flush=True)
    status = 75
sys.exit(status)
""".replace("\\\\\\\\n", "\\\\n")
USELESS_ONCE = """
from dataclasses import replace
from shared.embedded import UnusableError
found = []
def ready():
    found.append(0)
    if len(found) == 1:
        raise UnusableError("somebody was quicker")
    return good.ready()
good = child("good", GOOD)
children = [replace(good, ready=ready)]
"""
EARLY = """
from dataclasses import replace
first = replace(child("first", GOOD), ready=(data / "early.ready").exists)
children = [first, child("second", GOOD), child("early", GOOD, early=True)]
"""
LATER = """
from dataclasses import replace
from functools import partial
import time
begun = time.monotonic()
def takes(seconds):
    return lambda: time.monotonic() - begun > seconds
children = [replace(child("first", GOOD), ready=takes(3.5)), replace(child("early", GOOD, early=True), ready=takes(7))]
Supervisor = partial(Supervisor, start_timeout=5)
"""
FORKED = """
from shared.embedded import ForkServer
forks = ForkServer()
SERVER = '''
import sys
from shared.embedded import serve_forks
arguments = serve_forks()
if arguments is not None:
    sys.argv = arguments
    print("forked", arguments[1], flush=True)
    exec(GOOD)
'''.replace("GOOD", repr(GOOD))
def forked(name, **more):
    plain = child(name, GOOD)
    return replace(plain, argv=lambda: plain.argv()[2:], forked_by=forks, **more)
from dataclasses import replace
server = ChildSpec(
    name="forks", argv=lambda: [sys.executable, "-c", SERVER], stdin=forks.connect, ready=lambda: forks.loaded,
    early=True, only_to_start=True,
)
children = [child("first", GOOD), server, forked("second", early=True), forked("third")]
"""
TWO = "children = [child('first', GOOD, services=('ledger',)), child('second', GOOD)]"


@dataclass
class Driven:
    """A supervisor running in a subprocess."""

    data: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, children: str = TWO, *, wait: bool = True) -> subprocess.Popen[str]:
        script = self.data.with_suffix(".py")
        self.data.mkdir(exist_ok=True)
        script.write_text(textwrap.dedent(DRIVER.replace("CHILDREN", children)))
        with self.data.with_suffix(".err").open("a") as errors:
            process = subprocess.Popen(
                [sys.executable, str(script), str(self.data)],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self.started.append(process)
        if wait:
            assert process.stdout
            assert process.stdout.readline() == "ready\n", self.data.with_suffix(".err").read_text()
        return process

    def state(self) -> dict[str, Any]:
        state = read_state(self.data)
        assert state is not None
        return state

    def entry(self, name: str) -> dict[str, Any]:
        return next(e for e in self.state()["processes"] if e["name"] == name)

    def history(self) -> list[str]:
        return (self.data / "history").read_text().splitlines()

    def errors(self) -> str:
        return self.data.with_suffix(".err").read_text()

    def end(self) -> None:
        children = (read_state(self.data) or {"processes": []})["processes"]
        for process in self.started:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        for child in children:
            if child["pid"] and is_same_process(child["pid"], child["create_time"]):
                stop_process(child["pid"], signal.SIGKILL)


@pytest.fixture
def driven(tmp_path):
    driven = Driven(tmp_path / "data")
    yield driven
    driven.end()


def alive(entry: dict[str, Any]) -> bool:
    return is_same_process(entry["pid"], entry["create_time"])


def test_state_names_every_process(driven):
    supervisor = driven.start()
    state = driven.state()
    assert state["supervisor"]["pid"] == supervisor.pid
    assert is_same_process(supervisor.pid, state["supervisor"]["create_time"])
    assert (state["url"], state["ports"]) == ("http://127.0.0.1:1", {"http": 1})
    first, second = state["processes"]
    assert (first["name"], first["services"], first["restarts"], first["state"]) == ("first", ["ledger"], 0, "running")
    assert alive(first)
    assert alive(second)
    assert os.getsid(first["pid"]) == first["pid"] != os.getsid(supervisor.pid)
    assert (driven.data / "log" / "first.log").exists()


def test_the_supervisor_is_small(driven):
    supervisor = driven.start()
    assert psutil.Process(supervisor.pid).memory_info().rss < 25_000_000


def test_start_in_order_stop_in_reverse(driven):
    at = time.monotonic()
    supervisor = driven.start("children = [child(name, GOOD) for name in ('a', 'b', 'c')]")
    assert time.monotonic() - at < 1.5, "it slept between one child's being ready and the start of the next"
    supervisor.terminate()
    assert supervisor.wait(10) == 0
    assert driven.history() == ["a started", "b started", "c started", "c stopped", "b stopped", "a stopped"]
    assert read_state(driven.data) is None


def test_a_child_that_loads_early_is_not_waited_for_and_stopped_in_its_place(driven):
    supervisor = driven.start(EARLY)
    supervisor.terminate()
    assert supervisor.wait(10) == 0
    begun, ended = driven.history()[:3], driven.history()[3:]
    assert (sorted(begun[:2]), begun[2]) == (["early started", "first started"], "second started")
    assert ended == ["early stopped", "second stopped", "first stopped"]


def test_a_child_that_loads_early_is_not_late_because_another_one_was(driven):
    driven.start(LATER)
    assert driven.entry("early")["state"] == "running"


def test_a_killed_child_is_started_again_at_once(driven):
    driven.start()
    old = driven.entry("first")
    other = driven.entry("second")
    at = time.monotonic()
    os.kill(old["pid"], signal.SIGKILL)
    wait_until(lambda: driven.entry("first")["state"] == "restarting", message="the death to be noticed")
    assert time.monotonic() - at < 0.1
    wait_until(lambda: driven.entry("first")["state"] == "running", message="the restart")
    assert driven.entry("first")["restarts"] == 1
    assert driven.entry("first")["pid"] != old["pid"]
    assert driven.entry("second") == other


def test_a_child_that_says_it_is_of_no_use_is_started_again(driven):
    driven.start(USELESS_ONCE)
    assert (driven.entry("good")["restarts"], driven.entry("good")["state"]) == (1, "running")
    assert "good is of no use: somebody was quicker" in driven.errors()


def test_a_child_that_keeps_dying_is_started_later_and_later(driven):
    driven.start()
    gaps = []
    for restarts in range(1, 5):
        os.kill(driven.entry("first")["pid"], signal.SIGKILL)
        at = time.monotonic()
        wait_until(lambda n=restarts: driven.entry("first")["restarts"] == n, message="the restart")
        gaps.append(time.monotonic() - at)
        wait_until(lambda: driven.entry("first")["state"] == "running", message="the child")
    assert gaps[0] < 0.2
    assert gaps == sorted(gaps)
    assert gaps[-1] > 0.7


def test_descendants_of_a_dead_child_go_with_it(driven):
    driven.start("children = [child('parent', PARENT)]")
    pid = driven.entry("parent")["pid"]
    (grandchild,) = psutil.Process(pid).children()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: create_time(grandchild.pid) is None, message="the grandchild's end")


def test_repeated_signals_are_harmless_and_a_deaf_child_is_killed(driven):
    supervisor = driven.start("children = [child('good', GOOD), child('deaf', DEAF, stop_timeout=0.5)]")
    deaf = driven.entry("deaf")

    def hurry() -> bool:
        for sig in (signal.SIGTERM, signal.SIGINT):
            supervisor.send_signal(sig)
        return supervisor.poll() is not None

    wait_until(hurry, message="the end")
    assert supervisor.returncode == 0
    assert not alive(deaf)
    assert driven.history()[-1] == "good stopped"


def test_a_stop_asked_for_during_the_start_is_obeyed(driven):
    never = "children = [child('good', GOOD), child('never', GOOD.replace('.ready', '.not'))]"
    supervisor = driven.start(never, wait=False)
    wait_until((driven.data / "never.not").exists, message="the second child")
    supervisor.terminate()
    assert supervisor.wait(10) == 0
    assert driven.history()[-2:] == ["never stopped", "good stopped"]


def test_a_child_that_cannot_start_ends_the_start_with_its_log(driven):
    supervisor = driven.start("children = [child('good', GOOD), child('bad', BAD)]", wait=False)
    assert supervisor.wait(10) == 1
    assert "no luck today" in driven.errors()
    assert driven.history() == ["good started", "good stopped"]


def test_two_supervisors_never_share_a_data_directory(driven):
    first = driven.start()
    second = driven.start(wait=False)
    message, _ = second.communicate(timeout=10)
    assert second.returncode == 75
    assert f"kill {first.pid}" in message
    assert "LEDGERDESK_DATA" in message
    assert driven.history() == ["first started", "second started"]


def test_what_a_killed_supervisor_left_is_ended_and_started_anew(driven):
    supervisor = driven.start("children = [child('first', PARENT), child('second', PARENT)]")
    left = driven.state()["processes"]
    grandchildren = [child for entry in left for child in psutil.Process(entry["pid"]).children()]
    supervisor.kill()
    supervisor.wait()
    assert all(map(alive, left))
    # One died in between: only its descendants are left.
    os.kill(left[0]["pid"], signal.SIGKILL)
    wait_until(lambda: not alive(left[0]))

    driven.start("children = [child('first', PARENT), child('second', PARENT)]")
    assert not any(map(alive, left))
    assert [create_time(child.pid) for child in grandchildren] == [None, None]
    assert driven.history()[2:] == ["second stopped", "first started", "second started"]
    assert {entry["pid"] for entry in driven.state()["processes"]}.isdisjoint({entry["pid"] for entry in left})


def test_a_child_that_did_not_get_into_the_state_is_ended_too(driven):
    supervisor = driven.start()
    left = driven.state()["processes"]
    supervisor.kill()
    supervisor.wait()
    (driven.data / "run" / "state.json").unlink()
    driven.start()
    assert not any(map(alive, left))


def test_a_reused_pid_is_left_alone(driven):
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True) as stranger:
        run = driven.data / "run"
        run.mkdir(parents=True)
        long_ago = {"pid": stranger.pid, "create_time": time.time() - 3600}
        dead = {"name": "first", "services": [], "restarts": 0, "state": "running", **long_ago}
        (run / "state.json").write_text(json.dumps({"supervisor": long_ago, "processes": [dead]}))
        driven.start()
        assert stranger.poll() is None
        stranger.kill()


def test_an_unreadable_state_does_not_stop_a_start(driven):
    (driven.data / "run").mkdir(parents=True)
    (driven.data / "run" / "state.json").write_text("{half")
    driven.start()


def test_supervised_servers_are_taken_over(driven):
    children = """
from shared.embedded import EmbeddedBroker, EmbeddedPostgres
postgres, broker = EmbeddedPostgres(data / "postgres"), EmbeddedBroker(data / "broker", PORT)
postgres.initialise(sync=False)
children = [postgres.child(), broker.child()]
""".replace("PORT", str(free_port()))
    first = driven.start(children)
    left = driven.state()["processes"]
    postgres = EmbeddedPostgres(driven.data / "postgres")
    query(postgres.dsn(), "CREATE TABLE taken_over ()")
    first.kill()
    first.wait()
    second = driven.start(children)
    assert not any(map(alive, left))
    assert query(postgres.dsn(), "SELECT count(*) FROM taken_over") == 0
    assert "not properly shut down" not in (driven.data / "log" / "postgres.log").read_text()
    second.terminate()
    assert second.wait(20) == 0


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
