"""A child of the supervisor: what it is to be, and what has become of it."""

import logging
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from shared.embedded.forking import Forked
from shared.embedded.process import ChildSpec, kill_group

_log = logging.getLogger(__name__)

FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 5.0
HEALTHY_SECONDS = 10.0
TELL_SECONDS = 10.0


@dataclass(slots=True)
class Child:
    """A spec and what became of it; times are monotonic."""

    spec: ChildSpec
    log: Path
    process: subprocess.Popen[bytes] | Forked | None = None
    born: float = 0.0
    state: str = "waiting"  # starting, running, restarting, stopping, stopped; a fork server: resting; a task: done
    reason: str = ""
    started: float = 0.0
    ready_since: float | None = None
    first_ready: float = 0.0
    progress: str = ""
    progressed: float = 0.0
    told: float = 0.0
    starts: int = 0
    failures: int = 0
    due: float = 0.0

    @property
    def was_ready(self) -> bool:
        """Whether it has ever been ready."""
        return bool(self.first_ready)

    def describe(self) -> dict[str, object]:
        """Return its entry in `state.json`."""
        return {
            "name": self.spec.name,
            "pid": self.process.pid if self.process else None,
            "create_time": self.born if self.process else None,
            "services": list(self.spec.services),
            "restarts": max(0, self.starts - 1),
            "state": self.state,
        }

    def note_progress(self) -> None:
        """Note when it has last got on, and say so now and then."""
        now, said = time.monotonic(), self.spec.progress()
        if said and said != self.progress:
            self.progress, self.progressed = said, now
            if now - self.told >= TELL_SECONDS:
                self.told = now
                _log.info("%s %s", self.spec.name, said)

    def now_ready(self, state: str) -> None:
        """Note that it is ready; `state` is what it is then."""
        now = time.monotonic()
        self.state, self.ready_since, self.first_ready = state, now, self.first_ready or now
        pid = f" (pid {self.process.pid})" if self.process else ""
        _log.info("%s is %s after %.2f s%s", self.spec.name, "ready" if pid else state, now - self.started, pid)

    def schedule(self, reason: str) -> None:
        """Put one that died in line for a start: at once the first time, later and later if it keeps dying."""
        now = time.monotonic()
        if self.ready_since is not None and now - self.ready_since >= HEALTHY_SECONDS:
            self.failures = 0
        delay = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** min(self.failures, 10))
        self.failures += 1
        self.ready_since = None
        self.due = now + delay
        self.state, self.reason = "restarting", reason
        _log.warning("%s %s; starting it again in %.1f s", self.spec.name, reason, delay)

    def bury(self) -> int:
        """Reap it, which is dead, and return its status; negative for a signal."""
        if self.process is None:
            return 0
        # Its descendants first: as long as the leader is unreaped its number cannot mean another group.
        kill_group(self.process.pid)
        status = self.process.wait()
        self.process = None
        return status
