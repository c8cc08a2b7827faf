"""An embedded stack of its own, for as long as a `with` block lasts."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import httpx

ROOT = Path(__file__).parents[1]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Stack:
    """An embedded stack of its own, for as long as the `with` block lasts."""

    def __init__(self, data: Path) -> None:
        self.data, self.port = data, free_port()

    def __enter__(self) -> Self:
        started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ledgerdesk.up", "--data", str(self.data), "--port", str(self.port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT,
        )  # fmt: skip
        while True:
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2, trust_env=False).is_success:
                    break
            except httpx.HTTPError:
                assert self.process.poll() is None, "the stack ended; see its logs"
            time.sleep(0.02)
        self.seconds_to_ready = time.monotonic() - started
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def doctor(self) -> dict[str, Any]:
        out = subprocess.run(
            [sys.executable, "-m", "ledgerdesk.cli", "doctor", "--json", "--data", str(self.data)], capture_output=True,
            text=True, check=False, cwd=ROOT, env={**os.environ, "LEDGERDESK_URL": ""},
        )  # fmt: skip
        found: dict[str, Any] = json.loads(out.stdout)
        return found

    def environment(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.data / "run" / "environment.json").read_text())
        return found

    def client(self) -> httpx.Client:
        key = self.environment()["LEDGERDESK_ADMIN_API_KEY"]
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}/api/v1", headers=headers, trust_env=False)


def command(*arguments: str, data: Path) -> float:
    """Run `ledgerdesk` to its end; returns the seconds."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "ledgerdesk.cli", *arguments, "--data", str(data)], cwd=ROOT, capture_output=True,
        text=True, check=False, env={**os.environ, "LEDGERDESK_URL": ""},
    )  # fmt: skip
    assert done.returncode == 0, f"{arguments}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return time.perf_counter() - started
