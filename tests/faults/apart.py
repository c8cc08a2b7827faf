"""A stack run apart, as on a cluster: its own servers, a process for HTTP and relays, one for views and reactions, more as wanted.

Nobody supervises the processes: a test kills them and starts them again.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from ledgerdesk import organisation
from ledgerdesk.client import Stack
from shared import service_names
from shared.embedded import free_port, temporary_postgres
from shared.embedded.temporary import TemporaryPostgres
from shared.testing.apache_kafka import VERSION, ApacheNode, apache_kafka
from shared.testing.wait import wait_until

ROOT = Path(__file__).parents[2]
KEY = "ldk_a_key_of_a_stack_that_lives_for_one_test"
SERVICES = ",".join(service_names.SERVICES)
DATABASE = "ledgerdesk"


class Process:
    """One process of the stack, started and killed by hand."""

    def __init__(self, name: str, arguments: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self._arguments, self._env = list(arguments), dict(env)
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **more: str) -> None:
        """Start it, with these variables besides."""
        assert not self.lives(), f"{self.name} runs already"
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ledgerdesk.cli", *self._arguments], env={**self._env, **more}, cwd=ROOT, stdout=log,
                stderr=subprocess.STDOUT,
            )  # fmt: skip

    def lives(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def died_of(self) -> int | None:
        """Return the signal that ended it, None if it runs."""
        status = self._process.poll() if self._process is not None else None
        return None if status is None else -status

    def send(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self.lives() and self._process is not None:
            self._process.send_signal(number)

    def end(self, number: int = signal.SIGKILL) -> None:
        """End it; harmless when it does not run."""
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGCONT)
                self._process.send_signal(number)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def said(self) -> str:
        """Return the end of its log."""
        return self._log.read_text()[-3000:] if self._log.exists() else ""


@dataclass
class Apart:
    """A running stack."""

    folder: Path
    postgres: TemporaryPostgres
    nodes: list[ApacheNode]
    env: dict[str, str]
    port: int
    processes: dict[str, Process] = field(default_factory=dict)
    whole_topic: bool = True
    """Whether nothing was ever taken from the topic."""
    judged: list[Any] = field(default_factory=list)
    """The commands of every trial so far: what was acknowledged once must stay."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def dsn(self) -> str:
        return self.env["DATABASE_URL"]

    @property
    def brokers(self) -> str:
        return self.env["KAFKA_BOOTSTRAP_SERVERS"]

    @property
    def broker(self) -> dict[str, object]:
        return {"name": "Apache Kafka", "version": VERSION, "nodes": len(self.nodes)}

    @property
    def points(self) -> Path:
        return self.folder / "failpoints"

    def add(
        self, name: str, parts: str, *, instance: bool = True, port: int | None = None, services: str = SERVICES
    ) -> Process:
        """Describe one more process; it is not started yet."""
        env = {**self.env, "LEDGERDESK_PORT": str(port or self.port)}
        if instance:
            env["LEDGERDESK_CONSUMER_INSTANCE"] = name
        self.processes[name] = Process(name, ["serve", services, "--parts", parts], env, self.folder)
        return self.processes[name]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the product to its end."""
        return subprocess.run(
            [sys.executable, "-m", "ledgerdesk.cli", *arguments], env=self.env, cwd=ROOT, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    def ready(self) -> bool:
        """Whether the process that serves HTTP answers."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def keep_up(self) -> None:
        """Start again what does not run of the two that always must."""
        for name in ("http", "worker"):
            if not self.processes[name].lives():
                self.processes[name].start()

    def end_all(self) -> None:
        for process in self.processes.values():
            process.end()


@contextlib.contextmanager
def apart(
    nodes: int = 1, advertised: int | None = None, listening: int | None = None, postgres_at: Path | None = None
) -> Iterator[Apart]:
    """Run a stack on an Apache Kafka of so many nodes, the organisation of the example applied.

    Args:
        nodes: One, or three (then every partition has three copies, two of which must be in step).
        advertised, listening: The port that clients are told to use for the broker (a proxy's), and the broker's own.
        postgres_at: Where PostgreSQL keeps its data; a temporary folder unless given.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="ledgerdesk-faults-", ignore_cleanup_errors=True))
        )
        (folder / "failpoints").mkdir()
        postgres = stack.enter_context(temporary_postgres(postgres_at))
        postgres.ensure_database(DATABASE)
        cluster = stack.enter_context(apache_kafka(nodes, advertised, listening))
        port = free_port()
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LEDGERDESK_")},
            "DATABASE_URL": postgres.dsn(DATABASE),
            "KAFKA_BOOTSTRAP_SERVERS": ",".join(f"127.0.0.1:{advertised or node.port}" for node in cluster),
            "LEDGERDESK_KAFKA_REPLICATION": str(min(3, nodes)), "LEDGERDESK_CONSUMER_GROUPS": "true",
            "LEDGERDESK_SECRET_KEY": "0123456789abcdef" * 4, "LEDGERDESK_ADMIN_API_KEY": KEY,
            "LEDGERDESK_FAILPOINTS": str(folder / "failpoints"), "LEDGERDESK_DATA": str(folder / "data"),
            "LEDGERDESK_LOG_LEVEL": "warning", "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        running = Apart(folder, postgres, cluster, env, port)
        stack.callback(running.end_all)
        done = running.run("init")
        assert done.returncode == 0, done.stderr
        running.add("http", "http,relay", instance=False).start()
        running.add("worker", "projector,reactor").start()
        wait_until(running.ready, timeout=60, message=f"HTTP: {running.processes['http'].said()}")
        organisation.apply(
            Stack(running.url, KEY), organisation.read(ROOT / "examples" / "org.yaml"), "a password for a test"
        )
        yield running
