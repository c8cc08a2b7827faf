"""What a plan promises for a ticket, and by when: from its story, by the hours of a calendar."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.workflow.domain.sla.story import DONE, Stop, Story
from shared.hours import Hours

TARGETS = ("own", "first_response", "next_update", "resolution")
_SECONDS = 60
_HOLD, _MERGED = frozenset({"on_hold"}), frozenset({"merged"})


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise.

    Attributes:
        start: When its time began.
        minutes: What was promised, of the calendar's hours.
        due: By when; None: it stands still, or its hours never come.
        warn: When the part is gone after which a warning comes; None: none comes, or not yet.
        left: Seconds left, while it stands still.
        met: When it was kept; None: not yet.
        seconds: Of the calendar's hours until then.
    """

    target: str
    start: datetime
    minutes: int
    due: datetime | None
    warn: datetime | None = None
    left: float | None = None
    met: datetime | None = None
    seconds: float = 0.0


def promises(story: Story, plan: Mapping[str, Any], hours: Hours) -> list[Promise]:
    """Return all that the plan has promised for the ticket so far, kept or not."""
    return [
        _promise(target, start, met, stops, plan, hours)
        for target, start, met, stops in _periods(story, plan)
        if plan["targets"].get(target)
    ]


def _periods(story: Story, plan: Mapping[str, Any]) -> Iterator[tuple[str, datetime, datetime | None, Sequence[Stop]]]:
    """Yield (target, start, kept at, stops) of each promise."""
    if story.created is None:
        return
    waits = story.spans(_MERGED | _HOLD if plan["pause_on_hold"] else _MERGED)
    done = story.spans(DONE)
    first_done = [done[0][0]] if done else []
    yield "own", story.created, min([*first_done, *([story.owned] if story.owned else [])], default=None), waits
    answered = story.answers[0] if story.answers else None
    yield "first_response", story.created, answered, waits
    for start, met in _updates(story):
        yield "next_update", start, met, waits
    resolved = done[-1][0] if done and done[-1][1] is None else None
    yield "resolution", story.created, resolved, _together([*waits, *(span for span in done if span[1] is not None)])


def _updates(story: Story) -> Iterator[tuple[datetime, datetime | None]]:
    """Yield (asked, answered) of each time the requester wrote after the first answer, as often as he was answered."""
    answered = story.answers[0] if story.answers else None
    while answered is not None:
        asked = next((at for at in story.messages if at > answered), None)
        if asked is None:
            return
        answered = next((at for at in story.answers if at >= asked), None)
        yield asked, answered


def _promise(
    target: str, start: datetime, met: datetime | None, stops: Sequence[Stop], plan: Mapping[str, Any], hours: Hours
) -> Promise:
    minutes = plan["targets"][target]
    before = [(begins, ends) for begins, ends in stops if met is None or begins < met]
    if met is not None and before and (before[-1][1] is None or before[-1][1] > met):
        before[-1] = (before[-1][0], None)  # kept while it stood still: when it would have gone on makes no difference
    due, left = reached(start, minutes * _SECONDS, before, hours)
    percent = plan["warn_percent"]
    warn = reached(start, minutes * _SECONDS * percent / 100, before, hours)[0] if percent else None
    seconds = worked(start, met, before, hours) if met is not None else 0.0
    return Promise(target, start, minutes, due, warn, left, met, seconds)


def reached(
    start: datetime, seconds: float, stops: Sequence[Stop], hours: Hours
) -> tuple[datetime | None, float | None]:
    """Return when so much is worked since `start`, stops left out; or None and what is left, if it stands still before."""
    left = seconds
    for begins, ends in stops:
        if ends is not None and ends <= start:
            continue
        before = hours.between(start, begins) if begins > start else 0.0
        if before >= left:
            break
        left -= before
        if ends is None:
            return None, left
        start = ends
    return hours.after(start, left), None


def worked(start: datetime, end: datetime, stops: Sequence[Stop], hours: Hours) -> float:
    """Return the seconds worked from `start` to `end`, stops left out."""
    seconds = 0.0
    for begins, ends in stops:
        if ends is not None and ends <= start:
            continue
        seconds += hours.between(start, min(begins, end)) if begins > start else 0.0
        if ends is None or ends >= end:
            return seconds
        start = ends
    return seconds + hours.between(start, end)


def _together(stops: Sequence[Stop]) -> list[Stop]:
    """Return stops in order, overlapping ones as one."""
    joined: list[Stop] = []
    for begins, ends in sorted(stops, key=lambda stop: stop[0]):
        last = joined[-1] if joined else None
        if last is None or (last[1] is not None and begins > last[1]):
            joined.append((begins, ends))
        elif last[1] is not None:
            joined[-1] = (last[0], None if ends is None else max(last[1], ends))
    return joined
