"""Places where a test lets a process die, to prove that dying there loses nothing.

Off unless ``LEDGERDESK_FAILPOINTS`` names a directory: then a process that comes to a point for which a file of that name
stands there removes the file and ends itself by SIGKILL, as a crash would. So a point is armed in a running process, and the
process that is started in its place does not die again. The file may hold a number: so many times the point is passed first.
"""

import os
import signal
from pathlib import Path

POINTS = {
    "after-insert": "a store has committed a batch, and nobody was told",
    "after-send": "a relay has handed its batches to the client, and none is acknowledged",
    "before-cursor-move": "a relay's page is acknowledged, and its cursor not moved",
    "before-checkpoint": "a projection has written its rows, and neither moved its checkpoint nor committed",
    "after-commit": "a projection has committed, and not acknowledged to Kafka",
    "on-assign": "partitions were assigned and paused, and not sought",
    "after-reaction": "a reaction's events are appended, and its cause still in the inbox",
}
"""Name -> where it is."""

_FOLDER = os.environ.get("LEDGERDESK_FAILPOINTS")


def hit(point: str) -> None:
    """Die here, if somebody wants it."""
    if _FOLDER is not None:
        _look(Path(_FOLDER) / point)


def _look(armed: Path) -> None:
    try:
        passes = int(armed.read_text() or 0)
        if passes:
            armed.write_text(str(passes - 1))
            return
        armed.unlink()  # of several processes here, one dies
    except (FileNotFoundError, ValueError):
        return
    os.kill(os.getpid(), signal.SIGKILL)
