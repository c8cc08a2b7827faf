"""The ends of a span: half open to the microsecond, on usual days, on half days, and where days meet."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.hours import DAYS, hours_of

MOMENT = timedelta(microseconds=1)
OFFICE = {
    "zone": "Europe/Berlin", "country": "DE", "hours": [{"days": list(DAYS[:5]), "start": "09:00", "end": "17:00"}],
    "special": [{"date": "2026-12-24", "start": "09:00", "end": "12:00"}, {"date": "2026-12-25", "start": "10:00", "end": "11:00"}],
}  # fmt: skip
ALL_WEEK = {"zone": "Europe/Berlin", "hours": [{"days": list(DAYS), "start": "00:00", "end": "24:00"}]}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("opens", "closes"),
    [
        ("2026-11-23T09:00:00+01:00", "2026-11-23T17:00:00+01:00"), ("2026-12-24T09:00:00+01:00", "2026-12-24T12:00:00+01:00"),
        ("2026-12-25T10:00:00+01:00", "2026-12-25T11:00:00+01:00"), ("2026-10-26T09:00:00+01:00", "2026-10-26T17:00:00+01:00"),
    ],
    ids=["a usual day", "a half day", "a holiday that is worked", "the day after a change of the clocks"],
)  # fmt: skip
def test_a_span_is_half_open(opens, closes):
    hours, begin, end = hours_of(OFFICE), at(opens), at(closes)
    assert [hours.covers(one) for one in (begin - MOMENT, begin, end - MOMENT, end)] == [False, True, True, False]
    assert hours.next_start(end - MOMENT) == end - MOMENT
    assert (hours.next_start(end) or end) > end
    assert hours.between(begin - timedelta(minutes=1), end + timedelta(minutes=1)) == (end - begin).total_seconds()
    assert hours.after(begin, (end - begin).total_seconds()) == end, "the end itself, and not the next beginning"
    assert (hours.after(begin, (end - begin).total_seconds() + 0.000001) or end) > end + timedelta(hours=1)


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2028-02-29", "2026-12-31"])
def test_round_the_clock_has_no_gap_at_midnight(day):
    hours, midnight = hours_of(ALL_WEEK), at(f"{day}T00:00:00+01:00")
    for hour in range(-1, 27):
        moment = midnight + timedelta(hours=hour)
        assert all(hours.covers(one) for one in (moment - MOMENT, moment, moment + MOMENT)), moment
        assert hours.between(moment - timedelta(hours=30), moment) == 30 * 3600
        assert hours.after(moment - timedelta(hours=30), 30 * 3600) == moment
