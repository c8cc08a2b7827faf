"""Child processes: how they are described, started, recognised after a crash, and ended.

Only the standard library and psutil: the supervisor imports this and has to stay small.
"""

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from shared.embedded.forking import Forked, ForkServer

LOOPBACK = "127.0.0.1"

# In the environment of every supervised child and its descendants: the data directory they belong to, with the
# device and inode of its `run` folder (the same path can mean another folder in another container).
SUPERVISED = "LEDGERDESK_SUPERVISED"

# The kernel counts a process's birth from boot; the time of boot itself is known to the second and moves with
# clock corrections, so two readings of one birth can differ by about that much. No pid comes round so fast.
_BIRTH_TOLERANCE_SECONDS = 1.5
_POLL_SECONDS = 0.01
_KILL_SECONDS = 10.0

_LOG_BYTES = 10 * 1024 * 1024
_LOG_GENERATIONS = 3


class UnusableError(RuntimeError):
    """A child answers, but can never be of use as it is: it is ended and started again."""


@dataclass(frozen=True, slots=True)
class OsUser:
    """The operating-system user a child runs as, by number."""

    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildSpec:
    """What the supervisor has to know about one child.

    Attributes:
        name: Unique among the children; names the log file and the entry in `state.json`.
        argv: Called before every start, so that a start can have arguments of its own (the broker's cluster id)
            and put right what a killed predecessor left. May raise: that counts as a failed start. Begins with the
            program, but for a forked child.
        ready: Called every few milliseconds after a start until it is true; must return within about a second.
            `UnusableError` ends the child, to be started again; any other exception counts as "not yet".
        progress: Called beside `ready`: how far a child has come that takes its time, in words. As long as they change, it is
            not late.
        env: The complete environment, or None to inherit the supervisor's.
        user: Whom to run as, or None for the supervisor's own user. Needs root.
        cwd: Working directory, or None to inherit.
        log: Where stdout and stderr go; a relative path is taken in the log folder, None means `<name>.log` there.
        stop_signal: Asks the child to end.
        stop_timeout: Seconds it gets before SIGKILL.
        services: The services it runs, for `state.json`.
        early: It is started at once, to load while those before it get ready, and waits for them by itself.
        task_of: Another child's name. This one is no server: it does its work and ends, after every start of that one. It is
            ready once it has ended with status 0; `ready` is called once then.
        fork_server: What it is the process of. It gets its requests as standard input, is there only while a child that it
            forks starts, and rests otherwise.
        forked_by: The fork server that makes it, once that has loaded; it then has that one's environment, user and
            working directory. None: it is spawned.
    """

    name: str
    argv: Callable[[], list[str]]
    ready: Callable[[], bool]
    progress: Callable[[], str] = str
    env: Mapping[str, str] | None = None
    user: OsUser | None = None
    cwd: Path | None = None
    log: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 10.0
    services: tuple[str, ...] = ()
    early: bool = False
    task_of: str | None = None
    fork_server: ForkServer | None = None
    forked_by: ForkServer | None = None

    def log_path(self, folder: Path) -> Path:
        """Return the log file, `folder` being where logs go unless the spec says otherwise."""
        return folder / (self.log or f"{self.name}.log")


def start(spec: ChildSpec, log: Path, mark: str | None = None) -> subprocess.Popen[bytes] | Forked:
    """Spawn the child, or have it forked.

    Raises:
        OSError: The program, the log or the change of user is not possible, or the fork server could not do it.
    """
    if spec.forked_by is None:
        return spawn(spec, log, mark)
    argv = spec.argv()
    _prepare_log(log)
    return spec.forked_by.fork(spec.name, argv, log)


def spawn(spec: ChildSpec, log: Path, mark: str | None = None) -> subprocess.Popen[bytes]:
    """Start the child in a session of its own, its output appended to `log`, with `mark` in its environment.

    Its own session: a Ctrl-C at the terminal reaches the supervisor alone, which then stops children in order, and
    the child's pid names the process group that is to go with it.

    Raises:
        OSError: The program, the log or the change of user is not possible.
    """
    argv = spec.argv()
    _prepare_log(log)
    env = dict(os.environ if spec.env is None else spec.env)
    if mark:
        env[SUPERVISED] = mark
    stdin = spec.fork_server.connect() if spec.fork_server else None
    try:
        with log.open("ab") as output:
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=spec.cwd,
                user=spec.user.uid if spec.user else None,
                group=spec.user.gid if spec.user else None,
                extra_groups=[] if spec.user else None,
                start_new_session=True,
            )
    finally:
        if stdin is not None:
            os.close(stdin)


def _prepare_log(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    rotate_log(log)


def rotate_log(log: Path, limit: int = _LOG_BYTES, generations: int = _LOG_GENERATIONS) -> None:
    """Move a log over `limit` bytes to `<log>.1`, the older ones up by one, the oldest out."""
    if not log.exists() or log.stat().st_size < limit:
        return
    for number in range(generations - 1, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number + 1}"))
    log.replace(log.with_name(f"{log.name}.1"))


def log_tail(log: Path, limit: int = 2000) -> str:
    """Return the last `limit` bytes of a log as text, or "" where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - limit))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that nobody listens on now.

    Taken from below the range the kernel uses for outgoing connections: a port of that range can be lent to some
    client while the server restarts, even to the very client that tries to reach it, and the server cannot bind.
    """
    try:
        lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        lowest = 32768
    choices = range(10000, lowest)
    picked = random.sample(choices, min(50, len(choices)))
    for port in (*picked, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free TCP port on {LOOPBACK}")


def create_time(pid: int) -> float | None:
    """Return when a process was born, in seconds since the epoch; None when it is gone or only a zombie."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            # A zombie runs nothing, and in a container whose first process reaps nobody it stays for ever.
            return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None


def is_same_process(pid: int, born: float) -> bool:
    """Say whether `pid` still is the process born at `born` (epoch seconds), alive, and no later user of the number."""
    now = create_time(pid)
    return now is not None and abs(now - born) <= _BIRTH_TOLERANCE_SECONDS


def has_exited(pid: int) -> bool:
    """Say whether a child of ours has ended, leaving it unreaped so that its pid cannot be given away yet."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def signal_process(pid: int, sig: int) -> None:
    """Send a signal; a process that is gone is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sig)


def kill_group(leader: int) -> None:
    """SIGKILL what is left of the process group that `leader` leads or led; an empty group is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def wait_gone(pid: int, born: float, timeout: float) -> bool:
    """Wait up to `timeout` seconds for a process to end, child of ours or not; False when it did not."""
    deadline = time.monotonic() + timeout
    while is_same_process(pid, born):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def stop_process(pid: int, sig: int = signal.SIGTERM, timeout: float = 10.0) -> bool:
    """End a process, child of ours or not, and whatever is left of the group it leads.

    Args:
        pid: The process; one that is gone already is no error.
        sig: Asks it to end.
        timeout: Seconds it gets before SIGKILL.

    Returns:
        True if it ended by itself, False if it took SIGKILL.
    """
    born = create_time(pid)
    if born is None:
        return True
    try:
        leads = os.getpgid(pid) == pid
    except ProcessLookupError:
        return True
    signal_process(pid, sig)
    ended = wait_gone(pid, born, timeout)
    if not ended:
        signal_process(pid, signal.SIGKILL)
        wait_gone(pid, born, _KILL_SECONDS)
    if leads:
        kill_group(pid)
    return ended
