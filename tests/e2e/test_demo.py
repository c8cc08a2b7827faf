"""`ledgerdesk demo` from nothing, again on the same data, and stopped by impatient hands."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from ledgerdesk.demo.conduct import supervisor_of
from shared.embedded import free_port

PATIENCE = 300


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("demo") / "data"


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


def start(data: Path, port: int, log: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LEDGERDESK_")} | {"COLUMNS": "200"}
    command = [sys.executable, "-m", "ledgerdesk.cli", "demo", "--data", str(data), "--port", str(port), *arguments]
    with log.open("wb") as output:
        return subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )


def test_a_first_demo_plays_loads_and_ends(data, port, tmp_path):
    log = tmp_path / "log"
    assert start(data, port, log, "--no-stay", "--tickets", "60").wait(PATIENCE) == 0, log.read_text()
    said = log.read_text()
    assert "Timeline of ticket 100001" in said
    assert "events were new" in said
    assert (data / "demo.password").read_text().strip() in said
    assert supervisor_of(data) is None


def test_a_second_demo_adds_a_story_and_no_quarter_and_stops_when_told(data, port, tmp_path):
    log = tmp_path / "log"
    demo = start(data, port, log)
    try:
        deadline = time.monotonic() + PATIENCE
        while "stays up" not in log.read_text():
            assert demo.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        said = log.read_text()
        assert "Timeline of ticket 100002" in said
        assert "nothing was added" in said
        assert (data / "demo.password").read_text().strip() not in said
        assert httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False, timeout=10).status_code == 200
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            demo.send_signal(number)
        assert demo.wait(60) == 0, log.read_text()
        assert supervisor_of(data) is None
    finally:
        demo.kill()
        demo.wait()
