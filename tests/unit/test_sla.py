"""Service levels: promises against a second implementation that counts minutes; what is said, and when, as given/when/then."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.workflow import domain
from services.workflow.domain import sla
from services.workflow.domain.sla import Contract, story_of
from shared.contracts.catalogue import check
from shared.contracts.event import Event, NewEvent, rfc3339
from shared.hours import ALWAYS, hours_of

OFFICE = {
    "zone": "Europe/Berlin", "country": "DE",
    "hours": [{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00"}],
}  # fmt: skip
PLAN: dict[str, Any] = {
    "key": "gold", "name": "Gold", "order": 1, "calendar": "office", "priorities": [], "severities": [], "departments": [],
    "topics": [], "targets": {"own": None, "first_response": 60, "next_update": None, "resolution": 480}, "warn_percent": 80,
    "pause_on_hold": True, "ladder": [], "active": True, "version": 1,
}  # fmt: skip
MINUTE = timedelta(minutes=1)
AGENT = str(UUID(int=7))


def at(text: str) -> datetime:
    """`09:30` of a Monday in Berlin in winter; `+1 10:00` of the day after."""
    days, _, clock = text.rpartition(" ")
    return datetime.fromisoformat(f"2026-11-23T{clock}:00+01:00").astimezone(UTC) + timedelta(days=int(days or 0))


def plan(**changes: Any) -> dict[str, Any]:
    targets = {name: changes.pop(name, None) for name in ("own", "first_response", "next_update", "resolution")}
    return {**PLAN, "targets": targets, **changes}


def contract(**changes: Any) -> Contract:
    return Contract(plan(**changes), hours_of(OFFICE), "office", 1)


Step = tuple[str, str] | tuple[str, str, dict[str, Any]]


class Ticket:
    """A ticket to which things happen; what is said of it is folded as the store would."""

    def __init__(self, *steps: Step) -> None:
        self.steps: list[tuple[str, datetime, dict[str, Any]]] = []
        self.life = domain.Life()
        for name, when, *data in steps:
            self.happens(name, at(when), data[0] if data else {})

    def happens(self, name: str, when: datetime, data: dict[str, Any]) -> None:
        self.steps.append((name, when, data))
        if name not in {"created", "assigned", "message_received"}:
            self.fold(NewEvent(f"ledgerdesk.ticket.{name}", data), when)

    def fold(self, event: NewEvent, when: datetime) -> None:
        check_data = {"data": event.data, "personal": event.personal}
        self.life = domain.evolve(
            self.life,
            Event(uuid4(), event.type, 1, "workflow", UUID(int=1), self.life.version + 1, 1, **check_data, actor={},
                  via={}, cause=None, correlation=UUID(int=1), occurred_at=when, recorded_at=when),
        )  # fmt: skip

    def review(
        self, contract: Contract | None, now: str, priority: str = "normal", *, timer: bool = True
    ) -> list[tuple[str, str | None, datetime]]:
        """Look at it; returns (name, target, when) of what was said, which is folded."""
        told = []
        story = story_of(self.steps)
        for event in sla.review(self.life, story, contract, at(now), priority=priority, reason="test", timer=timer):
            check(event, "workflow")
            assert event.at is not None or event.type.endswith("sla_scheduled")
            when = event.at or at(now)
            self.fold(event, when)
            told.append((event.type.rsplit(".", 1)[1], event.data.get("target"), when))
        return told

    def clock(self, target: str) -> Any:
        return self.life.sla["clocks"][target]


# -- promises, minute by minute --------------------------------------------------------------------------------------


def counted(steps: Sequence[tuple[str, datetime, dict[str, Any]]], hours: Any, start: datetime, minutes: int) -> Any:
    """The rule, word by word: minutes that are worked and not waited for. Returns the moment, or None if it stands still at the end."""
    end = start + timedelta(days=8)
    minute, left, status = start, minutes, "new"
    events = {when: name for name, when, _ in steps}
    while left:
        status = {"held": "on_hold", "resumed": "open"}.get(events.get(minute, ""), status)
        if minute >= end:
            return None
        left -= status != "on_hold" and hours.covers(minute)
        minute += MINUTE
    return minute


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(1, 3 * 24 * 60), min_size=0, max_size=6, unique=True), st.integers(0, 24 * 60), st.integers(1, 600),
    st.booleans(),
)  # fmt: skip
def test_a_promise_is_due_when_so_many_minutes_are_counted(moves, begins, minutes, around_the_clock):
    start = datetime(2026, 12, 23, tzinfo=UTC) + begins * MINUTE  # holidays ahead
    hours = ALWAYS if around_the_clock else hours_of(OFFICE)
    steps: list[tuple[str, datetime, dict[str, Any]]] = [("created", start, {})]
    for n, offset in enumerate(sorted(moves)):
        steps.append(("resumed" if n % 2 else "held", start + offset * MINUTE, {}))
    promise = sla.promises(story_of(steps), plan(resolution=minutes), hours)[0]
    expected = counted(steps, hours, start, minutes)
    if expected is None:
        assert promise.due is None or promise.due > start + timedelta(days=8)
        assert promise.due is not None or (promise.left or 0) > 0
    else:
        assert promise.due == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 5000), min_size=1, max_size=7, unique=True), st.integers(1, 300))
def test_what_it_took_is_what_is_counted_until_it_was_met(moves, minutes):
    start, hours = datetime(2026, 3, 27, 9, tzinfo=UTC), hours_of(OFFICE)
    ordered = sorted(moves)
    steps: list[tuple[str, datetime, dict[str, Any]]] = [("created", start, {})]
    for n, offset in enumerate(ordered[:-1]):
        steps.append(("resumed" if n % 2 else "held", start + offset * MINUTE, {}))
    steps.append(("resolved", start + ordered[-1] * MINUTE, {}))
    promise = sla.promises(story_of(steps), plan(resolution=minutes), hours)[0]
    taken, minute, status = 0, start, "new"
    names = {when: name for name, when, _ in steps}
    while minute < steps[-1][1]:
        status = {"held": "on_hold", "resumed": "open"}.get(names.get(minute, ""), status)
        taken += status != "on_hold" and hours.covers(minute)
        minute += MINUTE
    assert promise.met == steps[-1][1]
    assert promise.seconds == taken * 60
    if taken != minutes:  # of one that stood still from the very moment on that it was due, both can be said
        assert (promise.due is not None and promise.due < promise.met) == (taken > minutes)


# -- what is said ----------------------------------------------------------------------------------------------------


def test_a_new_ticket_is_promised_what_its_plan_says():
    ticket = Ticket(("created", "09:30"))
    assert [said[:2] for said in ticket.review(contract(first_response=60, resolution=480), "09:30")] == [
        ("sla_scheduled", None)
    ]
    assert ticket.clock("first_response")["due"] == rfc3339(at("10:30"))
    assert ticket.clock("first_response")["warn"] == rfc3339(at("10:18"))
    assert ticket.clock("resolution")["due"] == rfc3339(at("+1 09:30"))
    assert ticket.review(contract(first_response=60, resolution=480), "09:31") == [], "said once"


def test_what_is_answered_in_time_is_met():
    ticket, gold = Ticket(("created", "09:30")), contract(first_response=60, warn_percent=0)
    ticket.review(gold, "09:30")
    ticket.happens("replied", at("10:30"), {})  # at the very moment that it is due
    assert ticket.review(gold, "11:00") == [("sla_met", "first_response", at("10:30"))]
    assert ticket.clock("first_response")["late"] is False
    assert ticket.review(gold, "12:00") == []


def test_warned_breached_and_met_late_each_at_its_moment_however_late_one_looks():
    ticket, gold = Ticket(("created", "09:30")), contract(first_response=60)
    ticket.review(gold, "09:30")
    ticket.happens("replied", at("11:00"), {})
    assert ticket.review(gold, "+3 12:00") == [
        ("sla_warned", "first_response", at("10:18")), ("sla_breached", "first_response", at("10:30")),
        ("sla_met", "first_response", at("11:00")),
    ]  # fmt: skip
    assert ticket.clock("first_response")["late"] is True


def test_the_moment_before_nothing_is_said_and_at_it_everything_once():
    ticket, gold = Ticket(("created", "09:30")), contract(first_response=60, warn_percent=0)
    ticket.review(gold, "09:30")
    assert ticket.review(gold, "10:29") == []
    assert ticket.review(gold, "10:30") == [("sla_breached", "first_response", at("10:30"))]
    assert ticket.review(gold, "10:31") == []


def test_a_hold_stands_still_and_going_on_moves_the_moment():
    ticket, gold = Ticket(("created", "09:00")), contract(resolution=120, warn_percent=0)
    ticket.review(gold, "09:00")
    ticket.happens("held", at("10:00"), {})
    assert ticket.review(gold, "10:00") == [("sla_scheduled", None, at("10:00"))]
    assert (ticket.clock("resolution")["due"], ticket.clock("resolution")["left"]) == (None, 3600)
    assert ticket.review(gold, "16:00") == [], "nothing is overdue that stands still"
    ticket.happens("resumed", at("16:30"), {})
    ticket.review(gold, "16:30")
    assert ticket.clock("resolution")["due"] == rfc3339(at("+1 09:30"))


def test_a_plan_that_does_not_pause_does_not():
    ticket, gold = Ticket(("created", "09:00"), ("held", "09:30")), contract(resolution=120, pause_on_hold=False)
    ticket.review(gold, "10:00")
    assert ticket.clock("resolution")["due"] == rfc3339(at("11:00"))


def test_what_was_due_before_the_hold_is_breached_though_one_looks_after_it():
    ticket, gold = Ticket(("created", "09:00")), contract(resolution=60, warn_percent=0)
    ticket.review(gold, "09:00")
    ticket.happens("held", at("10:30"), {})
    assert ("sla_breached", "resolution", at("10:00")) in ticket.review(gold, "12:00")


def test_reopened_goes_on_where_it_stood():
    ticket, gold = Ticket(("created", "09:00"), ("resolved", "10:00")), contract(resolution=120, warn_percent=0)
    assert ("sla_met", "resolution", at("10:00")) in ticket.review(gold, "10:00")
    ticket.happens("reopened", at("14:00"), {})
    assert ticket.review(gold, "14:00") == [("sla_scheduled", None, at("14:00"))]
    assert ticket.clock("resolution")["due"] == rfc3339(at("15:00"))
    ticket.happens("resolved", at("15:30"), {})
    assert [said[0] for said in ticket.review(gold, "15:30")] == ["sla_breached", "sla_met"]


def test_each_later_message_is_promised_an_answer_of_its_own():
    gold = contract(first_response=60, next_update=30, warn_percent=0)
    ticket = Ticket(
        ("created", "09:00"), ("message_received", "09:10"), ("replied", "09:20"), ("message_received", "10:00"),
        ("message_received", "10:10"), ("replied", "10:45"), ("message_received", "11:00"),
    )  # fmt: skip
    assert [said for said in ticket.review(gold, "11:10") if said[0] != "sla_scheduled"] == [
        ("sla_met", "first_response", at("09:20")), ("sla_breached", "next_update", at("10:30")),
        ("sla_met", "next_update", at("10:45")),
    ]  # fmt: skip
    assert ticket.clock("next_update")["due"] == rfc3339(at("11:30")), "the last one's clock runs"
    assert ticket.review(gold, "11:10") == [], "and of the one before it nothing is said again"


def test_owning():
    gold = contract(own=15, warn_percent=0)
    ticket = Ticket(("created", "09:00"), ("assigned", "09:05", {"agent": None, "team": "x"}))
    ticket.review(gold, "09:05")
    assert ticket.clock("own")["due"] == rfc3339(at("09:15")), "a team is nobody"
    ticket.happens("assigned", at("09:10"), {"agent": AGENT})
    ticket.happens("assigned", at("09:50"), {"agent": AGENT})
    assert ticket.review(gold, "10:00") == [("sla_met", "own", at("09:10"))]


def test_merged_stands_still_and_unmerged_goes_on():
    ticket, gold = Ticket(("created", "09:00")), contract(resolution=120, warn_percent=0)
    ticket.review(gold, "09:00")
    ticket.happens("merged", at("10:00"), {"into": str(UUID(int=9)), "previous": "new"})
    ticket.review(gold, "10:00")
    assert ticket.clock("resolution")["due"] is None
    ticket.happens("unmerged", at("12:00"), {"into": str(UUID(int=9)), "status": "open"})
    ticket.review(gold, "12:00")
    assert ticket.clock("resolution")["due"] == rfc3339(at("13:00"))


def test_another_plan_counts_from_the_beginning():
    ticket = Ticket(("created", "09:00"))
    ticket.review(contract(resolution=480), "09:00")
    urgent = contract(key="urgent", resolution=60, warn_percent=0)
    assert [said[0] for said in ticket.review(urgent, "11:00")] == ["sla_breached", "sla_scheduled"]
    assert ticket.life.sla["plan"] == "urgent"
    assert ticket.review(urgent, "12:00") == []


def test_no_plan_any_more():
    ticket = Ticket(("created", "09:00"))
    ticket.review(contract(resolution=60), "09:00")
    assert [said[0] for said in ticket.review(None, "09:30")] == ["sla_scheduled"]
    assert ticket.life.sla["clocks"] == {}
    assert ticket.review(None, "12:00") == []


def test_an_imported_ticket_is_promised_nothing():
    ticket = Ticket(("created", "09:00", {"origin": {"log": "x"}}))
    ticket.review(contract(resolution=60), "18:00")
    assert ticket.life.sla["clocks"] == {}


LADDER = [
    {"after": 0, "notify": [AGENT], "raise_priority": False, "reassign": None},
    {"after": 30, "notify": [], "raise_priority": True, "reassign": None},
    {"after": 60, "notify": [], "raise_priority": True, "reassign": "on-call"},
]


def test_the_ladder_is_climbed_by_the_clock():
    ticket, gold = Ticket(("created", "09:00")), contract(resolution=60, warn_percent=0, ladder=LADDER)
    ticket.review(gold, "09:00")
    assert ticket.review(gold, "10:00") == [
        ("sla_breached", "resolution", at("10:00")),
        ("escalated", None, at("10:00")),
    ]
    assert ticket.review(gold, "10:29") == []
    assert ticket.review(gold, "10:30") == [("escalated", None, at("10:30")), ("prioritised", None, at("10:30"))]
    assert ticket.life.priority == "high"
    told = ticket.review(gold, "20:00", priority="emergency")
    assert told == [("escalated", None, at("11:00"))], "and no higher than the highest"
    assert ticket.life.level == 3
    assert ticket.review(gold, "23:00", priority="emergency") == []


@pytest.mark.parametrize("what", ["acknowledged", "resolved"])
def test_the_ladder_ends_when_somebody_sees_it(what):
    ticket, gold = Ticket(("created", "09:00")), contract(resolution=60, warn_percent=0, ladder=LADDER)
    ticket.review(gold, "10:10")
    ticket.happens(what, at("10:20"), {})
    assert [said[0] for said in ticket.review(gold, "12:00")] == (["sla_met"] if what == "resolved" else [])
    assert sla.alarm_at(ticket.life.sla) is None


def test_the_ladder_begins_late_with_all_its_moments():
    ticket, gold = Ticket(("created", "09:00")), contract(resolution=60, warn_percent=0, ladder=LADDER)
    told = ticket.review(gold, "12:00")
    assert [(name, when) for name, _, when in told if name == "escalated"] == [
        ("escalated", at("10:00")), ("escalated", at("10:30")), ("escalated", at("11:00")),
    ]  # fmt: skip
    assert ticket.life.level == 3


def test_the_alarm_is_the_next_moment():
    ticket, gold = Ticket(("created", "09:30")), contract(first_response=60, resolution=480)
    ticket.review(gold, "09:30")
    assert sla.alarm_at(ticket.life.sla) == at("10:18")
    ticket.review(gold, "10:18")
    assert sla.alarm_at(ticket.life.sla) == at("10:30")
    ticket.review(gold, "10:30")
    assert sla.alarm_at(ticket.life.sla) == at("15:54"), "the resolution's warning: 80% of eight hours"
    assert sla.due_at(ticket.life.sla) == at("10:30"), "the first that is not kept, though it is past"


@pytest.mark.parametrize(
    ("wants", "ticket", "holds"),
    [
        ({}, {}, True), ({"priorities": ["high", "emergency"]}, {"priority": "high"}, True),
        ({"priorities": ["high"]}, {"priority": "low"}, False), ({"severities": ["Sev-A"]}, {}, False),
        ({"departments": ["support"], "topics": ["mail"]}, {"department": "support", "topic": "mail"}, True),
        ({"departments": ["support"], "topics": ["mail"]}, {"department": "support", "topic": "vpn"}, False),
        ({"active": False}, {}, False),
    ],
)  # fmt: skip
def test_which_plan_is_a_tickets(wants, ticket, holds):
    first, other = {**PLAN, **wants}, {**PLAN, "key": "other", "order": 2}
    row = {"priority": "normal", "severity": None, "department": None, "topic": None, **ticket}
    chosen = sla.choose([other, first], row)
    assert chosen is not None
    assert chosen["key"] == ("gold" if holds else "other")
    assert sla.choose([{**PLAN, "active": False}], row) is None


# -- what is left to timers --------------------------------------------------------------------------------------------


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


def test_the_ladder_is_climbed_by_timers_alone():
    steep = contract(
        own=10, warn_percent=0, ladder=[{"after": 0, "notify": [], "raise_priority": False, "reassign": None}]
    )
    ticket = Ticket(("created", "09:00"))
    ticket.review(steep, "09:00", timer=False)
    assert ticket.review(steep, "09:20", timer=False) == []
    assert [name for name, *_ in ticket.review(steep, "09:20")] == ["sla_breached", "escalated"]


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
