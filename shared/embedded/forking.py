"""Children that are forked from a process that has loaded already, not started from nothing.

Our processes import the same hundred packages. A fork server imports them once and becomes each of them by forking, so that
they share that memory until they write to it.

    supervisor ── spawns ──> fork server ── forks, when asked ──> http, worker, …

The supervisor stays the parent of all of them. The fork server forks twice and the one in the middle ends at once; its
child is then given to the nearest ancestor that said it takes orphans (Linux's child subreaper), which is the
supervisor. So nothing about death, signals and exit statuses differs from a child that was spawned, and children
outlive the fork server.

A child does nothing before the supervisor has said that it knows of it: one that nobody knows of would never be stopped.
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
_ANSWER_SECONDS, _ANSWER_BYTES = 5.0, 400
_LOADED, _GO = b"loaded\n", b"go\n"


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
            OSError: The fork server is not there, has not loaded, does not answer, or could not fork. It is of no use then,
                and counts as not loaded until it was started anew.
        """
        if self._ours is None or not self.loaded:
            raise OSError("the fork server has not loaded")
        try:
            self._ours.sendall(json.dumps({"name": name, "argv": list(argv), "log": str(log)}).encode() + b"\n")
            answer = self._ours.recv(_ANSWER_BYTES)
            pid = _pid_in(answer)
            self._ours.sendall(_GO)
        except OSError:
            self.disconnect()
            raise
        return Forked(pid)


def _pid_in(answer: bytes) -> int:
    """Return the pid that is answered.

    Raises:
        OSError: It is not one, but what went wrong; or nothing, as whoever was asked has ended.
    """
    said = answer.decode(errors="replace").strip()
    if not said.isdigit():
        raise OSError(said or "who was to fork has ended")
    return int(said)


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
                reader, go = os.pipe()
                try:
                    pid = _fork_twice()
                except OSError as error:
                    asked.sendall(f"{error}\n".encode())
                    return None
                if pid == 0:
                    os.close(go)
                    break
                os.close(reader)
                asked.sendall(b"%d\n" % pid)
                if lines.readline() == _GO:
                    os.write(go, _GO)
                os.close(go)
            else:
                return None
    if os.read(reader, len(_GO)) != _GO:
        os._exit(1)  # nobody knows of us
    os.close(reader)
    _become(wanted["name"], Path(wanted["log"]))
    arguments: list[str] = wanted["argv"]
    return arguments


def _fork_twice() -> int:
    """Return the pid of a child whose parent is not us but the supervisor; 0 in that child.

    Raises:
        OSError: There is no room for another process.
    """
    reader, writer = os.pipe()
    middle = os.fork()
    if middle == 0:
        try:
            child = os.fork()
        except OSError as error:
            os.write(writer, str(error).encode())
            os._exit(1)
        if child == 0:
            os.close(reader)
            os.close(writer)
            return 0
        os.write(writer, b"%d" % child)
        os._exit(0)
    os.close(writer)
    # Only once the one in the middle is gone is its child the supervisor's to wait for.
    os.waitpid(middle, 0)
    told = os.read(reader, _ANSWER_BYTES)
    os.close(reader)
    return _pid_in(told)


def _become(name: str, log: Path) -> None:
    """Be a process of one's own: session, name, output; nothing to read."""
    os.setsid()
    _prctl(_PR_SET_NAME, ctypes.create_string_buffer(name.encode()[:_NAME_BYTES]))
    nothing = os.open(os.devnull, os.O_RDONLY)  # first: it may get the number 0, which is free
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
        os.set_inheritable(target, True)  # a copy upon itself changes nothing
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
                return  # in the way of the rest until it is buried; we come again then
            os.waitpid(dead.si_pid, 0)
