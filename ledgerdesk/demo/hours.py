"""When things happen in the simulated quarter: office hours, shifts, and the arrivals of tickets. Pure.

Times are seconds since the quarter's start, which is midnight UTC of some weekday; the simulated desk lives in UTC.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
WEEK_DAYS: Final = 7

_BY_WEEKDAY: Final = (1.28, 1.12, 1.0, 1.02, 0.86, 0.16, 0.12)
_BY_HOUR: Final = (
    0.06, 0.04, 0.03, 0.03, 0.05, 0.12, 0.45, 1.1, 2.1, 2.6, 2.4, 1.9, 1.3, 1.7, 2.0, 1.8, 1.4, 0.9, 0.5, 0.35, 0.28, 0.2,
    0.14, 0.09,
)  # fmt: skip
_BY_WEEK: Final = (0.94, 1.0, 1.04, 0.98, 1.1, 1.02, 0.84, 0.9, 1.06, 1.12, 1.03, 0.97, 1.08)
"""Share of an average week; the dip in the middle is a week of school holidays."""
_NOISE: Final = 0.18
"""Standard deviation of an hour's logarithm about its expectation."""
_FADES: Final = (0.42, 0.3, 0.18, 0.1)
"""How the tickets of an incident spread over its hours."""


class Shift(NamedTuple):
    """When somebody works: weekdays (0 is Monday), from one hour of the day to another."""

    days: frozenset[int]
    begin: float
    end: float


OFFICE: Final = Shift(frozenset(range(5)), 7.5, 18.5)
"""When customers read and answer."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Knows the weekday of the quarter's first day (0 is Monday)."""

    first_weekday: int

    def next_in(self, shift: Shift, at: float) -> float:
        """Return the first moment from `at` on that is inside the shift."""
        day = int(at // DAY)
        while True:
            if (self.first_weekday + day) % WEEK_DAYS in shift.days:
                begin, end = day * DAY + shift.begin * HOUR, day * DAY + shift.end * HOUR
                if at < end:
                    return max(at, begin)
            day += 1

    def after_days(self, shift: Shift, at: float, days: int) -> float:
        """Return the same time of day `days` of the shift's days later."""
        while days > 0:
            at += DAY
            if (self.first_weekday + int(at // DAY)) % WEEK_DAYS in shift.days:
                days -= 1
        return at


class Incident(NamedTuple):
    """Something breaks for many at once: from an hour of the quarter on, this share of all tickets is about it."""

    hour: int
    topic: str
    share: float


def incidents(rng: random.Random, weeks: int, topics: Sequence[str], clock: Clock) -> list[Incident]:
    """Return one incident for every two to three weeks, in working hours, in time order."""
    found = []
    for number in range(max(1, weeks * 2 // 5)):
        week = number * weeks // max(1, weeks * 2 // 5) + rng.randrange(2)
        wanted = rng.choice((0, 1, 1, 2, 3))
        day = min(week, weeks - 1) * WEEK_DAYS + (wanted - clock.first_weekday) % WEEK_DAYS
        found.append(Incident(day * 24 + rng.randrange(8, 15), rng.choice(topics), rng.uniform(0.006, 0.016)))
    return sorted(found)


def arrivals(
    rng: random.Random, tickets: int, weeks: int, clock: Clock, broken: Sequence[Incident]
) -> Iterator[tuple[float, Incident | None]]:
    """Yield the moment of every ticket in time order, exactly `tickets` of them, with the incident it belongs to.

    An hour's expectation follows the weekday, the hour of the day, the week and the incidents; what is held in memory is a
    number for each hour.
    """
    base = [
        _BY_WEEKDAY[(clock.first_weekday + hour // 24) % WEEK_DAYS] * _BY_HOUR[hour % 24]
        * _BY_WEEK[hour // 24 // WEEK_DAYS % len(_BY_WEEK)] * rng.lognormvariate(0, _NOISE)
        for hour in range(weeks * WEEK_DAYS * 24)
    ]  # fmt: skip
    whole = sum(base)
    extra: dict[int, tuple[float, Incident]] = {}
    for incident in broken:
        for offset, part in enumerate(_FADES):
            if incident.hour + offset < len(base):
                extra[incident.hour + offset] = (whole * incident.share * part, incident)
    total = whole + sum(weight for weight, _ in extra.values())
    passed, given = 0.0, 0
    for hour, weight in enumerate(base):
        more, incident_or_none = extra.get(hour, (0.0, None))
        passed += weight + more
        upto = tickets if hour == len(base) - 1 else round(tickets * passed / total)
        for moment in sorted(rng.random() for _ in range(upto - given)):
            belongs = rng.random() * (weight + more) < more
            yield (hour + moment) * HOUR, incident_or_none if belongs else None
        given = upto
