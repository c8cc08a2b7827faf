"""Starts the children of the embedded stack in order, keeps them alive, and stops them in reverse order.

One thread, no event loop: it sleeps in `select` on the signal wake-up pipe, so the death of a child (SIGCHLD) and a
request to stop are seen at once, and an idle stack costs nothing. Only the standard library and psutil.
"""

import contextlib
import logging
import os
import select
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from shared.embedded.child import Child
from shared.embedded.forking import reap_strangers, take_orphans
from shared.embedded.process import (
    ChildSpec,
    UnusableError,
    create_time,
    has_exited,
    kill_group,
    log_tail,
    signal_process,
    start,
)
from shared.embedded.rundir import RunDirectory

_log = logging.getLogger(__name__)

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_FAILURES_TO_GIVE_UP = 5
_START_TIMEOUT_SECONDS = 60.0
_KILL_SECONDS = 10.0
# A child just started is probed often; one that takes long (crash recovery) need not be.
_EAGER_PROBE_SECONDS, _PATIENT_PROBE_SECONDS, _EAGER_FOR_SECONDS = 0.02, 0.2, 2.0
# Signals wake us; the limit is for a library that takes the wake-up pipe away.
_IDLE_SECONDS = 1.0


class Supervisor:
    """The one parent of the embedded stack's processes, on one data directory."""

    def __init__(
        self,
        data_dir: Path,
        children: Sequence[ChildSpec],
        *,
        url: str | None = None,
        ports: Mapping[str, int] | None = None,
        prepare: Callable[[], None] = lambda: None,
        start_timeout: float = _START_TIMEOUT_SECONDS,
    ) -> None:
        """Take what is to be run; touches nothing yet.

        Args:
            data_dir: `run/` (lock, `state.json`) and `log/` go there.
            children: In order of start: each is started once those before it have been ready, but for early ones, which start
                at once and are not waited for. Stopped in reverse order.
            url: The origin people open, for `state.json`.
            ports: Ports by name, for `state.json`.
            prepare: Called once the directory is ours and nothing of a predecessor is left, before anything is started.
            start_timeout: Seconds a child has at the first start to get ready, or to get on, before the whole start is given up.

        Raises:
            ValueError: Two children have one name.
        """
        names = [spec.name for spec in children]
        if len(set(names)) != len(names):
            raise ValueError(f"children must have different names, not {names}")
        self.data_dir = data_dir.resolve()
        self._children = [Child(spec, spec.log_path(self.data_dir / "log")) for spec in children]
        self._url = url
        self._ports = dict(ports or {})
        self._prepare = prepare
        self._start_timeout = start_timeout
        self._stop_requested = False
        self._started_at = self._mark = ""
        self._wakeup, self._wakeup_end = -1, -1

    def run(self, on_ready: Callable[[], None] | None = None) -> int:
        """Run until SIGTERM, SIGINT or SIGHUP, then stop everything; call it once, in the main thread.

        Afterwards these signals are ignored, so that an impatient second one cannot spoil the exit.

        Args:
            on_ready: Called once, when every child has been ready.

        Returns:
            The exit status: 0 after a stop asked for, 1 if a child could not be started (the log says which and why).

        Raises:
            AlreadyRunningError: Another supervisor has the data directory.
        """
        self._listen_for_signals()
        take_orphans()
        with RunDirectory(self.data_dir) as run:
            self._mark = run.mark
            run.end_leftovers([child.spec for child in self._children])
            self._prepare()
            self._started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
            try:
                return self._supervise(run, on_ready)
            finally:
                self._stop_all(run)
                run.forget()
                # Our handlers would not do: the interpreter puts the default action back before it is gone.
                for sig in _STOP_SIGNALS:
                    signal.signal(sig, signal.SIG_IGN)

    def _supervise(self, run: RunDirectory, on_ready: Callable[[], None] | None) -> int:
        announced = False
        while not self._stop_requested:
            for step in (self._reap, self._start_due, self._probe, self._rest, self._end_useless):
                if step():
                    self._note(run)
            if not announced:
                if culprit := self._hopeless():
                    name, log, why = culprit.spec.name, culprit.log, culprit.reason or "it does not get ready"
                    _log.error("%s does not start: %s; the end of its log %s:\n%s", name, why, log, log_tail(log))
                    return 1
                if all(child.was_ready for child in self._children):
                    announced = True
                    if on_ready:
                        on_ready()
            self._sleep(self._next_due())
        return 0

    def _reap(self) -> bool:
        """Note who died, and when to start it again."""
        changed = False
        for child in self._children:
            if child.process and has_exited(child.process.pid):
                status = child.bury()
                if child.state == "stopping":
                    child.state = "resting"
                elif child.spec.task_of and not status:
                    child.spec.ready()
                    child.now_ready("done")
                else:
                    child.schedule(f"ended with status {status}")
                    self._renew_tasks(child)
                changed = True
        reap_strangers({child.process.pid for child in self._children if child.process}.__contains__)
        return changed

    def _start_due(self) -> bool:
        """Start what is due; nothing before all listed before it have been ready once, but for what is to load early."""
        changed = False
        its_turn = True
        for child in self._children:
            if self._may_start(child, its_turn=its_turn) and child.due <= time.monotonic():
                child.starts += 1
                child.started = time.monotonic()
                try:
                    child.process = start(child.spec, child.log, self._mark)
                except Exception as error:
                    _log.exception("cannot start %s", child.spec.name)
                    child.schedule(f"could not be started: {error}")
                else:
                    child.born = create_time(child.process.pid) or time.time()
                    child.state = "starting"
                changed = True
            its_turn = its_turn and (child.was_ready or child.spec.early)
        return changed

    def _renew_tasks(self, child: Child) -> None:
        """Have the tasks of a child that died done again, after its next start; what one was about is gone."""
        for task in self._children:
            if task.spec.task_of == child.spec.name:
                if task.process:
                    kill_group(task.process.pid)
                    task.bury()
                task.state, task.due = "waiting", 0.0

    def _may_start(self, child: Child, *, its_turn: bool) -> bool:
        spec = child.spec
        if child.process or (spec.fork_server and not self._is_needed(child)):
            return False
        if spec.task_of and (child.state == "done" or not self._runs(spec.task_of)):
            return False
        return (its_turn or spec.early) and (spec.forked_by is None or spec.forked_by.loaded)

    def _runs(self, name: str) -> bool:
        return any(child.spec.name == name and child.state == "running" for child in self._children)

    def _is_needed(self, server: Child) -> bool:
        """Whether a fork server has a child to make, or one that has not got ready yet and may have to be made again."""
        return any(
            child.spec.forked_by is server.spec.fork_server and child.state not in {"running", "done"}
            for child in self._children
            if child.spec.forked_by
        )

    def _rest(self) -> bool:
        """Let go of a fork server of which nothing is wanted; it ends by itself. Of what its children wrote to, it would keep the old copy."""
        changed = False
        for child in self._children:
            if child.spec.fork_server and child.state == "running" and not self._is_needed(child):
                child.spec.fork_server.disconnect()
                child.state, child.due = "stopping", time.monotonic() + child.spec.stop_timeout
                changed = True
        return changed

    def _end_useless(self) -> bool:
        """Kill a fork server that does not end when it should, has stopped answering, or never finishes loading."""
        now, ended = time.monotonic(), False
        for child in self._children:
            if child.spec.fork_server and child.process:
                stuck = child.state == "stopping" and now >= child.due
                deaf = child.state == "running" and not child.spec.fork_server.loaded
                slow = child.state == "starting" and now - child.started > self._start_timeout
                if stuck or deaf or slow:
                    kill_group(child.process.pid)  # reaped in the next round
                    ended = True
        return ended

    def _probe(self) -> bool:
        """Ask those that are starting whether they are ready."""
        changed = False
        for child in self._children:
            if child.state == "starting" and child.process and not child.spec.task_of:
                try:
                    child.note_progress()
                    ready = child.spec.ready()
                except UnusableError as error:
                    _log.warning("%s is of no use: %s", child.spec.name, error)
                    kill_group(child.process.pid)
                    ready = False
                except Exception:
                    _log.exception("the probe of %s failed", child.spec.name)
                    ready = False
                # A dead one can look ready: a service found on its port may be its predecessor's.
                if ready and not has_exited(child.process.pid):
                    child.now_ready("running")
                    changed = True
        return changed

    def _hopeless(self) -> Child | None:
        """Return the child for which the first start is to be given up."""
        its_turn = 0.0
        for child in self._children:
            if not child.was_ready and child.starts:
                # One that loads early is not late because another one was, nor one that gets on.
                begun = max(child.started, its_turn, child.progressed)
                late = child.state == "starting" and time.monotonic() - begun > self._start_timeout
                if late or child.failures >= _FAILURES_TO_GIVE_UP:
                    return child
                if not child.spec.early:
                    return None  # those after it have not had their turn
            its_turn = max(its_turn, child.first_ready)
        return None

    def _next_due(self) -> float:
        """Return in how many seconds there is something to do other than answer a signal."""
        now = time.monotonic()
        delay = _IDLE_SECONDS
        its_turn = True
        for child in self._children:
            if child.state == "starting":
                eager = now - child.started < _EAGER_FOR_SECONDS
                delay = min(delay, _EAGER_PROBE_SECONDS if eager else _PATIENT_PROBE_SECONDS)
            elif self._may_start(child, its_turn=its_turn):
                delay = min(delay, child.due - now)
            elif child.state == "stopping":
                delay = min(delay, max(_PATIENT_PROBE_SECONDS, child.due - now))
            its_turn = its_turn and (child.was_ready or child.spec.early)
        return max(0.0, delay)

    def _stop_all(self, run: RunDirectory) -> None:
        for child in reversed(self._children):
            if child.process:
                child.state = "stopping"
                self._note(run)
                if not self._stop(child, child.process.pid):
                    continue
                child.bury()
            child.state = "stopped"
            self._note(run)

    def _stop(self, child: Child, pid: int) -> bool:
        """Ask, then kill; False if the kernel keeps the process even then (it hangs in a system call)."""
        signal_process(pid, child.spec.stop_signal)
        if self._await_exit(pid, child.spec.stop_timeout):
            return True
        _log.warning("%s did not stop within %.0f s: killed", child.spec.name, child.spec.stop_timeout)
        kill_group(pid)
        return self._await_exit(pid, _KILL_SECONDS)

    def _await_exit(self, pid: int, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while not has_exited(pid):
            if time.monotonic() >= deadline:
                return False
            self._sleep(min(_IDLE_SECONDS, max(0.0, deadline - time.monotonic())))
        return True

    def _note(self, run: RunDirectory) -> None:
        run.write(
            {
                "supervisor": {"pid": os.getpid(), "create_time": create_time(os.getpid())},
                "started_at": self._started_at,
                "url": self._url,
                "ports": self._ports,
                "processes": [child.describe() for child in self._children],
            }
        )

    def _listen_for_signals(self) -> None:
        self._wakeup, self._wakeup_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._wakeup_end, warn_on_full_buffer=False)
        for sig in _STOP_SIGNALS:
            if sig == signal.SIGHUP and signal.getsignal(sig) is signal.SIG_IGN:
                continue  # started with nohup
            signal.signal(sig, self._request_stop)
        # Python writes to the pipe only for signals that have a handler.
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _request_stop(self, *_: object) -> None:
        self._stop_requested = True

    def _sleep(self, seconds: float) -> None:
        """Sleep until a signal comes, `seconds` at most."""
        select.select([self._wakeup], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self._wakeup, 4096)
