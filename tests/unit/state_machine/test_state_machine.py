"""Random commands against a plain model: what is allowed, what is refused, and what a ticket is afterwards.

The model is written as a person would say the rules, without a look at the deciders: a few dictionaries and sentences. After
each command the ledger's state, the view's row and routing's state must say what the model says.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from services.routing import domain as routing
from services.workflow import domain as workflow
from shared import forms
from shared.contracts.event import NewEvent
from shared.refusal import Refusal
from tests.unit.state_machine import agreement
from tests.unit.state_machine.drawn import (
    AGENTS,
    CONFIG,
    ME,
    OTHER,
    PRIORITIES,
    SAID,
    START,
    STATES,
    TAGS,
    THIRD,
    TO,
    WHO,
    WORDS,
)
from tests.unit.state_machine.model import Ticket


def closed(state: workflow.Life, *, sheet: workflow.Sheet, **how: Any) -> list[NewEvent]:
    """Close a ticket as the endpoint does."""
    workflow.needs_fields(state, sheet=sheet, audience="agent")
    return workflow.close(state, **how)


class Desk(Ticket):
    """What everybody does to it, and what comes of that."""

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

    @invariant()
    def ledger_and_row_say_what_the_model_says(self) -> None:
        if hasattr(self, "status"):
            agreement.of_the_ledger(self, self.life, self.handling)
            agreement.of_the_row(self, self.row, forms.plain(self.sheet().held(self.life)))


TestDesk = Desk.TestCase
TestDesk.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
