"""What the embedded stack's worker says of itself, in a file: whether it is ready, and how far it has come that catches up."""

import asyncio
import os
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from ledgerdesk import host as hosting
from ledgerdesk import up


def worker(*caught_up: int, ready: bool) -> hosting.Host:
    follows = asyncio.Event()
    if ready:
        follows.set()
    host = hosting.Host(Mock(), ["one"], {})
    host.services = {str(n): Mock(projection=SimpleNamespace(caught_up=count)) for n, count in enumerate(caught_up)}
    host.parts = dict.fromkeys(host.services, ("projector",))
    host.subscription = Mock(ready=follows)
    return host


@pytest.mark.parametrize(
    ("host", "state", "progress"),
    [
        (worker(0, 0, ready=False), "starting", ""),
        (worker(1_000_000, 2, ready=False), "catching up: 1,000,002 events read", "is catching up: 1,000,002 events read"),
        (worker(1_000_000, 2, ready=True), "ready", ""),
    ],
)  # fmt: skip
def test_the_supervisor_is_told_what_the_worker_says(tmp_path, host: Any, state, progress):
    assert host.state() == state
    hosting._say(tmp_path / "run" / "ready" / "worker", host.state())
    assert (up._said(tmp_path), up.worker_progress(tmp_path)) == (state, progress)
    assert str(os.getpid()) in (tmp_path / "run" / "ready" / "worker").read_text(), "and which one says it"


def test_a_worker_that_has_said_nothing_yet(tmp_path):
    assert (up._said(tmp_path), up.worker_progress(tmp_path)) == ("", "")
