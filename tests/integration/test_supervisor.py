"""The supervisor, in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil

from shared.embedded import EmbeddedPostgres, free_port, is_same_process, read_state
from shared.embedded.process import create_time
from shared.testing.servers import query
from shared.testing.wait import wait_until
from tests.integration.driven import EARLY, GETTING_ON, LATER, USELESS_ONCE, alive


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


def test_a_child_that_gets_on_is_not_late(driven):
    driven.start(GETTING_ON.replace("PACE", "0.5"))
    assert driven.entry("slow")["state"] == "running"
    assert "slow is counting: " in driven.errors()


def test_a_child_that_gets_on_no_more_is_late(driven):
    supervisor = driven.start(GETTING_ON.replace("PACE", "100"), wait=False)
    assert supervisor.wait(10) == 1
    assert "slow does not start: it does not get ready" in driven.errors()


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
    born = create_time(grandchild.pid)
    assert born is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: driven.entry("parent")["restarts"] == 1, message="the restart")
    assert not is_same_process(grandchild.pid, born), "it ended before its parent's successor began"


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
    assert (driven.data / "prepared").read_text() == "once\n", "whoever is refused has touched nothing"


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
    supervisor = driven.start()
    assert driven.state()["supervisor"]["pid"] == supervisor.pid
    assert driven.entry("second")["state"] == "running"


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
