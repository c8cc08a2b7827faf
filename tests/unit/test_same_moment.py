"""What happens at the very moment that counts: to the microsecond, which side it is on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.routing import domain as routing
from services.routing.domain import Config, Handling, Moment, NewTicket
from services.routing.domain.moments import moments_of
from services.workflow import domain
from services.workflow.domain import Life, sla
from services.workflow.domain.sla import Story, story_of
from shared.contracts.event import NewEvent, rfc3339
from shared.hours import ALWAYS
from shared.testing.given import scenario

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
MOMENT, MINUTE, DAY = timedelta(microseconds=1), timedelta(minutes=1), timedelta(days=1)
TARGETS = dict.fromkeys(("own", "first_response", "next_update", "resolution"), 60)


def promises(*happens: tuple[str, int], warn: int = 0, minutes: int = 60) -> dict[str, sla.Promise]:
    """Return the last promise of each kind; what happened is said in minutes after nine, when the ticket was opened."""
    data = {"assigned": {"agent": "x"}}
    steps = [("created", NINE, {}), *((name, NINE + at * MINUTE, data.get(name, {})) for name, at in happens)]
    plan = {"targets": dict.fromkeys(TARGETS, minutes), "warn_percent": warn, "pause_on_hold": True}
    return {promise.target: promise for promise in sla.promises(story_of(steps), plan, ALWAYS)}


# -- promises ----------------------------------------------------------------------------------------------------------


def test_a_message_that_crosses_the_first_answer_asks_for_no_other():
    assert "next_update" not in promises(("replied", 5), ("message_received", 5))
    assert promises(("replied", 5), ("message_received", 6))["next_update"].start == NINE + 6 * MINUTE


def test_an_answer_at_the_moment_of_the_question_is_its_answer():
    found = promises(("replied", 5), ("message_received", 10), ("replied", 10))["next_update"]
    assert (found.met, found.seconds) == (NINE + 10 * MINUTE, 0)


def test_a_hold_from_the_moment_on_that_it_was_kept_stops_nothing():
    found = promises(("assigned", 30), ("held", 30))["own"]
    assert (found.due, found.left, found.seconds) == (NINE + 60 * MINUTE, None, 1800)


def test_a_hold_from_the_moment_on_that_it_is_due_comes_too_late():
    found = promises(("held", 60))["resolution"]
    assert (found.due, found.left) == (NINE + 60 * MINUTE, None)
    before = promises(("held", 59))["resolution"]
    assert (before.due, before.left) == (None, 60)


def test_a_warning_comes_to_the_fraction_of_a_second():
    assert promises(warn=33, minutes=1)["resolution"].warn == NINE + timedelta(seconds=19.8)


def test_what_is_done_has_an_owner_no_more():
    assert promises(("resolved", 20))["own"].met == NINE + 20 * MINUTE
    assert promises(("assigned", 10), ("resolved", 20))["own"].met == NINE + 10 * MINUTE
    assert promises(("resolved", 20), ("assigned", 30))["own"].met == NINE + 20 * MINUTE


# -- holds and silence -------------------------------------------------------------------------------------------------


def names(events: Any) -> list[str]:
    return [event.type.rpartition(".")[2] for event in events]


def test_a_hold_ends_at_its_moment():
    held = Life(status="on_hold", until=rfc3339(NINE))
    assert domain.come_true(held, Story(), NINE - MOMENT) == []
    (resumed,) = domain.come_true(held, Story(), NINE)
    assert (names([resumed]), resumed.at) == (["resumed"], NINE)


POLICY = {"close_days": 7, "close_warning_days": 2}
ANSWERED = Story(created=NINE, answers=[NINE])


def test_a_warning_of_silence_comes_at_its_moment_and_leaves_its_time():
    life = Life(status="resolved")
    assert domain.warn_of_closing(life, ANSWERED, POLICY, NINE + 5 * DAY - MOMENT) == []
    for now, closes in ((NINE + 5 * DAY, NINE + 7 * DAY), (NINE + 6 * DAY, NINE + 8 * DAY)):
        (warned,) = domain.warn_of_closing(life, ANSWERED, POLICY, now)
        assert warned.data == {"closes_at": rfc3339(closes)}, "never sooner than the warning allows"


def test_a_warning_longer_than_the_silence_does_not_make_it_longer():
    (warned,) = domain.warn_of_closing(
        Life(status="resolved"), ANSWERED, {"close_days": 1, "close_warning_days": 2}, NINE
    )
    assert warned.data == {"closes_at": rfc3339(NINE + DAY)}


def test_silence_closes_at_its_moment():
    life = Life(status="resolved", closes_at=rfc3339(NINE + 7 * DAY), close_warned_at=NINE + 5 * DAY)
    assert domain.come_true(life, ANSWERED, NINE + 7 * DAY - MOMENT) == []
    (closed,) = domain.come_true(life, ANSWERED, NINE + 7 * DAY)
    assert (names([closed]), closed.at) == (["closed"], NINE + 7 * DAY)


def test_who_writes_at_the_moment_of_the_answer_has_been_answered():
    life = Life(status="open")
    crossing = Story(created=NINE, answers=[NINE], messages=[NINE])
    assert names(domain.warn_of_closing(life, crossing, POLICY, NINE + 5 * DAY)) == ["close_warned"]
    after = Story(created=NINE, answers=[NINE], messages=[NINE + MOMENT])
    assert domain.warn_of_closing(life, after, POLICY, NINE + 5 * DAY) == []


def test_a_message_of_the_moment_in_which_the_status_changed_has_been_seen():
    closed = Life(status="closed", moved_at=NINE)
    assert domain.customer_wrote(closed, NINE) == []
    assert names(domain.customer_wrote(closed, NINE + MOMENT)) == ["reopened"]


# -- rules on time -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["replied", "resolved"])
def test_an_answer_of_the_moment_of_the_message_is_an_answer(answer):
    looks = {"opened": rfc3339(NINE - DAY), "wrote": rfc3339(NINE), answer: rfc3339(NINE)}
    found = moments_of(looks)
    assert "unanswered" not in found
    assert found.get("replied") == (rfc3339(NINE) if answer == "replied" else None)
    later = moments_of({**looks, "wrote": rfc3339(NINE + MOMENT)})
    assert (later["unanswered"], later.get("replied")) == (rfc3339(NINE + MOMENT), None)


# -- who has it --------------------------------------------------------------------------------------------------------

given = scenario("routing", Handling, routing.evolve)
JOHN, JANE, UNKNOWN = (f"00000000-0000-0000-0000-00000000000{n}" for n in (1, 2, 9))
WHY = {"by": "person", "reason": "x"}


def agent(who: str, *skills: str) -> dict[str, Any]:
    return {"person_id": who, "departments": ["support"], "skills": list(skills), "capacity": 0, "active": True}


CONFIG = Config(
    [agent(JOHN, "linux"), agent(JANE, "vpn")], {key: {"key": key, "active": True} for key in ("support", "net")},
    topic_routes={"*": {"topic": "*", "department": "support", "skills": ["linux"]}},
    rules=[{"key": "r", "order": 1, "version": 1, "tests": [{"field": "subject", "op": "equals", "value": "vpn"}], "actions": {"skills": ["vpn"]}}],
)  # fmt: skip


@pytest.mark.parametrize(("subject", "expected"), [("vpn", JANE), ("other", JOHN)])
def test_what_a_rule_asks_for_stands_in_place_of_what_the_topic_asks_for(subject, expected):
    ticket = NewTicket(subject, "b", None, None, None, "api", None)
    *_, assigned = given().when(routing.route, ticket, CONFIG, {}, Moment()).events
    assert assigned.data["agent"] == expected


def test_who_is_not_among_the_agents_gives_a_ticket_up_that_goes_elsewhere():
    had = NewEvent(
        routing.ASSIGNED, {"agent": UNKNOWN, "team": None, "previous": {"agent": None, "team": None}, "why": WHY}
    )
    given(had).when(routing.transfer, department="net", config=CONFIG, message=None).then("transferred", "unassigned")
