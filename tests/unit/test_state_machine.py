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
CONFIG = Config(
    agents=[{"person_id": who, "departments": ["support"], "active": True} for who in (ME, OTHER)],
    departments={key: {"key": key, "active": True} for key in ("support", "field")},
)


FORM = [
    field("cause", "choice", required_to_close=True),
    field("note", shown_when=[when("field.cause", "is", "printer")]),
]
WORDS = st.sampled_from([None, "a", "b"])


def closed(state: workflow.Life, *, sheet: workflow.Sheet) -> list[NewEvent]:
    """Close a ticket as the endpoint does."""
    workflow.needs_fields(state, sheet=sheet, audience="agent")
    return workflow.close(state, message=None)


class Desk(RuleBasedStateMachine):
    """A ticket, and what it should be."""

    @initialize(asked=PRIORITIES, tags=TAGS, note=WORDS)
    def opened(self, asked: str | None, tags: set[str], note: str | None) -> None:
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
        self.status = "open" if self.status == "new" else self.status

    # -- life --------------------------------------------------------------------------------------------------------

    @rule(priority=PRIORITIES)
    def prioritise(self, priority: str | None) -> None:
        wanted = priority or self.priority
        allowed = self.status != "closed" and wanted != self.priority
        asked = {"priority": self.asked, "severity": None}
        if self.gives(allowed, workflow.prioritise, priority=priority, severity=None, message=None, asked=asked):
            self.priority = wanted
            self.acted()

    @rule()
    def hold(self) -> None:
        if self.gives(self.status in WORK, workflow.hold, reason=None, until=None):
            self.status = "on_hold"

    @rule()
    def resume(self) -> None:
        if self.gives(self.status == "on_hold", workflow.resume):
            self.status = "open"

    @rule()
    def resolve(self) -> None:
        if self.gives(self.status in WORK, workflow.resolve, resolution="done"):
            self.status = "resolved"

    @rule()
    def close(self) -> None:
        blocked = any(task["blocks"] and not task["done"] for task in self.tasks.values()) or self.cause is None
        if self.gives(self.status in {"open", "on_hold", "resolved"} and not blocked, closed, sheet=self.sheet()):
            self.status = "closed"

    @rule()
    def reopen(self) -> None:
        if self.gives(self.status in {"resolved", "closed"}, workflow.reopen, message=None):
            self.status = "open"

    @rule()
    def escalate(self) -> None:
        if self.gives(self.status in WORK, workflow.escalate, message=None):
            self.level, self.seen = self.level + 1, False
            self.acted()

    @rule()
    def acknowledge(self) -> None:
        if self.gives(self.status != "closed" and not self.seen, workflow.acknowledge, message=None):
            self.seen = True
            self.acted()

    @rule(late=st.booleans())
    def the_customer_writes(self, late: bool) -> None:
        """What he wrote before the status changed last has been seen by who changed it."""
        at = START if late else self.clock + timedelta(hours=1)
        facts = workflow.customer_wrote(self.life, at)
        moves = {"on_hold": "open", "resolved": "open", "closed": "open"}.get(self.status)
        if late or moves is None:
            assert not facts
        else:
            self.happens("workflow", facts)
            self.status = moves

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
            self.before, self.status, self.into = self.status, "merged", into
        self.happens("workflow", facts)

    @rule()
    def unmerge(self) -> None:
        try:
            facts = workflow.unmerge(self.life, message=None)
        except Refusal:
            assert self.into is None
            return
        assert self.into is not None
        self.status, self.into = self.before, None
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
        assert (self.life.status, self.life.merged_into) == (self.status, self.into)
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
        assert row.status == self.status
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
