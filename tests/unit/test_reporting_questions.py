"""What a report can be asked, how an answer reads, and how changes add up to a backlog."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from services.reporting.answers import as_csv
from services.reporting.queries import REPORTS, Question
from services.reporting.queries.backlog import accumulate
from services.reporting.questions import group_keys, moment_of
from shared.http.problems import Problem

NOW = datetime(2026, 5, 20, tzinfo=UTC)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01", day("2026-03-01")),
        ("2026-03-01T09:30:00Z", day("2026-03-01T09:30:00")),
        ("2026-03-01t09:30:00.25z", day("2026-03-01T09:30:00.250000")),
        ("2026-03-01T09:30:00+02:00", day("2026-03-01T07:30:00")),
        ("2026-03-01T09:30:00 02:00", day("2026-03-01T07:30:00")),  # a + that nobody escaped
        ("2026-03-01T09:30:00.123456789Z", day("2026-03-01T09:30:00.123456")),
        (None, None),
    ],
)
def test_a_bound_is_an_instant_or_the_midnight_of_a_date(text, expected):
    assert moment_of("from", text) == expected


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-02-30", "2026-03-01T09:30:00", "2026-3-1", "20260301", "0001-01-01T00:00:00+14:00"]
)
def test_a_bound_that_is_neither_is_refused_by_name(text):
    with pytest.raises(Problem) as refused:
        moment_of("to", text)
    assert refused.value.status == 422
    assert set(refused.value.fields) == {"to"}


def test_a_report_takes_the_keys_it_says():
    assert group_keys(REPORTS["moves"], "department, agent,department") == ["department", "agent"]
    assert group_keys(REPORTS["moves"], None) == []
    for report, keys in (("agents", "agent"), ("moves", "kind"), ("moves", "day,"), ("volumes", "Department")):
        with pytest.raises(Problem) as refused:
            group_keys(REPORTS[report], keys)
        assert set(refused.value.fields) == {"group_by"}


def test_csv_quotes_what_it_must_and_makes_no_formulas():
    rows = [
        {"activity": 'say "hi", twice', "rows": 2, "at": day("2026-03-01"), "day": date(2026, 3, 1)},
        {"activity": "=1+1", "rows": -3, "at": None, "day": None},
        {"activity": "-100", "rows": 0.5, "at": None, "day": None},
        {"activity": "@x", "rows": 0, "at": None, "day": None},
    ]
    assert as_csv(["activity", "rows", "at", "day"], rows).decode().split("\r\n") == [
        "activity,rows,at,day",
        '"say ""hi"", twice",2,2026-03-01T00:00:00Z,2026-03-01',
        "'=1+1,-3,,",
        "-100,0.5,,",
        "'@x,0,,",
        "",
    ]


def change(
    period: str, stocks: tuple[int, int, int], flows: tuple[int, int, int] = (0, 0, 0), **keys: object
) -> dict[str, object]:
    names = ("open", "unresolved", "on_hold", "created", "resolved", "closed")
    return {"period": date.fromisoformat(period), **keys, **dict(zip(names, (*stocks, *flows), strict=True))}


CHANGES = [change("2026-04-01", (-1, -2, 0), (0, 2, 1)), change("2026-01-01", (3, 3, 1), (3, 0, 0))]


def shown(rows) -> list[tuple[object, ...]]:
    return [
        (row["at"].date().isoformat(), row["open"], row["unresolved"], row["on_hold"], row["created"]) for row in rows
    ]


def test_months_without_events_carry_the_stocks_on():
    assert shown(accumulate(CHANGES, Question(), "month", NOW)) == [
        ("2026-02-01", 3, 3, 1, 3),
        ("2026-03-01", 3, 3, 1, 0),
        ("2026-04-01", 3, 3, 1, 0),
        ("2026-05-01", 2, 1, 1, 0),
    ]


def test_a_range_shows_its_months_and_cuts_the_last_short():
    asked = Question(day("2026-02-10"), day("2026-03-15"))
    assert shown(accumulate(CHANGES[1:], asked, "month", NOW)) == [
        ("2026-03-01", 3, 3, 1, 0),
        ("2026-03-15", 3, 3, 1, 0),
    ]


def test_a_range_reaches_to_now_but_no_further():
    assert shown(accumulate(CHANGES, Question(end=day("2999-01-01")), "month", NOW))[-1][0] == "2026-06-01"
    assert shown(accumulate(CHANGES, Question(day("0001-01-01")), "month", NOW))[0][0] == "2026-02-01"
    assert [row[0] for row in shown(accumulate(CHANGES, Question(day("2026-05-02")), "month", NOW))] == ["2026-06-01"]


def test_nothing_happened_yet():
    assert list(accumulate([], Question(), "month", NOW)) == []


def test_groups_appear_with_their_first_change_and_go_when_there_is_nothing():
    agent = UUID(int=1)
    changes = [
        change("2026-01-01", (1, 1, 0), (1, 0, 0), agent=None),
        change("2026-02-01", (-1, -1, 0), agent=None),
        change("2026-02-01", (1, 1, 0), agent=agent),
    ]
    rows = list(accumulate(changes, Question(group_by=["agent"]), "month", NOW))
    assert [(row["at"].month, row["agent"], row["open"]) for row in rows] == [(2, None, 1), (3, agent, 1)]


def test_days_are_named():
    rows = list(accumulate([change("2026-01-01", (1, 1, 0))], Question(group_by=["day"]), "day", NOW))
    assert [(row["day"], row["at"]) for row in rows] == [(date(2026, 1, 1), day("2026-01-02"))]
