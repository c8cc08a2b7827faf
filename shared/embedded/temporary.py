"""Servers that live as long as a `with` block: for tests, and for trying things out.

`server.process` kills and restarts them, which is what tests of faults need.
"""

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from shared.embedded.broker import EmbeddedBroker
from shared.embedded.postgres import EmbeddedPostgres
from shared.embedded.process import ChildSpec, UnusableError, free_port, kill_group, log_tail, spawn

_READY_SECONDS = 30.0
_POLL_SECONDS = 0.01


class ServerProcess:
    """One child, started, stopped and killed by hand."""

    def __init__(self, spec: ChildSpec, logs: Path) -> None:
        """Take the child; `start()` starts it.

        Args:
            spec: What to run.
            logs: Folder of its log file.
        """
        self._spec = spec
        self._log = spec.log_path(logs)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The pid of the running process.

        Raises:
            RuntimeError: It does not run.
        """
        if self._process is None:
            raise RuntimeError(f"{self._spec.name} does not run")
        return self._process.pid

    def start(self, timeout: float = _READY_SECONDS) -> None:
        """Start it and wait until it is ready, `timeout` seconds at most.

        Raises:
            RuntimeError: It ended, or did not get ready in time; the message holds the end of its log.
        """
        if self._process is not None:
            raise RuntimeError(f"{self._spec.name} runs already")
        self._process = spawn(self._spec, self._log)
        deadline = time.monotonic() + timeout
        while not self._ready():
            process = self._process
            ended = process.poll() is not None
            if ended or time.monotonic() >= deadline:
                self.kill()
                what = f"ended with status {process.returncode}" if ended else f"was not ready within {timeout:.0f} s"
                raise RuntimeError(f"{self._spec.name} {what}:\n{log_tail(self._log)}")
            time.sleep(_POLL_SECONDS)

    def _ready(self) -> bool:
        """Ask whether it is ready; one that is of no use is started again, as the supervisor does."""
        try:
            return self._spec.ready()
        except UnusableError:
            self.kill()
            self._process = spawn(self._spec, self._log)
            return False

    def stop(self) -> None:
        """Stop it in order, killing it if that takes too long; harmless when it does not run."""
        if self._process is None:
            return
        self._process.send_signal(self._spec.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(self._spec.stop_timeout)
        self.kill()

    def end(self, number: int) -> None:
        """Send it a signal and wait until it has ended, as long as an orderly end may take."""
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.wait(self._spec.stop_timeout)
        self.kill()

    def kill(self) -> None:
        """SIGKILL it, as a crash would; harmless when it does not run. PostgreSQL's backends end by themselves."""
        if self._process is None:
            return
        kill_group(self._process.pid)
        self._process.wait()
        self._process = None

    def restart(self) -> None:
        """Stop it in order if it runs, and start it again."""
        self.stop()
        self.start()


class TemporaryPostgres(EmbeddedPostgres):
    """A cluster whose server is at hand as `process`."""

    def __init__(self, directory: Path) -> None:
        """Take the place of the cluster and describe its server."""
        super().__init__(directory)
        self.process = ServerProcess(self.child(), self.directory)


class TemporaryBroker(EmbeddedBroker):
    """A broker whose process is at hand as `process`."""

    def __init__(self, directory: Path, port: int, topics: Mapping[str, int] | None = None) -> None:
        """Take the place of the broker and describe its process."""
        super().__init__(directory, port, topics)
        self.process = ServerProcess(self.child(), self.directory)


@contextlib.contextmanager
def temporary_postgres(directory: Path | None = None) -> Iterator[TemporaryPostgres]:
    """Run a PostgreSQL of its own.

    Args:
        directory: Where; kept afterwards. None is a new folder, removed at the end: better as root, since pytest
            closes its own folders to the unprivileged user whenever another run starts.

    Raises:
        PostgresError: The cluster could not be made.
        RuntimeError: The server did not start.
    """
    with _folder(directory) as place:
        server = TemporaryPostgres(place)
        server.initialise(sync=False)
        try:
            server.process.start()
            yield server
        finally:
            server.process.stop()
            server.stop_leftovers()  # of a test that killed it and did not start it again
            if not server.sockets.is_relative_to(server.directory):
                shutil.rmtree(server.sockets, ignore_errors=True)


@contextlib.contextmanager
def temporary_broker(
    directory: Path | None = None, topics: Mapping[str, int] | None = None
) -> Iterator[TemporaryBroker]:
    """Run a broker of its own on a free port.

    Args:
        directory: Where its log goes; kept afterwards. None is a new folder, removed at the end.
        topics: Partitions by topic.

    Raises:
        RuntimeError: The broker did not start.
    """
    with _folder(directory) as place:
        server = TemporaryBroker(place, free_port(), topics)
        try:
            server.process.start()
            yield server
        finally:
            server.process.stop()


@contextlib.contextmanager
def _folder(directory: Path | None) -> Iterator[Path]:
    if directory is not None:
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="ledgerdesk-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
