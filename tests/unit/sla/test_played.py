"""Promises against a plain story that is played minute by minute: all four, through holds, merges, reopenings, holidays and changed clocks.

The model shares nothing with the product: it has its own clock, its own holidays, and counts.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.workflow.domain import sla
from services.workflow.domain.sla import story_of
from shared.hours import DAYS, hours_of

MINUTE = timedelta(minutes=1)
PLAYED = timedelta(days=4)
AGENT = {"agent": "00000000-0000-0000-0000-000000000007"}
WEEKDAYS = list(DAYS[:5])
HOLIDAYS = {"2026-12-25", "2026-12-26", "2027-01-01"}
"""Those of Germany about the turn of that year."""
CALENDARS: dict[str, tuple[dict[str, Any], str]] = {
    "over Christmas, with a half day, a holiday that is worked for two hours, and a day that is closed": (
        {
            "zone": "Europe/Berlin", "country": "DE", "hours": [{"days": WEEKDAYS, "start": "09:00", "end": "17:00"}],
            "special": [
                {"date": "2026-12-24", "start": "09:00", "end": "12:00"}, {"date": "2026-12-25", "start": "10:00", "end": "12:00"},
            ],
            "closed": ["2026-12-28"],
        },
        "2026-12-23T00:00:00Z",
    ),
    "nights, when an hour is left out": (
        {"zone": "America/New_York", "hours": [{"days": list(DAYS), "start": "01:30", "end": "03:30"}]}, "2026-03-07T00:00:00Z",
    ),
    "nights, when half an hour comes twice": (
        {"zone": "Australia/Lord_Howe", "hours": [{"days": list(DAYS), "start": "01:00", "end": "02:30"}]}, "2026-04-03T00:00:00Z",
    ),
    "over a leap day": (
        {"zone": "Asia/Kathmandu", "hours": [{"days": list(DAYS), "start": "22:00", "end": "24:00"}]}, "2028-02-27T18:00:00Z",
    ),
    "round the clock": (
        {"zone": "UTC", "hours": [{"days": list(DAYS), "start": "00:00", "end": "24:00"}]}, "2026-11-23T00:00:00Z",
    ),
}  # fmt: skip
AFTER = {
    "held": "on_hold", "resumed": "open", "resolved": "resolved", "closed": "closed", "reopened": "open", "merged": "merged",
    "unmerged": "open",
}  # fmt: skip
NAMES = (*AFTER, "assigned", "replied", "message_received")
Steps = list[tuple[str, datetime, dict[str, Any]]]


@dataclass
class Told:
    """A promise as the model tells of it; `taken` are the minutes that were worked for it."""

    target: str
    start: datetime
    taken: int = 0
    due: datetime | None = None
    met: datetime | None = None


def worked(entry: dict[str, Any], minute: datetime) -> bool:
    """Whether somebody works in this minute: the calendar, word by word."""
    local = minute.astimezone(ZoneInfo(entry["zone"]))
    day, clock = local.date().isoformat(), f"{local:%H:%M}"
    spans = [span for span in entry.get("special", ()) if span["date"] == day]
    off = day in entry.get("closed", ()) or ("country" in entry and day in HOLIDAYS)
    if not spans and not off:
        spans = [span for span in entry["hours"] if DAYS[local.weekday()] in span["days"]]
    return any(span["start"] <= clock < span["end"] for span in spans)


class Desk:
    """A ticket as it goes on, with what was promised for it."""

    def __init__(self, begun: datetime) -> None:
        self.told = {target: Told(target, begun) for target in ("own", "first_response", "resolution")}
        self.updates: list[Told] = []
        self.status, self.answered = "new", False

    @property
    def promised(self) -> list[Told]:
        return [*self.told.values(), *self.updates]

    def happens(self, name: str, data: dict[str, Any], minute: datetime) -> None:
        before, self.status = self.status, AFTER.get(name, self.status)
        done = name in {"resolved", "closed"}
        if done or (name == "assigned" and data.get("agent")):
            keep(self.told["own"], minute)
        if done or name == "replied":
            keep(self.told["first_response"], minute)
            for update in self.updates:
                keep(update, minute)
            self.answered = True
        if name == "message_received" and self.answered and all(update.met for update in self.updates):
            self.updates.append(Told("next_update", minute))
        if self.status in {"resolved", "closed"}:
            keep(self.told["resolution"], minute)
        elif before in {"resolved", "closed"}:
            self.told["resolution"].met = None  # not so, after all


def keep(promise: Told, minute: datetime) -> None:
    promise.met = promise.met or minute


def played(steps: Steps, minutes: int, entry: dict[str, Any], *, pauses: bool) -> Desk:
    """Play a ticket for four days."""
    begun = minute = steps[0][1]
    desk, happens = Desk(begun), {when: (name, data) for name, when, data in steps[1:]}
    while minute < begun + PLAYED:
        if minute in happens:
            desk.happens(*happens[minute], minute)
        counts = worked(entry, minute) and not waits(desk.status, pauses=pauses)
        for promise in desk.promised:
            if counts and promise.met is None:
                promise.taken += 1
                promise.due = minute + MINUTE if promise.taken == minutes else promise.due
        minute += MINUTE
    return desk


def waits(status: str, *, pauses: bool) -> bool:
    return status == "merged" or (pauses and status == "on_hold")


@st.composite
def stories(draw: st.DrawFn) -> tuple[str, Steps]:
    calendar = draw(st.sampled_from(sorted(CALENDARS)))
    begun = datetime.fromisoformat(CALENDARS[calendar][1]).astimezone(UTC) + draw(st.integers(0, 1440)) * MINUTE
    moments = draw(st.lists(st.integers(1, 4 * 1440 - 1), max_size=9, unique=True).map(sorted))
    steps: Steps = [("created", begun, {})]
    for offset in moments:
        name = draw(st.sampled_from(NAMES))
        data = draw(st.sampled_from([AGENT, {"agent": None, "team": "t"}])) if name == "assigned" else {}
        steps.append((name, begun + offset * MINUTE, {"status": "open"} if name == "unmerged" else data))
    return calendar, steps


CHRISTMAS, ROUND_THE_CLOCK = next(iter(CALENDARS)), "round the clock"
EVE = datetime(2026, 12, 24, 8, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def story(begun: datetime, *happens: tuple[str, int]) -> Steps:
    data = {"assigned": AGENT, "unmerged": {"status": "open"}}
    return [("created", begun, {}), *((name, begun + after * MINUTE, data.get(name, {})) for name, after in happens)]


@settings(max_examples=120, deadline=None)
@given(stories(), st.integers(1, 500), st.booleans())
@example((CHRISTMAS, story(EVE)), 240, True)  # three hours of the eve, one of the holiday
@example((CHRISTMAS, story(EVE)), 180, True)  # due when the half day ends, not when the next begins
@example((ROUND_THE_CLOCK, story(MONDAY, ("resolved", 60))), 60, True)  # at the very moment
@example((ROUND_THE_CLOCK, story(MONDAY, ("held", 60), ("resolved", 90))), 60, True)  # due when the hold begins
@example(
    (ROUND_THE_CLOCK, story(MONDAY, ("merged", 30), ("unmerged", 90))), 60, False
)  # merged it waits, whatever the plan says of holds
@example((ROUND_THE_CLOCK, story(MONDAY, ("resolved", 30), ("closed", 40), ("reopened", 100))), 60, True)
@example(
    (
        ROUND_THE_CLOCK,
        story(MONDAY, ("replied", 5), ("message_received", 10), ("message_received", 20), ("replied", 80)),
    ),
    60,
    True,
)
def test_every_promise_is_what_is_counted(told, minutes, pauses):
    calendar, steps = told
    entry = CALENDARS[calendar][0]
    targets = dict.fromkeys(("own", "first_response", "next_update", "resolution"), minutes)
    plan = {"targets": targets, "warn_percent": 0, "pause_on_hold": pauses}
    found = sla.promises(story_of(steps), plan, hours_of(entry))
    desk = played(steps, minutes, entry, pauses=pauses)
    expected, still = desk.promised, waits(desk.status, pauses=pauses)
    assert [(p.target, p.start) for p in sorted(found, key=_place)] == [
        (p.target, p.start) for p in sorted(expected, key=_place)
    ]
    for promise, counted in zip(sorted(found, key=_place), sorted(expected, key=_place), strict=True):
        assert promise.met == counted.met, promise.target
        if counted.met is not None:
            assert promise.seconds == counted.taken * 60, promise.target
            late = promise.due is not None and promise.due < counted.met
            assert late == (counted.due is not None and counted.due < counted.met), promise.target
        elif counted.due is not None:
            assert promise.due == counted.due, promise.target
        elif still:
            assert (promise.due, promise.left) == (None, (minutes - counted.taken) * 60), promise.target
        else:
            assert promise.due is None or promise.due > steps[0][1] + PLAYED, promise.target


def _place(promise: Any) -> tuple[str, datetime]:
    return promise.target, promise.start
