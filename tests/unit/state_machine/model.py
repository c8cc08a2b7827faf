"""A ticket as a person would say that it is, beside the ledger and the row that must say the same."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis.stateful import RuleBasedStateMachine, initialize

from services.routing import domain as routing
from services.workflow import domain as workflow
from services.workflow.views import row as rows
from shared.contracts.catalogue import check
from shared.contracts.event import Event, NewEvent
from shared.refusal import Refusal
from tests.unit.state_machine.drawn import (
    FORM,
    LEADS_TO,
    LIFECYCLES,
    ME,
    PRIORITIES,
    START,
    STATES,
    TAGS,
    THIRD,
    USUAL,
    WORDS,
)


class Ticket(RuleBasedStateMachine):
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

    def hands(self, allowed: bool, decide: Any, **named: Any) -> bool:
        try:
            facts = decide(self.handling, **named)
        except Refusal:
            assert not allowed, f"{decide.__name__} is refused"
            return False
        assert allowed, f"{decide.__name__} is allowed"
        self.happens("routing", facts)
        return True

    def sheet(self) -> workflow.Sheet:
        return workflow.Sheet(FORM, values=self.row.asked_fields)
