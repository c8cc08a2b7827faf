"""The embedded servers, with real processes."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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
    stop_process,
    temporary_broker,
    temporary_postgres,
)
from shared.embedded.process import create_time, rotate_log
from shared.service_names import POOL, SERVICES
from shared.testing.servers import query
from shared.testing.wait import wait_until_async

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def postgres() -> Iterator[TemporaryPostgres]:
    with temporary_postgres() as server:
        yield server


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
