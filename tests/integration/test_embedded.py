"""The embedded servers and their supervisor, with real processes."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from shared.embedded import (
    EmbeddedBroker,
    EmbeddedPostgres,
    PostgresError,
    TemporaryPostgres,
    free_port,
    is_same_process,
    read_state,
    stop_process,
    temporary_broker,
    temporary_postgres,
)
from shared.embedded.process import create_time, rotate_log
from shared.service_names import POOL, SERVICES
from shared.testing.wait import wait_until, wait_until_async

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def postgres() -> Iterator[TemporaryPostgres]:
    with temporary_postgres() as server:
        yield server


def query(dsn: str, sql: str) -> Any:
    async def ask() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())


# PostgreSQL


def test_postgres_answers_durably_and_in_unicode(postgres):
    assert postgres.ready()
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert query(postgres.dsn(), f"SHOW {setting}") == "on"
    assert query(postgres.dsn(), "SELECT lower('ÄÉŽ')") == "äéž"
    assert query(postgres.dsn(), "SHOW server_encoding") == "UTF8"
    assert psutil.Process(postgres.process.pid).uids().real != 0


async def test_every_pool_of_a_stack_may_be_full_at_once(postgres):
    """What one more would be told is "too many clients", and its request 503."""
    wanted = len(SERVICES) * (2 * POOL + 3)  # two processes' pools; a relay, a reactor, a listener of each
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(wanted):
            connection = await asyncpg.connect(postgres.dsn())
            stack.push_async_callback(connection.close)
        assert await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle'") == wanted - 1


def test_a_database_is_made_once(postgres):
    for _ in range(2):
        postgres.ensure_database("ledger")
    assert query(postgres.dsn("ledger"), "SELECT current_database()") == "ledger"
    with pytest.raises(ValueError, match="lower-case"):
        postgres.ensure_database('x"; DROP')


def test_initialise_keeps_what_is_there(postgres):
    query(postgres.dsn(), "CREATE TABLE kept_by_initialise ()")
    postgres.initialise()
    postgres.process.restart()
    assert query(postgres.dsn(), "SELECT count(*) FROM kept_by_initialise") == 0


def test_a_killed_postmaster_comes_back_with_its_data_while_a_backend_still_computes(postgres):
    busy: list[int] = []

    async def compute() -> None:
        connection = await asyncpg.connect(postgres.dsn())
        busy.append(await connection.fetchval("SELECT pg_backend_pid()"))
        with contextlib.suppress(Exception):  # whatever a client sees of a crash
            await connection.execute("SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 100000) b")

    async def crash() -> None:
        computing = asyncio.create_task(compute())
        await wait_until_async(lambda: busy and psutil.Process(busy[0]).cpu_percent(0.05) > 0, message="a busy backend")
        await asyncio.to_thread(postgres.process.kill)
        assert psutil.pid_exists(busy[0])
        assert (postgres.data / "postmaster.pid").exists()
        assert not postgres.ready()
        await asyncio.to_thread(postgres.process.start)
        await computing

    query(postgres.dsn(), "CREATE TABLE survives AS SELECT 42 AS answer")
    asyncio.run(crash())
    assert query(postgres.dsn(), "SELECT answer FROM survives") == 42
    assert create_time(busy[0]) is None


def test_an_interrupted_initdb_is_begun_again(tmp_path):
    server = EmbeddedPostgres(tmp_path / "postgres")
    (tmp_path / "postgres" / "data.new").mkdir(parents=True)
    (tmp_path / "postgres" / "data.new" / "PG_VERSION").write_text("18\n")
    server.initialise(sync=False)
    assert (server.data / "global" / "pg_control").exists()


def test_a_long_path_gets_a_short_socket_folder(tmp_path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with temporary_postgres(deep) as server:
        assert not server.sockets.is_relative_to(deep)
        assert query(server.dsn(), "SELECT 1") == 1
    assert not server.sockets.exists()


def test_a_socket_folder_of_somebody_else_is_refused(tmp_path):
    server = EmbeddedPostgres(tmp_path / "postgres")
    (tmp_path / "elsewhere").mkdir()
    server.directory.mkdir()
    server.sockets.symlink_to(tmp_path / "elsewhere")
    with pytest.raises((PostgresError, FileExistsError)):
        server.initialise(sync=False)


# The broker


async def cluster_id(server: EmbeddedBroker) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=server.bootstrap_servers)
    await admin.start()
    try:
        return (await admin.describe_cluster())["cluster_id"]
    finally:
        await admin.close()


def test_the_broker_has_a_new_cluster_id_at_every_start():
    with temporary_broker() as server:
        first = asyncio.run(cluster_id(server))
        assert first.startswith("ledgerdesk-")
        assert server.cluster_id() == first
        server.process.kill()
        assert not server.ready()
        server.process.start()
        assert asyncio.run(cluster_id(server)) not in {first, None}


def test_the_broker_listens_on_loopback_only():
    with temporary_broker() as server:
        listening = [c.laddr for c in psutil.Process(server.process.pid).net_connections() if c.status == "LISTEN"]
        assert listening == [("127.0.0.1", server.port)]


def test_a_binary_without_exec_bit_is_copied(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("shared.embedded.broker.os.access", lambda *_: False)
    server = EmbeddedBroker(tmp_path / "broker", free_port())
    assert server.child().argv()[0] == str(tmp_path / "broker" / "tansu")
    assert (tmp_path / "broker" / "tansu").stat().st_mode & 0o100
    assert not (tmp_path / "home").exists()


# Processes


def test_a_free_port_is_none_that_outgoing_connections_use():
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert 1024 <= free_port() < lowest


def test_a_reused_pid_is_another_process():
    born = create_time(os.getpid())
    assert born
    assert is_same_process(os.getpid(), born)
    assert not is_same_process(os.getpid(), born - 60)


def test_stop_process_kills_what_does_not_listen():
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        assert not stop_process(process.pid, timeout=0.2)
        assert process.wait() == -signal.SIGKILL
    assert stop_process(process.pid)


def test_logs_are_rotated_by_size(tmp_path):
    log = tmp_path / "child.log"
    for text in ("one", "two", "three", "four", "five"):
        log.write_text(text)
        rotate_log(log, limit=3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["child.log.1", "child.log.2", "child.log.3"]
    assert (tmp_path / "child.log.1").read_text() == "five"
    log.write_text("no")
    rotate_log(log, limit=3)
    assert log.exists()


# The supervisor, in a process of its own

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
