"""Random commands against a plain model: what is allowed, what is refused, and what a ticket is afterwards.

The model is written as a person would say the rules, without a look at the deciders: a few dictionaries and sentences. After
each command the ledger's state, the view's row and routing's state must say what the model says.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.routing import domain as routing
from services.routing.domain import Config
from services.workflow import domain as workflow
from services.workflow.views import row as rows
from shared import forms
from shared.contracts.catalogue import check
from shared.contracts.event import Event, NewEvent
from shared.refusal import Refusal
from shared.testing.forms import field, when

ME, OTHER, THIRD = (str(UUID(int=n)) for n in (1, 2, 3))
AGENTS = st.sampled_from([ME, OTHER, THIRD])
TAGS = st.sets(st.sampled_from(["vpn", "mail", "urgent"]), max_size=2)
PRIORITIES = st.sampled_from([None, "low", "normal", "high"])
START = datetime(2026, 11, 23, tzinfo=UTC)
WORK = {"new", "open", "on_hold"}
STATES = {"waiting": "on_hold", "vendor": "on_hold", "review": "open", "worked-around": "resolved", "spam": "closed"}
"""The desk's own states, where it has a lifecycle, and the status of each."""
USUAL = {
    "hold": WORK, "resume": {"on_hold"}, "resolve": WORK, "close": {"open", "on_hold", "resolved"}, "reopen": {"resolved", "closed"},
    "escalate": WORK, "acknowledge": WORK | {"resolved"}, "prioritise": WORK | {"resolved"},
    "state": WORK | {"resolved", "closed"},
}  # fmt: skip
"""Where each verb is allowed when nothing is configured. Only closing may be allowed further: of what is new."""
LEADS_TO = {"hold": "on_hold", "resume": "open", "resolve": "resolved", "close": "closed", "reopen": "open"}
WHO = st.sampled_from([frozenset({"agent"}), frozenset({"lead"}), frozenset({"agent", "first"})])
TO = st.sampled_from([None, None, *STATES])
SAID = st.sampled_from([None, "because"])


@st.composite
def moves(draw: st.DrawFn) -> dict[str, Any]:
    """A move that a desk could configure."""
    verb = draw(st.sampled_from(sorted(USUAL)))
    places = USUAL[verb] | ({"new"} if verb == "close" else set())
    led_to = {LEADS_TO[verb]} if verb in LEADS_TO else places if verb == "state" else set()
    some = lambda of: draw(  # noqa: E731 -- drawn from here
        st.lists(
            st.sampled_from([*sorted(of), *(k for k, status in STATES.items() if status in of)]),
            unique=True,
            max_size=3,
        )
        if of
        else st.just([])
    )
    by = draw(st.lists(st.sampled_from(["agent", "lead", "first"]), unique=True, max_size=2))
    return {"verb": verb, "when": some(places), "to": some(led_to), "by": by, "message": draw(st.booleans())}


LIFECYCLES = st.none() | st.builds(
    lambda ways: {
        "key": "desk", "version": 1, "moves": ways,
        "states": [{"key": k, "name": k, "status": v, "public": False, "active": True} for k, v in STATES.items()],
    },
    st.lists(moves(), max_size=6),
)  # fmt: skip
CONFIG = Config(
    agents=[{"person_id": who, "departments": ["support"], "active": True} for who in (ME, OTHER)],
    departments={key: {"key": key, "active": True} for key in ("support", "field")},
)


FORM = [
    field("cause", "choice", required_to_close=True),
    field("note", shown_when=[when("field.cause", "is", "printer")]),
]
WORDS = st.sampled_from([None, "a", "b"])


def closed(state: workflow.Life, *, sheet: workflow.Sheet, **how: Any) -> list[NewEvent]:
    """Close a ticket as the endpoint does."""
    workflow.needs_fields(state, sheet=sheet, audience="agent")
    return workflow.close(state, **how)


class Desk(RuleBasedStateMachine):
    """A ticket, and what it should be."""

    @initialize(asked=PRIORITIES, tags=TAGS, note=WORDS, lifecycle=LIFECYCLES)
    def opened(self, asked: str | None, tags: set[str], note: str | None, lifecycle: dict[str, Any] | None) -> None:
        self.lifecycle = lifecycle
        if lifecycle is not None:
            assert workflow.faults(lifecycle, frozenset({"first"})) == {}, "what is drawn is what can be configured"
        self.state: str | None = None
        self.state_before: str | None = None
        self.clock, self.versions = START, {"intake": 0, "workflow": 0, "routing": 0}
        self.life, self.handling, self.row = workflow.Life(), routing.Handling(), rows.initial(UUID(int=9))
        self.status, self.before = "new", "new"
        self.priority, self.changed = asked or "normal", False
        self.asked, self.asked_tags, self.tags = asked, sorted(tags), set(tags)
        self.tasks: dict[str, dict[str, bool]] = {}
        self.watchers: set[str] = set()
        self.minutes, self.level, self.seen = 0, 0, False
        self.cause: str | None = None
        self.note = note
        self.into: str | None = None
        self.agent: str | None = None
        self.team: str | None = None
        self.department: str | None = None
        self.sight: set[tuple[str | None, str | None, str | None]] = set()
        created = {"number": "1", "person_id": THIRD, "channel": "web", "priority": asked, "tags": self.asked_tags}
        words: dict[str, Any] = {"subject": "s", "body": "b", "requester": {"email": "k@example.org"}}
        if note is not None:
            created["worded"], words["fields"] = ["note"], {"note": note}
        self.happens("intake", [NewEvent("ledgerdesk.ticket.created", created, words)])

    def happens(self, owner: str, facts: list[NewEvent]) -> None:
        for fact in facts:
            check(fact, owner)
            self.clock += timedelta(seconds=1)
            self.versions[owner] += 1
            event = Event(
                uuid4(), fact.type, 1, owner, UUID(int=9), self.versions[owner], 1, fact.data, fact.personal,
                {"kind": "person", "id": ME}, {"kind": "key", "id": "x"}, None, UUID(int=1), self.clock, self.clock,
            )  # fmt: skip
            self.row = rows.evolve(self.row, event)
            if owner == "workflow":
                self.life = workflow.evolve(self.life, event)
            elif owner == "routing":
                self.handling = routing.evolve(self.handling, event)

    def gives(self, allowed: bool, decide: Any, *arguments: Any, **named: Any) -> bool:
        """Give workflow a command; whether it was taken must be what the model says."""
        try:
            facts = decide(workflow.needs_no_merge(self.life), *arguments, **named)
        except Refusal:
            assert not allowed or self.into is not None, f"{decide.__name__} is refused"
            return False
        assert allowed, f"{decide.__name__} is allowed"
        assert self.into is None
        self.happens("workflow", list(facts))
        return True

    def acted(self) -> None:
        """An agent's first act makes a new ticket an open one."""
        self.goes("open" if self.status == "new" else self.status)

    def goes(self, status: str, state: str | None = None) -> None:
        """Into a status, and a state of it; where it stays in its status it stays in its state."""
        self.state = state if status != self.status else state or self.state
        self.status = status

    def may(self, verb: str, who: frozenset[str], to: str | None, said: str | None, there: str | None = None) -> bool:
        """Whether the desk's lifecycle leaves this move to these roles, as a person would read it. `there`: where it leads to."""
        there = there or LEADS_TO.get(verb, self.status)
        if to is not None and (self.lifecycle is None or STATES[to] != there):
            return False
        ways = [way for way in (self.lifecycle or {"moves": []})["moves"] if way["verb"] == verb]
        if not ways:
            return self.status in USUAL[verb]
        return any(
            (not way["by"] or who & set(way["by"]))
            and (self.status in USUAL[verb] if not way["when"] else {self.status, self.state} & set(way["when"]))
            and (not way["to"] or {there, to} & set(way["to"]))
            and (said is not None or not way["message"])
            for way in ways
        )

    def ways(self, who: frozenset[str]) -> workflow.Moves:
        return workflow.moves_of(self.lifecycle, who)

    # -- life --------------------------------------------------------------------------------------------------------

    @rule(priority=PRIORITIES, who=WHO, said=SAID)
    def prioritise(self, priority: str | None, who: frozenset[str], said: str | None) -> None:
        wanted = priority or self.priority
        allowed = self.may("prioritise", who, None, said) and wanted != self.priority
        asked = {"priority": self.asked, "severity": None}
        more = {"message": said, "asked": asked, "moves": self.ways(who)}
        if self.gives(allowed, workflow.prioritise, priority=priority, severity=None, **more):
            self.priority = wanted
            self.acted()

    @rule(who=WHO, to=TO, said=SAID)
    def hold(self, who: frozenset[str], to: str | None, said: str | None) -> None:
        stays = self.state if self.status == "on_hold" else None
        allowed = self.may("hold", who, to or stays, said)
        if self.gives(allowed, workflow.hold, reason=said, until=None, to=to, moves=self.ways(who)):
            self.goes("on_hold", to)

    @rule(who=WHO, to=TO, said=SAID)
    def resume(self, who: frozenset[str], to: str | None, said: str | None) -> None:
        if self.gives(self.may("resume", who, to, said), workflow.resume, reason=said, to=to, moves=self.ways(who)):
            self.goes("open", to)

    @rule(who=WHO, to=TO)
    def resolve(self, who: frozenset[str], to: str | None) -> None:
        allowed = self.may("resolve", who, to, "done")
        if self.gives(allowed, workflow.resolve, resolution="done", to=to, moves=self.ways(who)):
            self.goes("resolved", to)

    @rule(who=WHO, to=TO, said=SAID)
    def close(self, who: frozenset[str], to: str | None, said: str | None) -> None:
        blocked = any(task["blocks"] and not task["done"] for task in self.tasks.values()) or self.cause is None
        allowed = self.may("close", who, to, said) and not blocked
        if self.gives(allowed, closed, message=said, to=to, moves=self.ways(who), sheet=self.sheet()):
            self.goes("closed", to)

    @rule(who=WHO, to=TO, said=SAID)
    def reopen(self, who: frozenset[str], to: str | None, said: str | None) -> None:
        if self.gives(self.may("reopen", who, to, said), workflow.reopen, message=said, to=to, moves=self.ways(who)):
            self.goes("open", to)

    @rule(who=WHO, to=TO, said=SAID)
    def change_state(self, who: frozenset[str], to: str | None, said: str | None) -> None:
        begins = self.status == "new" and to is not None and STATES[to] == "open"
        allowed = self.may("state", who, to, said, "open" if begins else self.status)
        if self.gives(allowed, workflow.change_state, to=to, message=said, moves=self.ways(who)):
            if begins:
                self.status = "open"
            self.state = to

    @rule(who=WHO, said=SAID)
    def escalate(self, who: frozenset[str], said: str | None) -> None:
        if self.gives(self.may("escalate", who, None, said), workflow.escalate, message=said, moves=self.ways(who)):
            self.level, self.seen = self.level + 1, False
            self.acted()

    @rule(who=WHO, said=SAID)
    def acknowledge(self, who: frozenset[str], said: str | None) -> None:
        allowed = self.may("acknowledge", who, None, said) and not self.seen
        if self.gives(allowed, workflow.acknowledge, message=said, moves=self.ways(who)):
            self.seen = True
            self.acted()

    @rule(late=st.booleans())
    def the_customer_writes(self, late: bool) -> None:
        """What he wrote before the status changed last has been seen by who changed it."""
        at = START if late else self.clock + timedelta(hours=1)
        facts = workflow.customer_wrote(self.life, at)
        goes_to = {"on_hold": "open", "resolved": "open", "closed": "open"}.get(self.status)
        if late or goes_to is None:
            assert not facts
        else:
            self.happens("workflow", facts)
            self.goes(goes_to)

    # -- words and work ----------------------------------------------------------------------------------------------

    @rule()
    def note(self) -> None:
        if self.gives(True, workflow.note, body="x"):
            self.acted()

    @rule()
    def reply(self) -> None:
        if self.gives(self.status != "closed", workflow.reply, body="x"):
            self.acted()

    @rule(add=TAGS, remove=TAGS)
    def tag(self, add: set[str], remove: set[str]) -> None:
        if self.gives(True, workflow.tag, add=sorted(add), remove=sorted(remove), asked=self.asked_tags):
            self.tags = (self.tags - remove) | add

    def sheet(self) -> workflow.Sheet:
        return workflow.Sheet(FORM, values=self.row.asked_fields)

    @rule(cause=st.sampled_from([None, "laptop", "printer"]), note=WORDS)
    def fill_in(self, cause: str | None, note: str | None) -> None:
        """A note is asked for of printers; what a closed ticket was closed with stays."""
        accepted = note is None or cause == "printer"
        goes = self.status == "closed" and cause is None and self.cause is not None
        wanted, changes = {"cause": cause, "note": note}, (cause, note) != (self.cause, self.note)
        more = {"wanted": wanted, "sheet": self.sheet(), "audience": "agent"}
        if self.gives(accepted and not goes, workflow.change_fields, **more) and changes:
            self.cause, self.note = cause, note
            self.acted()

    @rule(blocks=st.booleans())
    def add_task(self, blocks: bool) -> None:
        key = str(UUID(int=100 + len(self.tasks)))
        more = {"key": key, "title": "t", "description": None, "agent": None, "due": None, "blocks": blocks}
        if self.gives(self.status != "closed", workflow.add_task, **more):
            self.tasks[key] = {"blocks": blocks, "done": False}
            self.acted()

    @rule(number=st.integers(0, 3), finish=st.booleans())
    def a_task_is_done_or_not(self, number: int, finish: bool) -> None:
        key = str(UUID(int=100 + number))
        task = self.tasks.get(key)
        decide = workflow.finish_task if finish else workflow.reopen_task
        reopens_closed = not finish and task is not None and task["done"] and self.status == "closed"
        if self.gives(task is not None and not reopens_closed, decide, key=key, message=None):  # twice is once
            assert task is not None
            task["done"] = finish

    @rule(who=AGENTS)
    def watch(self, who: str) -> None:
        if self.gives(True, workflow.watch, person=who):
            self.watchers.add(who)

    @rule(who=AGENTS)
    def unwatch(self, who: str) -> None:
        if self.gives(True, workflow.unwatch, person=who):
            self.watchers.discard(who)

    # -- merges ------------------------------------------------------------------------------------------------------

    @rule(into=st.sampled_from([OTHER, THIRD]))
    def merge(self, into: str) -> None:
        try:
            facts = workflow.merge(self.life, ticket=ME, into=into, message=None)
        except Refusal:
            assert self.into not in {None, into}
            return
        assert self.into in {None, into}
        if self.into is None:
            self.acted()
            self.before, self.state_before, self.into = self.status, self.state, into
            self.goes("merged")
        self.happens("workflow", facts)

    @rule()
    def unmerge(self) -> None:
        try:
            facts = workflow.unmerge(self.life, message=None)
        except Refusal:
            assert self.into is None
            return
        assert self.into is not None
        self.status, self.state, self.into = self.before, self.state_before, None
        self.happens("workflow", facts)

    # -- who has it --------------------------------------------------------------------------------------------------

    def hands(self, allowed: bool, decide: Any, **named: Any) -> bool:
        try:
            facts = decide(self.handling, **named)
        except Refusal:
            assert not allowed, f"{decide.__name__} is refused"
            return False
        assert allowed, f"{decide.__name__} is allowed"
        self.happens("routing", facts)
        return True

    @rule(agent=st.sampled_from([None, ME, OTHER]), team=st.sampled_from([None, "night"]))
    def assign(self, agent: str | None, team: str | None) -> None:
        if agent is None and team is None:
            return
        same = agent is not None and agent == self.agent and team in {None, self.team}
        waits = agent is None and team == self.team and self.agent is None
        if self.hands(not same and not waits, routing.assign, agent=agent, team=team, message=None):
            self.agent, self.team = agent, team or self.team

    @rule(agent=st.sampled_from([ME, OTHER]))
    def claim(self, agent: str) -> None:
        if self.hands(self.agent in {None, agent}, routing.claim, agent=agent):
            self.agent = agent

    @rule(lead=st.booleans())
    def release(self, lead: bool) -> None:
        held = self.agent is not None or self.team is not None
        mine = self.agent in {None, ME} or lead
        if self.hands(held and mine, routing.release, by=ME, may_release_others=lead, message=None):
            self.agent = self.team = None

    @rule(to=st.sampled_from(["support", "field"]))
    def transfer(self, to: str) -> None:
        if self.hands(self.department != to, routing.transfer, department=to, config=CONFIG, message=None):
            self.department = to
            if self.agent is not None and to == "field":  # nobody here works there
                self.agent = self.team = None

    @rule(agent=AGENTS, gives=st.booleans())
    def refer(self, agent: str, gives: bool) -> None:
        one = (agent, None, None)
        if gives:
            if self.hands(True, routing.refer, agent=agent, team=None, department=None, message=None):
                self.sight.add(one)
        elif self.hands(one in self.sight, routing.withdraw, agent=agent, team=None, department=None):
            self.sight.discard(one)

    # -- what must be so ---------------------------------------------------------------------------------------------

    @invariant()
    def the_ledger_says_what_the_model_says(self) -> None:
        if not hasattr(self, "status"):
            return
        assert (self.life.status, self.life.state, self.life.merged_into) == (self.status, self.state, self.into)
        assert (self.life.level, self.life.acknowledged) == (self.level, self.seen)
        assert {key: {"blocks": t.blocks, "done": t.done} for key, t in self.life.tasks.items()} == self.tasks
        assert self.life.watchers == self.watchers
        assert (self.handling.agent, self.handling.team, self.handling.department) == (
            self.agent, self.team, self.department,
        )  # fmt: skip
        assert set(self.handling.referrals) == self.sight

    @invariant()
    def the_row_says_what_the_model_says(self) -> None:
        if not hasattr(self, "status"):
            return
        row = self.row
        assert (row.status, row.state) == (self.status, self.state)
        assert (row.set_priority or row.asked_priority or "normal") == self.priority
        assert set(row.tags) == self.tags
        assert len(row.tags) == len(self.tags)
        filled = {key: value for key, value in (("cause", self.cause), ("note", self.note)) if value is not None}
        assert forms.plain(row.fields) == forms.plain(self.sheet().held(self.life)) == filled
        assert set(row.watchers) == self.watchers
        assert (str(row.agent) if row.agent else None, row.team) == (self.agent, self.team)
        assert (row.moved_department if row.moved else row.stated_department) == self.department
        assert {(r["agent"], r["team"], r["department"]) for r in row.referrals} == self.sight
        assert sum(not task["done"] for task in row.tasks) == sum(not task["done"] for task in self.tasks.values())
        assert row.versions == {owner: version for owner, version in self.versions.items() if version}


TestDesk = Desk.TestCase
TestDesk.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
