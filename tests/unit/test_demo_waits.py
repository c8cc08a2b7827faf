"""The demo waits for its stack: as long as a worker that catches up gets on, and no longer."""

from types import SimpleNamespace

import pytest

from ledgerdesk.demo import run


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    """A second passes with each sleep."""
    now = SimpleNamespace(at=0.0)
    monkeypatch.delenv("LEDGERDESK_URL", raising=False)
    monkeypatch.setattr(
        run, "time", SimpleNamespace(monotonic=lambda: now.at, sleep=lambda _: setattr(now, "at", now.at + 1))
    )
    return now


def test_it_waits_while_the_worker_gets_on(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(run, "worker_progress", lambda _: f"is catching up: {clock.at // 100} events read")
    monkeypatch.setattr(run, "_all_run", lambda _: clock.at > 1000)
    monkeypatch.setattr(run, "_answers", lambda _: True)
    monkeypatch.setattr(run, "find_stack", lambda _: "the stack")
    assert run.wait_ready(tmp_path) == "the stack"


def test_it_gives_up_when_nothing_gets_on(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(run, "_all_run", lambda _: False)
    with pytest.raises(run.DemoError, match="not ready after 180 s"):
        run.wait_ready(tmp_path)
    assert clock.at == 180
