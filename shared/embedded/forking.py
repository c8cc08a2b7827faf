"""Children that are forked from a process that has loaded already, not started from nothing.

Our processes import the same hundred packages. A fork server imports them once and becomes each of them by forking:
they share that memory until they write to it, and one that was killed is back without loading anything.

    supervisor ── spawns ──> fork server ── forks, when asked ──> http, worker, …

The supervisor stays the parent of all of them. The fork server forks twice and the one in the middle ends at once; its
child is then given to the nearest ancestor that said it takes orphans (Linux's child subreaper), which is the
supervisor. So nothing about death, signals and exit statuses differs from a child that was spawned, and children
outlive the fork server.
"""

import contextlib
import ctypes
import gc
import json
import os
import select
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

_PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 15, 36
_NAME_BYTES = 15
_ANSWER_SECONDS = 5.0
_LOADED = b"loaded\n"


class Forked:
    """A child that the fork server made: as much of `subprocess.Popen` as the supervisor uses."""

    def __init__(self, pid: int) -> None:
        """Take its number; it must be ours to wait for by now."""
        self.pid = pid

    def wait(self) -> int:
        """Wait for its end and return its status, negative for a signal. Once."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class ForkServer:
    """The supervisor's end: what is asked for, and whether the server can do it yet."""

    def __init__(self) -> None:
        """Start nothing."""
        self._ours: socket.socket | None = None
        self._said = b""

    @property
    def loaded(self) -> bool:
        """Whether it has said that it has loaded, and is still there."""
        if self._ours is not None and select.select([self._ours], [], [], 0)[0]:
            said = self._ours.recv(64)
            self._said += said
            if not said:
                self.disconnect()
        return self._said.startswith(_LOADED)

    def connect(self) -> int:
        """Return the descriptor that a new fork server gets as its standard input; the caller closes it."""
        self.disconnect()
        ours, theirs = socket.socketpair()
        ours.settimeout(_ANSWER_SECONDS)
        self._ours = ours
        return theirs.detach()

    def disconnect(self) -> None:
        """Forget the last one; if it is still there, it ends."""
        if self._ours is not None:
            self._ours.close()
        self._ours, self._said = None, b""

    def fork(self, name: str, argv: Sequence[str], log: Path) -> Forked:
        """Have a child forked that runs with these arguments, its output appended to `log`.

        Args:
            name: What the kernel calls it (`ps -o comm`); cut to 15 bytes.
            argv: What the program gets as its arguments, without its own name.
            log: Where its stdout and stderr go.

        Raises:
            OSError: The fork server is not there, has not loaded, or could not fork.
        """
        if self._ours is None or not self.loaded:
            raise OSError("the fork server has not loaded")
        try:
            self._ours.sendall(json.dumps({"name": name, "argv": list(argv), "log": str(log)}).encode() + b"\n")
            answer = self._ours.recv(64)
        except OSError:
            self.disconnect()
            raise
        if not answer.strip().isdigit():
            self.disconnect()
            raise OSError("the fork server could not fork: see its log")
        return Forked(int(answer))


def serve_forks(channel: int = 0) -> list[str] | None:
    """Fork whenever the supervisor asks, until it hangs up. To be called once everything is loaded, by one thread alone.

    Returns:
        In a forked child its arguments, to be run; in the fork server itself None, when there is nothing left to do.
    """
    gc.freeze()  # the collector writes into what it looks at, and what is written to is shared no longer
    with socket.socket(fileno=channel) as asked:
        asked.sendall(_LOADED)
        with asked.makefile("rb") as lines:
            for line in lines:
                wanted = json.loads(line)
                pid = _fork_twice()
                if pid == 0:
                    break
                asked.sendall(b"%d\n" % pid)
            else:
                return None
    _become(wanted["name"], Path(wanted["log"]))
    arguments: list[str] = wanted["argv"]
    return arguments


def _fork_twice() -> int:
    """Return the pid of a child whose parent is not us but the supervisor; 0 in that child."""
    reader, writer = os.pipe()
    middle = os.fork()
    if middle == 0:
        child = os.fork()
        if child == 0:
            os.close(reader)
            os.close(writer)
            return 0
        os.write(writer, b"%d" % child)
        os._exit(0)
    os.close(writer)
    # Only once the one in the middle is gone is its child the supervisor's to wait for.
    os.waitpid(middle, 0)
    told = os.read(reader, 32)
    os.close(reader)
    return int(told)


def _become(name: str, log: Path) -> None:
    """Be a process of one's own: session, name, output; nothing to read."""
    os.setsid()
    _prctl(_PR_SET_NAME, ctypes.create_string_buffer(name.encode()[:_NAME_BYTES]))
    nothing = os.open(os.devnull, os.O_RDONLY)  # first: it may get the number 0, which is free
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    for descriptor in {nothing, output} - {0, 1, 2}:
        os.close(descriptor)


def take_orphans() -> None:
    """Become the parent of descendants whose own parents end, as the fork server's children need it."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: object) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def reap_strangers(ours: Callable[[int], bool]) -> None:
    """Reap orphans that came to us and are none of our children: nobody else would.

    Args:
        ours: Whether a pid is that of a child which its own owner waits for.
    """
    with contextlib.suppress(ChildProcessError):
        while (dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if ours(dead.si_pid):
                return  # it is in the way of the rest until it is buried; we come again then
            os.waitpid(dead.si_pid, 0)
