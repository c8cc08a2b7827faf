"""Who gets a ticket: shifts, days away, capacity, strategies; and that it is fair over a month."""

import heapq
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from services.routing import domain
from services.routing.domain import Config, Handling, Moment, NewTicket
from shared.contracts.event import NewEvent, rfc3339
from shared.hours import hours_of
from shared.testing.given import scenario

given = scenario("routing", Handling, domain.evolve)
JOHN, JANE, LEA = (f"00000000-0000-0000-0000-00000000000{n}" for n in (1, 2, 3))
MONDAY = datetime(2026, 11, 23, 10, tzinfo=UTC)
NIGHT = MONDAY + timedelta(hours=12)
TICKET = NewTicket("s", "b", None, None, None, "api", None)
DAY_SHIFT = [{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00"}]


def agent(who: str, **more: Any) -> dict[str, Any]:
    return {"person_id": who, "departments": ["support"], "skills": [], "capacity": 0, "active": True, **more}


def config(
    *agents: dict[str, Any], strategy: str = "least_loaded", skills: tuple[str, ...] = (), **teams: list[str]
) -> Config:
    return Config(
        agents=agents, departments={"support": {"key": "support", "active": True, "strategy": strategy}},
        teams={key: {"key": key, "members": members, "active": True} for key, members in teams.items()},
        topic_routes={"*": {"topic": "*", "department": "support", "skills": list(skills)}},
        hours={a["person_id"]: hours_of({"zone": "UTC", "hours": a["shifts"]}) for a in agents if a.get("shifts")},
    )  # fmt: skip


def chosen(config: Config, load: dict[str, int] | None = None, now: Moment | None = None) -> NewEvent:
    return domain.route(Handling(), TICKET, config, load or {}, now or Moment(MONDAY))[-1]


def test_who_is_off_shift_or_away_is_passed_over_with_the_reason():
    away = agent(JANE, away=[{"start": "2026-11-20", "end": "2026-11-23"}])
    desk = config(agent(JOHN, shifts=DAY_SHIFT), away, agent(LEA))
    assert chosen(desk, {LEA: 5}).data["agent"] == JOHN
    at_night = chosen(desk, {LEA: 5}, Moment(NIGHT))
    assert at_night.data["agent"] == LEA
    reasons = {c["agent"]: c.get("excluded") for c in at_night.data["why"]["candidates"]}
    assert reasons == {
        JOHN: "is off shift until 2026-11-24T09:00:00.000000Z", JANE: "is away until 2026-11-23", LEA: None,
    }  # fmt: skip
    assert chosen(desk, {LEA: 5, JOHN: 5}, Moment(MONDAY + timedelta(days=1))).data["agent"] == JANE, (
        "back the day after"
    )


def test_nobody_there_waits_and_is_taken_up_when_somebody_comes():
    desk = config(agent(JOHN, shifts=DAY_SHIFT), skills=())
    moved, waits = domain.route(Handling(), TICKET, desk, {}, Moment(NIGHT))
    assert (moved.type.split(".")[-1], waits.type.split(".")[-1]) == ("transferred", "queued")
    state = given(moved, waits)
    state.when(domain.take_up, desk, {}, Moment(NIGHT + timedelta(hours=1))).nothing()
    (event,) = state.when(domain.take_up, desk, {}, Moment(MONDAY + timedelta(days=1))).then("assigned")
    assert event.data["agent"] == JOHN
    assert event.data["why"]["reason"] == "somebody can have it now: least loaded of 1 in support"


@pytest.mark.parametrize("touched", ["assigned", "unassigned", "transferred"])
def test_what_somebody_has_touched_waits_no_more(touched):
    desk = config(agent(JOHN, shifts=DAY_SHIFT))
    events = domain.route(Handling(), TICKET, desk, {}, Moment(NIGHT))
    why = {"by": "person", "reason": "test"}
    data = {"agent": LEA, "team": None, "department": "other", "previous": None, "why": why}
    given(*events, NewEvent(f"ledgerdesk.ticket.{touched}", data)).when(
        domain.take_up, desk, {}, Moment(MONDAY)
    ).nothing()


def test_strategies():
    people = [agent(JOHN), agent(JANE, skills=["vpn"]), agent(LEA, on_call=True)]
    last = {
        JOHN: rfc3339(MONDAY),
        JANE: rfc3339(MONDAY - timedelta(hours=2)),
        LEA: rfc3339(MONDAY - timedelta(hours=1)),
    }
    now = Moment(MONDAY, last, before=LEA)

    def who(strategy: str, load: dict[str, int], *skills: str) -> str:
        return chosen(config(*people, strategy=strategy, skills=skills), load, now).data["agent"]

    assert who("least_loaded", {JOHN: 1, JANE: 2, LEA: 2}) == JOHN
    assert who("least_loaded", {}) == JANE, "of equals, who was given one longest ago"
    assert who("round_robin", {JANE: 99}) == JANE, "in turn, whatever they have"
    assert who("skill", {JANE: 50}, "vpn", "linux") == JANE, "who has one of the two, though not both"
    assert who("sticky", {LEA: 50}) == LEA
    assert who("on_call", {LEA: 50}) == LEA
    assert chosen(config(agent(JOHN, capacity=1), strategy="sticky"), {JOHN: 1}, now).type.endswith("queued")


def test_reopened_goes_back_if_he_is_there():
    why, nobody = {"by": "person", "reason": "test"}, {"agent": None, "team": None}
    facts = (
        NewEvent("ledgerdesk.ticket.transferred", {"department": "support", "previous": None, "why": why}),
        NewEvent("ledgerdesk.ticket.assigned", {"agent": JOHN, "team": None, "previous": nobody, "why": why}),
    )
    desk = config(agent(JOHN, shifts=DAY_SHIFT), agent(JANE))
    given(*facts).when(domain.taken_up_again, desk, {}, Moment(MONDAY)).nothing()
    freed, given_to = given(*facts).when(domain.taken_up_again, desk, {}, Moment(NIGHT)).then("unassigned", "assigned")
    assert freed.data["why"]["reason"] == "who had it is off shift until 2026-11-24T09:00:00.000000Z"
    assert given_to.data["agent"] == JANE
    gone = config(agent(JOHN, active=False), agent(JANE))
    given(*facts).when(domain.taken_up_again, gone, {}, Moment(MONDAY)).then("unassigned", "assigned")
    given().when(domain.taken_up_again, desk, {}, Moment(MONDAY)).nothing()


def test_an_escalation_gives_it_to_the_next_of_the_team_on_shift():
    why, nobody = {"by": "person", "reason": "test"}, {"agent": None, "team": None}
    has = NewEvent("ledgerdesk.ticket.assigned", {"agent": JOHN, "team": None, "previous": nobody, "why": why})
    desk = config(agent(JOHN), agent(JANE), agent(LEA, shifts=DAY_SHIFT), night=[JOHN, JANE, LEA], empty=[])
    more = {"plan": "gold", "config": desk, "load": {JANE: 3}}
    (event,) = given(has).when(domain.reassign, team="night", now=Moment(MONDAY), **more).then("assigned")
    assert event.data["agent"] == LEA, "not who has it already"
    (event,) = given(has).when(domain.reassign, team="night", now=Moment(NIGHT), **more).then("assigned")
    assert event.data["agent"] == JANE
    given(has).when(domain.reassign, team="empty", now=Moment(NIGHT), **more).nothing()
    given(has).when(domain.reassign, team="unheard-of", now=Moment(NIGHT), **more).nothing()


def simulated_month(strategy: str, seed: int, people: int) -> tuple[int, Counter[str]]:
    """Play a month in which tickets come at random, and each takes as long as it takes.

    Returns the largest difference between who was given a ticket and who had fewest, and who was given how many.
    """
    rng = random.Random(seed)  # noqa: S311 -- a simulation, which must repeat
    names = [f"00000000-0000-0000-0000-0000000000{n:02}" for n in range(people)]
    desk = config(*(agent(name) for name in names), strategy=strategy)
    load: Counter[str] = Counter(dict.fromkeys(names, 0))
    last: dict[str, str] = {}
    got: Counter[str] = Counter()
    done: list[tuple[datetime, str]] = []
    at, worst = MONDAY, 0
    while at < MONDAY + timedelta(days=30):
        at += timedelta(minutes=rng.expovariate(1 / 12))
        while done and done[0][0] <= at:
            load[heapq.heappop(done)[1]] -= 1
        who = chosen(desk, load, Moment(at, last)).data["agent"]
        load[who] += 1
        got[who] += 1
        last[who] = rfc3339(at)
        worst = max(worst, load[who] - min(load.values()))
        heapq.heappush(done, (at + timedelta(minutes=rng.lognormvariate(4, 1)), who))
    return worst, got


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("strategy", ["least_loaded", "round_robin"])
def test_a_month_is_fair(strategy, seed):
    worst, got = simulated_month(strategy, seed, 5)
    assert sum(got.values()) > 3000
    if strategy == "least_loaded":
        assert worst <= 1, "nobody is given a ticket while an equal has two fewer"
        assert max(got.values()) < 1.1 * min(got.values()), "and of equals, all have their turn"
    else:
        assert max(got.values()) - min(got.values()) <= 1


@settings(max_examples=50)
@drawn(st.lists(st.integers(0, 5), min_size=2, max_size=6), st.integers(1, 40))
def test_among_equals_least_loaded_levels_and_stays_level(loads, tickets):
    names = [f"00000000-0000-0000-0000-0000000000{n:02}" for n in range(len(loads))]
    desk, load = config(*(agent(name) for name in names)), dict(zip(names, loads, strict=True))
    for _ in range(tickets):
        spread = max(load.values()) - min(load.values())
        load[chosen(desk, load).data["agent"]] += 1
        assert max(load.values()) - min(load.values()) <= max(1, spread)
