"""Promises against a second implementation that counts minutes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.workflow.domain import sla
from services.workflow.domain.sla import story_of
from shared.hours import ALWAYS, hours_of
from tests.unit.sla.promised import MINUTE, OFFICE, plan


def counted(steps: Sequence[tuple[str, datetime, dict[str, Any]]], hours: Any, start: datetime, minutes: int) -> Any:
    """The rule, word by word: minutes that are worked and not waited for. Returns the moment, or None if it stands still at the end."""
    end = start + timedelta(days=8)
    minute, left, status = start, minutes, "new"
    events = {when: name for name, when, _ in steps}
    while left:
        status = {"held": "on_hold", "resumed": "open"}.get(events.get(minute, ""), status)
        if minute >= end:
            return None
        left -= status != "on_hold" and hours.covers(minute)
        minute += MINUTE
    return minute


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(1, 3 * 24 * 60), min_size=0, max_size=6, unique=True), st.integers(0, 24 * 60), st.integers(1, 600),
    st.booleans(),
)  # fmt: skip
def test_a_promise_is_due_when_so_many_minutes_are_counted(moves, begins, minutes, around_the_clock):
    start = datetime(2026, 12, 23, tzinfo=UTC) + begins * MINUTE  # holidays ahead
    hours = ALWAYS if around_the_clock else hours_of(OFFICE)
    steps: list[tuple[str, datetime, dict[str, Any]]] = [("created", start, {})]
    for n, offset in enumerate(sorted(moves)):
        steps.append(("resumed" if n % 2 else "held", start + offset * MINUTE, {}))
    promise = sla.promises(story_of(steps), plan(resolution=minutes), hours)[0]
    expected = counted(steps, hours, start, minutes)
    if expected is None:
        assert promise.due is None or promise.due > start + timedelta(days=8)
        assert promise.due is not None or (promise.left or 0) > 0
    else:
        assert promise.due == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 5000), min_size=1, max_size=7, unique=True), st.integers(1, 300))
def test_what_it_took_is_what_is_counted_until_it_was_met(moves, minutes):
    start, hours = datetime(2026, 3, 27, 9, tzinfo=UTC), hours_of(OFFICE)
    ordered = sorted(moves)
    steps: list[tuple[str, datetime, dict[str, Any]]] = [("created", start, {})]
    for n, offset in enumerate(ordered[:-1]):
        steps.append(("resumed" if n % 2 else "held", start + offset * MINUTE, {}))
    steps.append(("resolved", start + ordered[-1] * MINUTE, {}))
    promise = sla.promises(story_of(steps), plan(resolution=minutes), hours)[0]
    taken, minute, status = 0, start, "new"
    names = {when: name for name, when, _ in steps}
    while minute < steps[-1][1]:
        status = {"held": "on_hold", "resumed": "open"}.get(names.get(minute, ""), status)
        taken += status != "on_hold" and hours.covers(minute)
        minute += MINUTE
    assert promise.met == steps[-1][1]
    assert promise.seconds == taken * 60
    if taken != minutes:  # of one that stood still from the very moment on that it was due, both can be said
        assert (promise.due is not None and promise.due < promise.met) == (taken > minutes)
