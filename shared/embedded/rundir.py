"""`<data>/run`: who runs on a data directory, and what a killed supervisor left there.

`lock` is held (flock) as long as a supervisor lives: the kernel lets go of it whatever ends the process. `state.json`
tells pids and ports to everybody, and to the next start which processes to end.
"""

import contextlib
import fcntl
import json
import logging
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Self

import psutil

from shared.embedded.process import SUPERVISED, ChildSpec, is_same_process, stop_process, wait_gone

_log = logging.getLogger(__name__)


class AlreadyRunningError(RuntimeError):
    """The data directory belongs to a supervisor that is alive; the message names it and the remedy."""

    def __init__(self, data_dir: Path, pid: int | None) -> None:
        """Word the message.

        Args:
            data_dir: The directory in use.
            pid: The supervisor's, None where it has not said so yet.
        """
        self.pid = pid
        who = f"the process with pid {pid}" if pid else "another process that is just starting"
        remedy = f"stop it (kill {pid})" if pid else "try again in a moment"
        super().__init__(
            f"{data_dir} is in use by {who}: {remedy}, or set LEDGERDESK_DATA to another directory for this one"
        )


def read_state(data_dir: Path) -> dict[str, Any] | None:
    """Return `run/state.json` of a data directory, None where there is none or it cannot be read."""
    try:
        state = json.loads((data_dir / "run" / "state.json").read_text())
    except (OSError, ValueError):
        return None
    return state if isinstance(state, dict) else None


class RunDirectory:
    """Exclusive use of a data directory, as a context manager."""

    def __init__(self, data_dir: Path) -> None:
        """Take the place; touches nothing before it is entered."""
        self.data_dir = data_dir.resolve()
        self._folder = data_dir / "run"
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        """Lock the directory.

        Raises:
            AlreadyRunningError: Somebody else has it.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = (self._folder / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            raise AlreadyRunningError(self.data_dir, int(holder) if holder.isdigit() else None) from None
        # Belt and braces for file systems where flock is a formality.
        pid, born = _process((read_state(self.data_dir) or {}).get("supervisor"))
        if pid != os.getpid() and is_same_process(pid, born):
            lock.close()
            raise AlreadyRunningError(self.data_dir, pid)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the directory."""
        if self._lock:
            self._lock.truncate(0)
            self._lock.close()
            self._lock = None

    @property
    def mark(self) -> str:
        """What `SUPERVISED` is in the environment of this directory's children."""
        status = self._folder.stat()
        return f"{self.data_dir} {status.st_dev}:{status.st_ino}"

    def write(self, state: dict[str, Any]) -> None:
        """Replace `state.json` at one stroke; a full disk is logged, not raised: children matter more than the note."""
        unfinished = self._folder / "state.json.new"
        try:
            unfinished.write_text(json.dumps(state, indent=1))
            unfinished.replace(self._folder / "state.json")
        except OSError:
            _log.exception("cannot write %s", self._folder / "state.json")

    def forget(self) -> None:
        """Remove `state.json` after a stop in order: nothing runs any more."""
        with contextlib.suppress(OSError):
            (self._folder / "state.json").unlink(missing_ok=True)

    def end_leftovers(self, specs: Sequence[ChildSpec]) -> None:
        """End the children that a killed supervisor left running, the last started first.

        Each is asked with the stop signal and time of the spec of the same name, so PostgreSQL shuts down in order.
        """
        by_name = {spec.name: spec for spec in specs}
        for entry in reversed((read_state(self.data_dir) or {}).get("processes", [])):
            pid, born = _process(entry)
            spec = by_name.get(entry.get("name"))
            if is_same_process(pid, born):
                _log.warning("ending %s (pid %d), left running by a supervisor that was killed", entry.get("name"), pid)
                stop_process(pid, *((spec.stop_signal, spec.stop_timeout) if spec else (signal.SIGTERM, 10.0)))
        self._kill_marked()

    def _kill_marked(self) -> None:
        """Kill what still carries this directory's mark.

        Those are descendants of children that are dead, and a child started too late to get into `state.json`. The
        mark tells, not the number: that may have come round, or the machine may have been started again.
        """
        ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
        for process in psutil.process_iter():
            with contextlib.suppress(OSError, psutil.Error):
                if process.environ().get(SUPERVISED) == self.mark and process.pid not in ours:
                    born = process.create_time()
                    process.kill()
                    wait_gone(process.pid, born, 5.0)


def _process(entry: object) -> tuple[int, float]:
    """Return pid and birth of an entry in `state.json`; (0, 0.0), which is nobody, where it has none."""
    if isinstance(entry, dict):
        pid, born = entry.get("pid"), entry.get("create_time")
        if isinstance(pid, int) and isinstance(born, (int, float)) and pid > 0:
            return pid, float(born)
    return 0, 0.0
