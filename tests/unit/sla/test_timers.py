"""What reviews leave to timers; and however often one looks, the same is said."""

from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.workflow.domain import sla
from services.workflow.domain.sla import story_of
from shared.contracts.event import rfc3339
from tests.unit.sla.promised import AGENT, MINUTE, Ticket, at, contract


def test_a_promise_that_was_kept_too_late_and_never_scheduled_gets_a_timer():
    ticket, owned = (
        Ticket(("created", "09:00"), ("assigned", "09:15", {"agent": AGENT})),
        contract(own=10, warn_percent=0),
    )
    assert ticket.review(owned, "09:20", timer=False) == [("sla_scheduled", None, at("09:20"))]
    assert sla.alarm_at(ticket.life.sla) == at("09:10")
    assert ticket.review(owned, "09:20", timer=False) == [], "said once"
    assert ticket.review(owned, "09:20") == [("sla_breached", "own", at("09:10")), ("sla_met", "own", at("09:15"))]
    assert sla.alarm_at(ticket.life.sla) is None


def test_of_an_earlier_promise_all_is_said_before_the_next_begins():
    updates = contract(next_update=30, warn_percent=0)
    ticket = Ticket(("created", "09:00"), ("replied", "09:05"), ("message_received", "09:10"))
    ticket.review(updates, "09:10", timer=False)
    for name, when in (("replied", "09:50"), ("message_received", "09:51")):
        ticket.happens(name, at(when), {})
        assert ticket.review(updates, when, timer=False) == []
    assert ticket.review(updates, "09:52") == [
        ("sla_breached", "next_update", at("09:40")), ("sla_met", "next_update", at("09:50")), ("sla_scheduled", None, at("09:52")),
    ]  # fmt: skip
    assert sla.alarm_at(ticket.life.sla) == at("10:21")


def test_a_promise_that_is_known_to_be_kept_does_not_run_again_under_a_stricter_plan():
    ticket = Ticket(("created", "09:00"), ("assigned", "09:15", {"agent": AGENT}))
    ticket.review(contract(own=60, warn_percent=0), "09:20", timer=False)
    assert ticket.clock("own")["late"] is False
    strict = contract(own=10, warn_percent=0, key="strict")
    assert [name for name, *_ in ticket.review(strict, "09:30", timer=False)] == ["sla_breached", "sla_scheduled"]
    assert (ticket.clock("own")["met"], sla.alarm_at(ticket.life.sla)) == (rfc3339(at("09:15")), None)


Steps = list[tuple[str, datetime, dict[str, Any]]]


def story_drawn(data: st.DataObject) -> tuple[list[int], Steps]:
    """Draw minutes, and what happened then."""
    names = ["held", "resumed", "replied", "message_received", "resolved", "reopened", "assigned"]
    moves = sorted(data.draw(st.lists(st.integers(1, 600), max_size=8, unique=True)))
    steps: Steps = [("created", at("09:00"), {})]
    return moves, steps + [
        (data.draw(st.sampled_from(names)), at("09:00") + minutes * MINUTE, {"agent": AGENT}) for minutes in moves
    ]


OFTEN = contract(own=10, first_response=60, next_update=30, resolution=200, warn_percent=50)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_however_often_one_looks_the_same_is_said(data):
    """Looking after every step and every nine minutes, or once at the end gives the same promises, breaches and meetings."""
    moves, steps = story_drawn(data)

    def play(looks: set[int]) -> tuple[set[Any], Any]:
        ticket, said = Ticket(), set()
        for minute in range(602):
            for name, when, payload in steps:
                if when == at("09:00") + minute * MINUTE:
                    ticket.happens(name, when, payload)
            if minute in looks or minute == 601:
                now = at("09:00") + minute * MINUTE
                for event in sla.review(
                    ticket.life, story_of(ticket.steps), OFTEN, now, priority="normal", reason="test"
                ):
                    ticket.fold(event, event.at or now)
                    if event.type.endswith(("sla_breached", "sla_met")):
                        said.add((event.type, event.data["target"], event.data["start"], event.data.get("at")))
        return said, {
            target: (clock.get("due"), clock.get("met")) for target, clock in ticket.life.sla["clocks"].items()
        }

    every = {*range(0, 602, 9), *moves}
    often, rarely = play(every), play(data.draw(st.sets(st.integers(0, 600), max_size=3)))
    # A promise of the resolution that was broken and then reopened is told of by who looked in time; the end is the same.
    assert often[1] == rarely[1]
    assert rarely[0] <= often[0]
    assert {said for said in often[0] if "resolution" not in said} == {
        said for said in rarely[0] if "resolution" not in said
    }


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_what_reviews_leave_to_timers_is_said_all_the_same(data):
    """Reviews may lag and leave to timers what comes by the clock: those look soon, or when they can. All is said that one says who sees all."""
    moves, steps = story_drawn(data)

    def play(every: int, lag: int | None) -> tuple[set[Any], Any]:
        """Let timers look every so many minutes; reviews so many minutes after each step, of which timers know (None: timers do it all)."""
        ticket, said = Ticket(), set()

        def look(now: datetime, *, timer: bool) -> None:
            for event in sla.review(
                ticket.life, story_of(ticket.steps), OFTEN, now, priority="normal", reason="x", timer=timer
            ):
                ticket.fold(event, event.at or now)
                if event.type.endswith(("sla_warned", "sla_breached", "sla_met")):
                    said.add((event.type, event.data["target"], event.data["start"], event.data.get("at")))

        for minute in range(640):
            now = at("09:00") + minute * MINUTE
            for name, when, payload in steps:
                if when == now:
                    ticket.happens(name, when, payload)
            if lag is not None and minute - lag in {0, *moves}:
                look(now, timer=False)
            if minute % every == 0 and (
                lag is None or ((alarm := sla.alarm_at(ticket.life.sla)) is not None and alarm <= now)
            ):
                look(now, timer=True)
        return said, {
            target: (c.get("due"), c.get("met"), c.get("breached")) for target, c in ticket.life.sla["clocks"].items()
        }

    whole, left = play(1, None), play(data.draw(st.sampled_from([1, 7, 20])), data.draw(st.integers(0, 15)))
    assert left[1] == whole[1]
    assert {one for one in left[0] if one[1] != "resolution"} == {one for one in whole[0] if one[1] != "resolution"}
