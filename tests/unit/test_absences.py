"""Days on which an agent is not there: whose midnight counts, and what can be configured."""

from datetime import UTC, datetime, timedelta

import pytest

from services.routing.domain import Config, absence, whereabouts
from services.routing.organisation import AgentEntry, RoutingSection, _check
from shared.hours import hours_of
from shared.http.problems import Problem

JOHN = "00000000-0000-0000-0000-000000000001"
DAY = [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": "00:00", "end": "24:00"}]
CHRISTMAS = [{"start": "2026-12-24", "end": "2026-12-26"}]


@pytest.mark.parametrize("shifts", [[], DAY], ids=["always there", "in shifts"])
@pytest.mark.parametrize(
    ("zone", "first", "back"),
    [
        ("UTC", "2026-12-24T00:00:00+00:00", "2026-12-27T00:00:00+00:00"),
        ("Pacific/Auckland", "2026-12-24T00:00:00+13:00", "2026-12-27T00:00:00+13:00"),
        ("America/Los_Angeles", "2026-12-24T00:00:00-08:00", "2026-12-27T00:00:00-08:00"),
    ],
)
def test_he_is_away_from_his_own_midnight_to_his_own_midnight(zone, first, back, shifts):
    agent = {"person_id": JOHN, "zone": zone, "shifts": shifts, "away": CHRISTMAS}
    config = Config([agent], hours={JOHN: hours_of({"zone": zone, "hours": shifts})} if shifts else {})
    begins, ends, moment = datetime.fromisoformat(first), datetime.fromisoformat(back), timedelta(microseconds=1)
    for at, there in ((begins - moment, True), (begins, False), (ends - moment, False), (ends, True)):
        assert (absence(agent, config, at.astimezone(UTC)) is None) == there, at
    assert whereabouts(agent, config, begins).away_until == "2026-12-26"


def refused(start: str, end: str) -> dict[str, str]:
    """The fields for which an agent who is away then, besides a day that there is, is refused; none if he is taken."""
    away = [{"start": "2028-02-29", "end": "2028-02-29"}, {"start": start, "end": end}]
    agent = AgentEntry.model_validate({"person_id": JOHN, "login": "john", "away": away})
    try:
        _check(RoutingSection(agents=[agent]), set())
    except Problem as problem:
        return dict(problem.fields)
    return {}


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2026-02-30", "2026-03-01", "must be days that there are"), ("2027-02-01", "2027-02-29", "must be days that there are"),
        ("2026-12-26", "2026-12-24", "must not end before it begins"),
    ],
)  # fmt: skip
def test_days_that_cannot_be_are_refused_and_named(start, end, said):
    fields = refused(start, end)
    assert list(fields) == ["agents.away"]
    assert said in fields["agents.away"]


@pytest.mark.parametrize(("start", "end"), [("2026-12-24", "2026-12-24"), ("2026-12-24", "2027-01-02")])
def test_days_that_there_are_are_taken_one_alone_too(start, end):
    assert refused(start, end) == {}


def test_days_that_were_let_in_once_stop_nobody():
    agent = {"person_id": JOHN, "away": [{"start": "2026-02-30", "end": "2026-03-01"}]}
    assert absence(agent, Config([agent]), datetime(2026, 2, 28, tzinfo=UTC)) is None
