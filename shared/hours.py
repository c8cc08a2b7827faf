"""Hours of work: when somebody is there, in his own zone, with holidays; and how long is worked between two moments. Pure.

Spans are half open: of 09:00 to 17:00, nine o'clock is worked and five is not. Wall-clock times are turned into UTC by the
offsets that hold on the day, so a night in which the clocks change is as long as it is, and a time that does not exist is left
out. Everything given and returned is UTC; durations are seconds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import holidays

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HORIZON = timedelta(days=3700)
"""How far a moment may lie ahead: hours that give nothing in ten years give nothing."""
_DAY = timedelta(days=1)
_LONGEST_OFFSET = timedelta(hours=26)
"""No zone has ever been further from UTC than fifteen hours; a day is at most this far from its UTC namesake."""

Span = tuple[datetime, datetime]
WallSpan = tuple[timedelta, timedelta]
"""From and to, after the day's midnight by the wall clock; at most 24 hours."""


def wall_span(start: str, end: str) -> WallSpan:
    """Return a span of a day from ``HH:MM`` to ``HH:MM``; ``24:00`` is the day's end.

    Raises:
        ValueError: It is no such time, or ends before it begins.
    """
    begin, finish = _of_midnight(start), _of_midnight(end)
    if not begin < finish:
        raise ValueError(f"{start} to {end} is no span: it must end after it begins (over midnight takes two)")
    return begin, finish


def _of_midnight(text: str) -> timedelta:
    if text == "24:00":
        return _DAY
    moment = time.fromisoformat(text)
    return timedelta(hours=moment.hour, minutes=moment.minute)


@dataclass(frozen=True, slots=True)
class Hours:
    """When work is done.

    Attributes:
        zone: Whose wall clock.
        week: Day of the week (0: Monday) to its spans.
        special: Days with hours of their own; none: closed.
        holiday: Whether a day is a holiday, and so closed, unless it is special.
    """

    zone: ZoneInfo
    week: Mapping[int, Sequence[WallSpan]]
    special: Mapping[date, Sequence[WallSpan]] = field(default_factory=dict)
    holiday: Callable[[date], bool] = lambda _: False
    _known: dict[date, tuple[Span, ...]] = field(default_factory=dict, compare=False, repr=False)

    def _wall(self, day: date) -> Sequence[WallSpan]:
        if day in self.special:
            return self.special[day]
        return () if self.holiday(day) else self.week.get(day.weekday(), ())

    def of_day(self, day: date) -> tuple[Span, ...]:
        """Return the spans of a local day, in order."""
        if day not in self._known:
            wall = self._wall(day)
            self._known[day] = tuple(_spans(self.zone, day, wall)) if wall else ()
        return self._known[day]

    def _from(self, start: datetime) -> "list[Span]":
        day = start.astimezone(self.zone).date() - _DAY
        return [span for n in range(3) for span in self.of_day(day + n * _DAY)]

    def covers(self, moment: datetime) -> bool:
        """Whether work is done at this moment."""
        return any(start <= moment < end for start, end in self._from(moment))

    def between(self, start: datetime, end: datetime) -> float:
        """Return the seconds worked from `start` to `end`; 0 if it lies before."""
        day, last = start.astimezone(self.zone).date() - _DAY, end.astimezone(self.zone).date() + _DAY
        worked = timedelta()
        while day <= last:
            for opens, closes in self.of_day(day):
                worked += max(min(closes, end) - max(opens, start), timedelta())
            day += _DAY
        return worked.total_seconds()

    def after(self, start: datetime, seconds: float) -> datetime | None:
        """Return the first moment by which this much has been worked since `start`; None: not within ten years."""
        left = timedelta(seconds=seconds)
        if left <= timedelta():
            return start
        day, until = start.astimezone(self.zone).date() - _DAY, (start + HORIZON).date()
        while day <= until:
            for opens, closes in self.of_day(day):
                begin = max(opens, start)
                if closes - begin >= left:
                    return begin + left
                left -= max(closes - begin, timedelta())
            day += _DAY
        return None

    def next_start(self, moment: datetime) -> datetime | None:
        """Return when work is done next: `moment` itself, if it is then; None: not within ten years."""
        day, until = moment.astimezone(self.zone).date() - _DAY, (moment + HORIZON).date()
        while day <= until:
            for opens, closes in self.of_day(day):
                if closes > moment:
                    return max(opens, moment)
            day += _DAY
        return None


def _spans(zone: ZoneInfo, day: date, wall: Sequence[WallSpan]) -> list[Span]:
    """Return the spans of a day in UTC: in each stretch with one offset, what of the wall clock falls into it."""
    midnight = datetime.combine(day, time(), UTC)
    found: list[Span] = []
    for begin, end, offset in _stretches(zone, midnight - _LONGEST_OFFSET, midnight + _DAY + _LONGEST_OFFSET):
        for opens, closes in wall:
            start, finish = max(midnight + opens - offset, begin), min(midnight + closes - offset, end)
            if start < finish:
                found.append((start, finish))
    return _joined(found)


def _joined(spans: list[Span]) -> list[Span]:
    """Return spans in order, overlapping and touching ones as one."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _stretches(zone: ZoneInfo, start: datetime, end: datetime) -> list[tuple[datetime, datetime, timedelta]]:
    """Return stretches (from, to, offset from UTC) with one offset each; a change is found to the second."""
    found = []
    step, begin, offset = timedelta(hours=1), start, _offset(zone, start)
    moment = start
    while moment < end:
        following = min(moment + step, end)
        if _offset(zone, following) != offset:
            low, high = moment, following
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
                low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
            found.append((begin, high, offset))
            begin, offset = high, _offset(zone, high)
        moment = following
    return [*found, (begin, end, offset)]


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


ALWAYS = Hours(ZoneInfo("UTC"), {day: ((timedelta(), _DAY),) for day in range(7)})
"""Round the clock."""


def hours_of(entry: Mapping[str, Any]) -> Hours:
    """Return the hours that a calendar's entry says (`contracts.hours.Calendar`), or as much of one as there is.

    Raises:
        ValueError: Zone, country, subdivision, a date or a span is not known; the message says which.
    """
    week: dict[int, list[WallSpan]] = {}
    for span in entry.get("hours") or ():
        for day in span["days"]:
            week.setdefault(DAYS.index(day), []).append(wall_span(span["start"], span["end"]))
    special: dict[date, list[WallSpan]] = {date.fromisoformat(day): [] for day in entry.get("closed") or ()}
    for span in entry.get("special") or ():
        special.setdefault(date.fromisoformat(span["date"]), []).append(wall_span(span["start"], span["end"]))
    return Hours(
        zone_named(entry.get("zone") or "UTC"), week, special, _holiday(entry.get("country"), entry.get("subdivision"))
    )


def zone_named(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name.

    Raises:
        ValueError: There is none.
    """
    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError) as error:  # not known, or no name at all
        raise ValueError(f"there is no time zone {name!r}; write one as Europe/Berlin") from error


def _holiday(country: str | None, subdivision: str | None) -> Callable[[date], bool]:
    if country is None:
        return lambda _: False
    try:
        days = holidays.country_holidays(country, subdiv=subdivision)
    except NotImplementedError as error:
        raise ValueError(f"public holidays: {error}") from error
    return lambda day: day in days
