"""`ledgerdesk demo`: starts the embedded stack as `up` does, and beside it the program that plays and loads (`run`).

This process stays in memory as long as the demo does, so it imports little. It waits for its two children and for signals, and
passes a request to stop on to the supervisor, however often it comes.
"""

import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from shared.embedded import is_same_process, read_state

_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_KILL_SECONDS: Final = 10.0
_PR_SET_PDEATHSIG: Final = 1


def supervisor_of(data: Path) -> int | None:
    """Return the pid of the supervisor that runs the stack in a data directory, None where none does."""
    supervisor = (read_state(data) or {}).get("supervisor") or {}
    pid, born = supervisor.get("pid"), supervisor.get("create_time")
    return pid if isinstance(pid, int) and isinstance(born, float) and is_same_process(pid, born) else None


def conduct(data: Path, port: int, arguments: Sequence[str], *, stay: bool) -> int:
    """Run the demo until it is told to stop, or until it has played if it is not to stay.

    A stack that runs in the data directory already, or one named by LEDGERDESK_URL, is used and left running.

    Args:
        data: The stack's directory.
        port: Where a stack that is started serves.
        arguments: For the program that plays and loads.
        stay: Keep the stack running afterwards.

    Returns:
        The exit status: 0 when all went well, also after a stop asked for; else the status of what failed.
    """
    conductor = _Conductor()
    conductor.listen()
    try:
        stack = None
        running = supervisor_of(data)
        if not os.environ.get("LEDGERDESK_URL") and running is None:
            if not _is_free(port):
                print(f"port {port} is in use: name another one with LEDGERDESK_PORT", file=sys.stderr)  # noqa: T201 -- the command's output
                return 1
            stack = conductor.start("ledgerdesk.up", "--data", str(data), "--port", str(port))
        player = conductor.start("ledgerdesk.demo.run", "--data", str(data), *arguments)
        return conductor.attend(stack, player, stay=stay)
    finally:
        for number in _STOP_SIGNALS:  # the interpreter puts the default action back before it is gone
            signal.signal(number, signal.SIG_IGN)


def _is_free(port: int) -> bool:
    """Whether a server can listen on the port: a stack that cannot tries for a minute before it says so."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: the last one's connections linger
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _die_with_parent() -> None:
    """Let the kernel stop this child when its parent is gone, even if it was killed (Linux; elsewhere nothing)."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class _Conductor:
    def __init__(self) -> None:
        self._stop = False
        self._wakeup = -1

    def listen(self) -> None:
        self._wakeup, end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(end, warn_on_full_buffer=False)
        for number in _STOP_SIGNALS:
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # started with nohup
            signal.signal(number, self._request_stop)
        signal.signal(
            signal.SIGCHLD, lambda *_: None
        )  # wakes us: Python writes to the pipe only for what has a handler

    def _request_stop(self, *_: object) -> None:
        self._stop = True

    def start(self, module: str, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start a program of ours in a session of its own: a Ctrl-C at the terminal reaches this process alone."""
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments], start_new_session=True, preexec_fn=_die_with_parent  # noqa: PLW1509 -- no threads here
        )  # fmt: skip

    def attend(self, stack: "subprocess.Popen[bytes] | None", player: "subprocess.Popen[bytes]", *, stay: bool) -> int:
        failed, played_before = 0, False
        while not self._stop:
            played = player.poll()
            if played or (played == 0 and (not stay or stack is None)):
                failed = played if played >= 0 else 128 - played
                break
            if played == 0 and not played_before:
                print("\nThe demo stays up; stop it with Ctrl-C.", flush=True)  # noqa: T201 -- the command's output
                played_before = True
            if stack is not None and stack.poll() is not None:
                failed = stack.returncode or 1
                break
            select.select([self._wakeup], [], [])
            with contextlib.suppress(BlockingIOError):
                os.read(self._wakeup, 4096)
        _end(player)
        if stack is None:
            return failed
        with contextlib.suppress(ProcessLookupError):
            stack.terminate()
        ended = stack.wait()
        return failed or (ended if ended >= 0 else 128 - ended)


def _end(player: "subprocess.Popen[bytes]") -> None:
    """End the player, if it still plays: what it has stated stays, and another demo adds the rest."""
    if player.poll() is None:
        player.terminate()
        try:
            player.wait(_KILL_SECONDS)
        except subprocess.TimeoutExpired:
            player.kill()
            player.wait()
