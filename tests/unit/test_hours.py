"""Hours of work against a second implementation that looks at every minute, over changes of the clocks, leap days and holidays."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.hours import ALWAYS, DAYS, Hours, hours_of

MINUTE = timedelta(minutes=1)
OFFICE = {"zone": "Europe/Berlin", "hours": [{"days": list(DAYS[:5]), "start": "09:00", "end": "17:00"}]}
ZONES = (
    "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "UTC",
)  # fmt: skip
NIGHTS = {
    "zone": "Europe/Berlin",
    "hours": [{"days": list(DAYS), "start": "01:30", "end": "02:30"}, {"days": list(DAYS), "start": "22:00", "end": "24:00"}],
}  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def worked(hours: dict, minute: datetime) -> bool:
    """The rule, word by word: this minute's local time lies in a span of its local day."""
    local = minute.astimezone(ZoneInfo(hours["zone"]))
    clock, day = f"{local:%H:%M}", local.date().isoformat()
    special = [s for s in hours.get("special", []) if s["date"] == day]
    if special or day in hours.get("closed", []):
        spans = special
    else:
        spans = [s for s in hours["hours"] if DAYS[local.weekday()] in s["days"]]
    return any(s["start"] <= clock < s["end"] for s in spans)


def minutes(hours: dict, start: datetime, end: datetime) -> int:
    count, minute = 0, start
    while minute < end:
        count += worked(hours, minute)
        minute += MINUTE
    return count


@st.composite
def _hours(draw: st.DrawFn) -> dict:
    clock = st.integers(0, 24 * 4).map(lambda q: f"{q // 4:02}:{q % 4 * 15:02}")
    spans = []
    for _ in range(draw(st.integers(1, 3))):
        start, end = sorted(draw(st.lists(clock, min_size=2, max_size=2, unique=True)))
        days = draw(st.lists(st.sampled_from(DAYS), min_size=1, unique=True))
        spans.append({"days": days, "start": start, "end": end})
    # Days on which something happens in one of the zones, and their neighbours.
    day = st.sampled_from(
        ["2026-03-28", "2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2028-02-29", "2011-12-30", "2026-04-05"]
    )
    return {
        "zone": draw(st.sampled_from(ZONES)), "hours": spans, "closed": draw(st.lists(day, max_size=2)),
        "special": [{"date": d, "start": "06:00", "end": "07:15"} for d in draw(st.lists(day, max_size=1))],
    }  # fmt: skip


MOMENTS = st.tuples(
    st.sampled_from(["2026-03-27", "2026-10-24", "2026-03-07", "2026-10-31", "2028-02-28", "2011-12-28", "2026-04-04"]),
    st.integers(0, 3 * 24 * 60),
).map(lambda place: at(f"{place[0]}T00:00:00Z") + place[1] * MINUTE)


@settings(max_examples=150, deadline=None)
@given(_hours(), MOMENTS, st.integers(0, 3 * 24 * 60))
@example(NIGHTS, at("2026-03-28T12:00:00Z"), 2880)
@example(NIGHTS, at("2026-10-24T12:00:00Z"), 2880)
@example(OFFICE | {"zone": "Pacific/Apia"}, at("2011-12-28T12:00:00Z"), 4320)
def test_between_is_the_count_of_minutes(entry, start, length):
    hours = hours_of(entry)
    assert hours.between(start, start + length * MINUTE) == 60 * minutes(entry, start, start + length * MINUTE)


@settings(max_examples=150, deadline=None)
@given(_hours(), MOMENTS, st.integers(1, 600))
@example(NIGHTS, at("2026-10-24T12:00:00Z"), 200)
def test_after_is_the_first_moment_by_which_so_much_is_worked(entry, start, wanted):
    found = hours_of(entry).after(start, wanted * 60)
    minute, left = start, wanted
    while left and minute < start + timedelta(days=6):
        left -= worked(entry, minute)
        minute += MINUTE
    if left:
        assert found is None or found > start + timedelta(days=6)
    else:
        assert found == minute


@settings(max_examples=100, deadline=None)
@given(_hours(), MOMENTS)
def test_covers_and_the_next_start(entry, moment):
    hours = hours_of(entry)
    assert hours.covers(moment) == worked(entry, moment)
    following = hours.next_start(moment)
    minute = moment
    while not worked(entry, minute) and minute < moment + timedelta(days=8):
        minute += MINUTE
    if worked(entry, minute):
        assert following == minute
    else:
        assert following is None or following > minute


@settings(max_examples=100, deadline=None)
@given(_hours(), MOMENTS, st.floats(0.001, 100_000))
def test_after_and_between_are_inverse_to_the_microsecond(entry, start, seconds):
    hours = hours_of(entry)
    end = hours.after(start, seconds)
    assert end is None or abs(hours.between(start, end) - seconds) < 1e-5


@pytest.mark.parametrize(
    ("start", "seconds", "end"),
    [
        ("2026-11-23T09:00:00+01:00", 3600, "2026-11-23T10:00:00+01:00"),
        ("2026-11-23T16:30:00+01:00", 3600, "2026-11-24T09:30:00+01:00"),
        ("2026-11-23T16:00:00+01:00", 3600, "2026-11-23T17:00:00+01:00"),  # the day's end, not the next one's beginning
        ("2026-11-23T17:00:00+01:00", 60, "2026-11-24T09:01:00+01:00"),  # five o'clock is not worked any more
        ("2026-11-20T16:59:30+01:00", 60, "2026-11-23T09:00:30+01:00"),  # over a week-end
        ("2026-03-27T16:00:00+01:00", 2 * 3600, "2026-03-30T10:00:00+02:00"),  # and a change of the clocks
        ("2028-02-28T16:00:00+01:00", 2 * 3600 + 8 * 3600, "2028-03-01T10:00:00+01:00"),  # a leap day is worked
    ],
)
def test_of_an_office(start, seconds, end):
    assert hours_of(OFFICE).after(at(start), seconds) == at(end)


def test_nights_in_which_the_clocks_change_are_as_long_as_they_are():
    nights = hours_of({"zone": "Europe/Berlin", "hours": [{"days": list(DAYS), "start": "00:00", "end": "06:00"}]})
    long, short = nights.of_day(date(2026, 10, 25)), nights.of_day(date(2026, 3, 29))
    assert [(end - start).total_seconds() / 3600 for start, end in (*long, *short)] == [7, 5]


def test_public_holidays_are_closed_unless_they_are_special():
    entry = OFFICE | {"country": "DE", "subdivision": "BY"}
    assert hours_of(entry).of_day(date(2026, 1, 6)) == (), "Epiphany, in Bavaria"
    assert hours_of(OFFICE | {"country": "DE", "subdivision": "BE"}).of_day(date(2026, 1, 6)) != (), "and not in Berlin"
    special = entry | {"special": [{"date": "2026-01-06", "start": "10:00", "end": "12:00"}]}
    assert hours_of(special).between(at("2026-01-06T00:00:00Z"), at("2026-01-07T00:00:00Z")) == 2 * 3600


def test_round_the_clock_and_never():
    start = at("2026-03-28T12:34:56Z")
    assert ALWAYS.after(start, 86_400 * 3) == start + timedelta(days=3)
    assert ALWAYS.between(start, start + timedelta(days=400)) == 400 * 86_400
    never = Hours(ZoneInfo("UTC"), {})
    assert (never.after(start, 1), never.next_start(start), never.between(start, start + timedelta(days=9))) == (
        None,
        None,
        0,
    )


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"zone": "Europe/Atlantis"}, "Europe/Atlantis"), ({"zone": "../etc/passwd"}, "time zone"),
        ({"country": "XX"}, "XX"), ({"country": "DE", "subdivision": "QQ"}, "QQ"),
        ({"hours": [{"days": ["mon"], "start": "17:00", "end": "09:00"}]}, "17:00 to 09:00"),
        ({"hours": [{"days": ["mon"], "start": "9 o'clock", "end": "17:00"}]}, "9 o'clock"),
        ({"closed": ["2026-02-30"]}, "day"),
    ],
)  # fmt: skip
def test_what_cannot_be_says_why(entry, why):
    with pytest.raises(ValueError, match=why):
        hours_of(entry)
