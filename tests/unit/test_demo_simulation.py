"""The simulated quarter: repeatable, valid, possible under the live rules, and shaped like a desk's."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ledgerdesk.demo.hours import WEEK_DAYS, Clock, Shift, arrivals, incidents
from ledgerdesk.demo.org import SHIFTS, Cast, cast, demo_organisation
from ledgerdesk.demo.simulation import HIRED_FOR, Quarter, facts
from ledgerdesk.importer.facts import Stated
from services.intake import domain as intake
from services.routing import domain as routing
from services.workflow import domain as workflow
from shared.contracts.catalogue import check
from shared.contracts.event import Event, NewEvent
from shared.contracts.ids import derived
from shared.eventstore.facts import Fact

END = datetime(2026, 3, 30, tzinfo=UTC)
MANY = Quarter(1, 3000, END)
FILE = demo_organisation(120)
IDS = {person.email: str(derived("test", person.email)) for person in FILE.people}
PEOPLE = cast(FILE, IDS)


def quarter(seed: int = 1, tickets: int = 80, end: datetime = END) -> list[Stated]:
    return list(facts(Quarter(seed, tickets, end), PEOPLE))


@pytest.fixture(scope="module")
def many() -> list[Stated]:
    """Half of what the desk was hired for: 31,000 facts."""
    return list(facts(MANY, PEOPLE))


@pytest.fixture(scope="module")
def tickets(many: list[Stated]) -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for stated in many:
        grouped[stated.fact["stream_id"]].append(stated.fact)
    return grouped


def name_of(fact: dict[str, Any]) -> str:
    return str(fact["type"]).rpartition(".")[2]


def at(fact: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(fact["occurred_at"])


# Repeatable


def test_the_same_seed_gives_the_same_facts():
    assert quarter() == quarter()


def test_another_seed_is_another_quarter_with_ids_and_numbers_of_its_own():
    ours, others = quarter(1), quarter(2)
    assert not {s.fact["id"] for s in ours} & {s.fact["id"] for s in others}
    assert {s.fact["data"]["origin"]["case"][:3] for s in ours} == {"D-0"}
    assert {s.fact["data"]["origin"]["case"][:3] for s in others} == {"D2-"}


def test_a_week_later_the_same_happens_a_week_later():
    sooner, later = quarter(), quarter(end=END + timedelta(weeks=1))
    assert [s.fact["id"] for s in sooner] == [s.fact["id"] for s in later]
    assert {at(b.fact) - at(a.fact) for a, b in zip(sooner, later, strict=True)} == {timedelta(weeks=1)}


# Valid


def test_every_fact_is_one_that_its_owner_takes(many):
    for stated in many:
        fact = Fact.model_validate(stated.fact)
        check(NewEvent(fact.type, fact.data, fact.personal), stated.owner)


def test_ids_are_unique(many):
    assert len({stated.fact["id"] for stated in many}) == len(many)


def test_facts_come_in_time_order_within_the_quarter(many):
    times = [stated.fact["occurred_at"] for stated in many]
    assert times == sorted(times)
    assert MANY.begin <= at(many[0].fact)
    assert at(many[-1].fact) < END


def test_every_fact_states_a_row_of_its_own(tickets):
    for of_ticket in tickets.values():
        origins = [fact["data"]["origin"] for fact in of_ticket]
        assert [origin["row"] for origin in origins] == list(range(1, len(origins) + 1))
        assert [origin["activity"] for origin in origins] == [name_of(fact) for fact in of_ticket]
        for fact, origin in zip(of_ticket, origins, strict=True):
            assert origin["log"] == "demo-quarter"
            assert origin["actor"] == (fact["actor"]["id"] if fact["actor"]["kind"] == "person" else None)


def test_every_ticket_is_created_once_with_a_number_that_no_live_ticket_gets(tickets):
    assert len(tickets) == MANY.tickets
    for of_ticket in tickets.values():
        assert [name_of(fact) for fact in of_ticket].count("created") == 1
        assert name_of(of_ticket[0]) == "created"
    assert not any(of_ticket[0]["data"]["number"].isdigit() for of_ticket in tickets.values())


# Possible: each ticket is played again with the live rules


@dataclass
class Replay:
    """A ticket's state by the services' rules, and what they would have decided."""

    door: intake.Door = field(default_factory=intake.Door)
    handling: routing.Handling = field(default_factory=routing.Handling)
    life: workflow.Life = field(default_factory=workflow.Life)
    asked: dict[str, Any] = field(default_factory=dict)

    def decided(self, fact: dict[str, Any]) -> Sequence[NewEvent]:
        """Return what the live rules decide where this fact stands; a refusal fails the test."""
        said, data = fact["personal"] or {}, fact["data"]
        if fact["actor"]["kind"] == "person" and data.get("why", {}).get("by") == "person":
            assert self.life.status != "closed", "routing refuses acts on closed tickets"
        by_customer = fact["actor"]["id"] == self.door.requester_id
        verbs: dict[str, Callable[[], Sequence[NewEvent]]] = {
            "started": lambda: workflow.start(self.life),
            "noted": lambda: workflow.note(self.life, body=said["body"]),
            "replied": lambda: workflow.reply(self.life, body=said["body"]),
            "held": lambda: workflow.hold(self.life, reason=said.get("reason"), until=data["until"]),
            "resumed": lambda: workflow.customer_wrote(self.life) if by_customer else workflow.resume(self.life),
            "resolved": lambda: workflow.resolve(self.life, resolution=said["resolution"]),
            "closed": lambda: workflow.close(self.life, message=said.get("message")),
            "reopened": lambda: workflow.reopen(self.life, message=said.get("message")),
            "escalated": lambda: workflow.escalate(self.life, message=said["message"]),
            "acknowledged": lambda: workflow.acknowledge(self.life, message=said["message"]),
            "prioritised": lambda: workflow.prioritise(
                self.life, priority=data["priority"], severity=data["severity"], message=said.get("message"),
                asked=self.asked, by_agent=fact["actor"]["kind"] == "person",
            ),
            "message_received": lambda: intake.receive_message(
                self.door, intake.ReceiveMessage(body=said["body"], person_id=data["person_id"], channel=data["channel"], **said["author"])
            ),
            "assigned": lambda: self._assigned(fact),
            "unassigned": lambda: self._unassigned(fact),
            "transferred": lambda: self._transferred(fact),
        }  # fmt: skip
        return verbs[name_of(fact)]()

    def _assigned(self, fact: dict[str, Any]) -> Sequence[NewEvent]:
        why, agent = fact["data"]["why"], fact["data"]["agent"]
        if why["by"] == "policy":
            able = [c for c in why["candidates"] if "excluded" not in c]
            assert min(able, key=lambda c: (c["score"], c["agent"]))["agent"] == agent
            assert self.handling.agent is None
            return [NewEvent(fact["type"], without_origin(fact), None)]
        if why["reason"] == "claimed":
            return routing.claim(self.handling, agent=agent)
        return routing.assign(self.handling, agent=agent, team=None, message=fact["personal"]["message"])

    def _unassigned(self, fact: dict[str, Any]) -> Sequence[NewEvent]:
        if fact["data"]["why"]["by"] == "person":
            return routing.release(self.handling, by=fact["actor"]["id"], may_release_others=False, message=None)
        holder = next(w for w in PEOPLE.workers if w.person_id == self.handling.agent)
        assert self.handling.department not in holder.departments
        return [
            NewEvent(fact["type"], {**without_origin(fact), "previous": {"agent": self.handling.agent, "team": None}})
        ]

    def _transferred(self, fact: dict[str, Any]) -> Sequence[NewEvent]:
        if fact["actor"]["kind"] != "person":
            assert not self.handling.routed
            return [NewEvent(fact["type"], without_origin(fact), None)]
        return routing.transfer(
            self.handling,
            department=fact["data"]["department"],
            config=PEOPLE.config,
            message=fact["personal"]["message"],
        )[:1]

    def fold(self, fact: dict[str, Any]) -> None:
        moment, nobody = at(fact), UUID(int=0)
        event = Event(
            UUID(fact["id"]), fact["type"], 1, "", UUID(fact["stream_id"]), 1, 1, fact["data"], fact["personal"], fact["actor"], {},
            None, nobody, moment, moment,
        )  # fmt: skip
        self.door = intake.evolve(self.door, event)
        self.handling = routing.evolve(self.handling, event)
        self.life = workflow.evolve(self.life, event)


def without_origin(fact: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fact["data"].items() if key != "origin"}


def test_the_live_rules_would_have_decided_every_move(tickets):
    for of_ticket in tickets.values():
        replay = Replay(asked=of_ticket[0]["data"])
        for fact in of_ticket:
            if name_of(fact) not in {"created", "rule_applied"}:
                decided = replay.decided(fact)
                assert [(e.type, e.data, e.personal) for e in decided] == [
                    (fact["type"], without_origin(fact), fact["personal"])
                ]
            replay.fold(fact)


def test_an_agents_first_act_opens_the_ticket(tickets):
    for of_ticket in tickets.values():
        names = [name_of(fact) for fact in of_ticket]
        acts = [n for n, fact in enumerate(of_ticket) if fact["actor"]["id"] in agents() and names[n] != "started"]
        assert ("started" in names) == bool(acts)
        if acts:
            assert (
                abs(names.index("started") - acts[0]) <= 2
            )  # before it in the same command, or after it as a reaction


# Shaped like a desk's


def agents() -> dict[str, Shift]:
    return {worker.person_id: worker.shift for worker in PEOPLE.workers}


def statuses(tickets: dict[str, list[dict[str, Any]]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for of_ticket in tickets.values():
        replay = Replay()
        for fact in of_ticket:
            replay.fold(fact)
        found[replay.life.status] += 1
    return found


def test_most_tickets_are_closed_at_the_end_and_some_are_open(tickets):
    found = statuses(tickets)
    assert 0.85 < found["closed"] / MANY.tickets < 0.97
    assert 0.005 < (found["new"] + found["open"] + found["on_hold"]) / MANY.tickets < 0.06
    assert found["on_hold"]
    assert found["resolved"]


def test_about_one_in_sixteen_is_reopened_out_of_both_states(tickets):
    previous = [f["data"]["previous"] for of_ticket in tickets.values() for f in of_ticket if name_of(f) == "reopened"]
    reopened = sum(any(name_of(f) == "reopened" for f in of_ticket) for of_ticket in tickets.values())
    assert 0.04 < reopened / MANY.tickets < 0.085
    assert previous.count("resolved") > previous.count("closed") > 0


def test_everything_happens_that_can(many):
    names = Counter(name_of(stated.fact) for stated in many)
    assert set(names) == {
        "created", "message_received", "assigned", "unassigned", "transferred", "rule_applied", "started", "noted", "replied",
        "prioritised", "held", "resumed", "resolved", "closed", "reopened", "escalated", "acknowledged",
    }  # fmt: skip
    assert 9 < len(many) / MANY.tickets < 12
    reasons = Counter(s.fact["data"]["why"]["reason"] for s in many if name_of(s.fact) == "assigned")
    assert reasons["claimed"]
    assert reasons["assigned by hand"]


def test_agents_work_in_their_shifts(many):
    inside = Counter(
        in_shift(agents()[s.fact["actor"]["id"]], at(s.fact)) for s in many if s.fact["actor"]["id"] in agents()
    )
    assert inside[True] / inside.total() > 0.96  # what has been begun is finished


def in_shift(shift: Shift, moment: datetime) -> bool:
    return moment.weekday() in shift.days and shift.begin <= moment.hour + moment.minute / 60 <= shift.end


def test_tickets_come_on_weekdays_in_the_morning_mostly(tickets):
    moments = [at(of_ticket[0]) for of_ticket in tickets.values()]
    days = Counter(moment.weekday() for moment in moments)
    hours = Counter(moment.hour for moment in moments)
    assert days[0] > days[4] > days[5] + days[6]
    assert sum(hours[h] for h in range(8, 17)) / len(moments) > 0.7
    assert hours[9] > 5 * hours[20]


def test_incidents_bring_many_tickets_at_once(tickets):
    tagged = [of_ticket[0] for of_ticket in tickets.values() if "incident" in of_ticket[0]["data"]["tags"]]
    assert 0.02 < len(tagged) / MANY.tickets < 0.1
    by_day = Counter(at(fact).date() for fact in tagged)
    assert max(by_day.values()) >= 15


def test_all_customers_departments_and_agents_take_part(tickets):
    created = [of_ticket[0] for of_ticket in tickets.values()]
    assert {f["personal"]["requester"]["email"].partition("@")[2] for f in created} == {
        domain for customer in FILE.organisations for domain in customer.domains
    }
    holders = {f["data"]["agent"] for of_ticket in tickets.values() for f in of_ticket if name_of(f) == "assigned"}
    assert holders == set(agents())
    places = {
        f["data"]["department"] for of_ticket in tickets.values() for f in of_ticket if name_of(f) == "transferred"
    }
    assert places == {department.key for department in FILE.departments}
    assert len({f["personal"]["subject"] for f in created}) > 500


def test_a_bigger_store_has_the_same_agents_working_faster():
    scale = Quarter(2, 12 * HIRED_FOR, END).scale
    assert scale == 12
    assert Quarter(2, 100, END).scale == 1
    bigger: Cast = cast(FILE, IDS, scale)
    for usual, faster in zip(PEOPLE.workers, bigger.workers, strict=True):
        assert faster.capacity == 12 * usual.capacity


# Hours


@pytest.mark.parametrize("count", [1, 7, 5000])
def test_exactly_as_many_arrive_as_are_wanted_in_time_order(count):
    rng, clock = random.Random(3), Clock(2)  # noqa: S311 -- a test wants to be repeatable
    moments = [moment for moment, _ in arrivals(rng, count, 4, clock, incidents(rng, 4, ["network"], clock))]
    assert len(moments) == count
    assert moments == sorted(moments)
    assert moments[-1] < 4 * WEEK_DAYS * 86400


def test_the_next_moment_of_a_shift():
    clock, shift = Clock(first_weekday=4), SHIFTS["john"]  # the quarter begins on a Friday
    assert clock.next_in(shift, 10 * 3600) == 10 * 3600
    assert clock.next_in(shift, 6 * 3600) == 8 * 3600
    assert clock.next_in(shift, 20 * 3600) == (3 * 24 + 8) * 3600  # Monday
    assert clock.after_days(shift, 10 * 3600, 1) == (3 * 24 + 10) * 3600
