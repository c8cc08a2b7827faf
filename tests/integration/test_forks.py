"""What the stack's processes are forked from."""

import os
import subprocess
import sys

import psutil

from shared.embedded import ForkServer
from shared.testing.wait import wait_until
from tests.integration.driven import ROOT


def test_what_has_loaded_has_one_thread_and_nothing_open():
    """A fork has only the thread that forked, and shares what was open with all others."""
    forks = ForkServer()
    channel = forks.connect()
    command = [sys.executable, "-m", "ledgerdesk.forks"]
    server = subprocess.Popen(command, stdin=channel, stdout=subprocess.DEVNULL, cwd=ROOT, env={})
    os.close(channel)
    try:
        wait_until(lambda: forks.loaded, timeout=30)
        process = psutil.Process(server.pid)
        assert process.num_threads() == 1
        assert process.num_fds() == 3
        assert process.net_connections() == []
    finally:
        forks.disconnect()
        assert server.wait(10) == 0
