"""A ticket's history played again under some rules. Pure: the same events and the same rules give the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from ledgerdesk.trying.desk import TriedDesk
from ledgerdesk.trying.history import History
from services.routing import domain as routing
from services.routing.domain.causes import kinds_of, when_of
from services.routing.domain.looks import with_words
from services.routing.domain.moments import UNDER_WAY, moment_of
from services.routing.domain.rules import OF_ROUTING, applied, seen_of, wanted
from services.routing.ruling import OVER
from services.routing.views.row import TicketRow, evolve, initial, values_of
from services.workflow import domain as workflow
from shared.contracts.event import Event, NewEvent, rfc3339
from shared.rules import Held, Rule, Seen, asked, matching, refusing
from shared.timers import GRACE

APPLIED = "ledgerdesk.ticket.rule_applied"
_NONE = UUID(int=0)
_BY_ITSELF = {"kind": "reaction", "id": "routing"}


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that applied: when it was asked, at which moment, what it wants, and which of its tests held."""

    rule: str
    version: int
    when: str
    at: datetime
    wants: Mapping[str, Any]
    tests: Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class Played:
    """What came of a ticket: which rules applied, what routing decided when it was opened, how it stands at the end."""

    fired: list[Fired] = field(default_factory=list)
    routed: Sequence[NewEvent] = ()
    rejected: str | None = None
    row: TicketRow | None = None


def play(history: History, desk: TriedDesk, until: datetime) -> Played:
    """Play a ticket's history under a desk's rules, up to a moment: rules on time have theirs until then."""
    return _Player(history, desk).play(until)


class _Player:
    def __init__(self, history: History, desk: TriedDesk) -> None:
        self._history, self._desk = history, desk
        self._row = initial(history.ticket)
        self._handling = routing.Handling()
        self._life = workflow.Life()
        self._dealt: set[tuple[str, str]] = set()
        """(rule, moment) of rules on time that have had their time."""
        self._on_time = [rule for rule in asked(desk.config.rules, "time") if rule.get("active", True)]
        self._left_out: set[UUID] = set()
        self._played = Played()

    def play(self, until: datetime) -> Played:
        for event in self._history.events:
            self._time_goes_on(event.occurred_at)
            if event.event_id in self._left_out:
                continue
            self._fold(event)
            if event.name == "created" and event.origin is None:
                self._open(event)
                if self._played.rejected is not None:
                    break
            elif (when := when_of(event)) is not None and self._row.status != "merged":
                self._ask(when, event)
        else:
            self._time_goes_on(until + GRACE)
        self._played.row = self._row
        return self._played

    # -- what rules are asked about --------------------------------------------------------------------------------

    def _open(self, event: Event) -> None:
        """Let the door, then routing's rules, look at a new ticket. Whom policy chose when it was opened stays, if nothing else is ruled."""
        ticket = routing.new_ticket(event, self._desk.entries.organisation(event.data["person_id"]))
        config = self._desk.config
        refused = refusing(config.rules, seen_of(ticket))
        if refused is not None:
            self._played.rejected = refused.rule["key"]
            return
        routed = routing.route(routing.Handling(), ticket, config, {}, routing.Moment(event.occurred_at))
        self._played.routed = routed
        for held in routing.matching_rules(config, ticket):
            self._note(held, "created", event.occurred_at)
        first = [
            e for e in self._history.events
            if e.cause == event.event_id and e.source == "routing" and e.actor["kind"] == "system"
        ]  # fmt: skip
        if _department(routed) != _department(first) or not (_by_policy(routed) and _by_policy(first)):
            self._left_out |= {e.event_id for e in first}
            self._decided([one for one in routed if one.type != APPLIED], "routing", event.occurred_at)
        for one in routed:
            if one.type == APPLIED:
                self._want(one, event.occurred_at, fresh=True)

    def _ask(self, when: str, event: Event) -> None:
        rules = asked(self._desk.config.rules, when, kinds_of(event))
        seen, status = self._seen((event.personal or {}).get("body")), self._row.status
        self._apply(matching(rules, seen), when, event.occurred_at, status)

    def _time_goes_on(self, now: datetime) -> None:
        """Ask the rules on time whose time has come, in its order; a little later than it, as they are asked live."""
        while (due := self._next_due(now)) is not None:
            at, rule, since = due
            self._dealt.add((rule["key"], since))
            if self._row.status in UNDER_WAY:
                self._apply(matching([rule], self._seen(None)), "time", at, self._row.status)

    def _next_due(self, now: datetime) -> tuple[datetime, Rule, str] | None:
        found = []
        for rule in self._on_time:
            moment = moment_of(rule, self._row.looks)
            if moment is None or moment[1] + GRACE > now:
                continue
            since = rule["after"]["since"] + rfc3339(moment[0])
            if (rule["key"], since) not in self._dealt:
                found.append((moment[1], rule["key"], rule, since))
        if not found:
            return None
        at, _, rule, since = min(found, key=lambda one: one[:2])
        return at, rule, since

    def _seen(self, body: str | None) -> Seen:
        entries, requester = self._desk.entries, str(self._row.requester_id)
        return with_words(
            values_of(self._row), subject=self._row.looks.get("subject"), body=body, email=entries.address(requester),
            organisation=entries.organisation(requester),
        )  # fmt: skip

    # -- what rules do ---------------------------------------------------------------------------------------------

    def _apply(self, held: Sequence[Held], when: str, at: datetime, status: str) -> None:
        for one in held:
            self._note(one, when, at)
            self._want(applied(one, {"when": when}), at, fresh=False)
        naming = [one for one in held if any(one.rule["actions"].get(name) for name in OF_ROUTING)]
        if naming and status not in OVER:
            decided = routing.handle(self._handling, naming, self._desk.config, {}, routing.Moment(at))
            self._decided(decided, "routing", at)

    def _note(self, held: Held, when: str, at: datetime) -> None:
        rule = held.rule
        self._played.fired.append(Fired(rule["key"], rule["version"], when, at, wanted(held), held.named))

    def _want(self, said: NewEvent, at: datetime, *, fresh: bool) -> None:
        self._decided([said], "routing", at)
        asked_for = self._row.looks.get("asked", {})
        found = workflow.ruled(
            self._life, said.data["changes"], note=(said.personal or {}).get("note"), asked=asked_for, fresh=fresh
        )
        self._decided(found.events, "workflow", at)

    def _decided(self, facts: Sequence[NewEvent], source: str, at: datetime) -> None:
        """Fold what a rule decides, as its own doing."""
        for fact in facts:
            version = self._row.versions.get(source, 0) + 1
            event_id = uuid5(self._history.ticket, f"{source}.{version}.{fact.type}")
            self._fold(
                Event(
                    event_id, fact.type, 1, source, self._history.ticket, version, 0, fact.data, fact.personal,
                    {"kind": "rule", "id": ""}, _BY_ITSELF, None, _NONE, at, at,
                )
            )  # fmt: skip

    def _fold(self, event: Event) -> None:
        self._row = evolve(self._row, event)
        if event.source == "routing":
            self._handling = routing.evolve(self._handling, event)
        elif event.source == "workflow":
            self._life = workflow.evolve(self._life, event)


def _department(facts: Sequence[NewEvent] | Sequence[Event]) -> str | None:
    return next((one.data["department"] for one in facts if one.type.endswith(".transferred")), None)


def _by_policy(facts: Sequence[NewEvent] | Sequence[Event]) -> bool:
    """Whether it was no rule that said who gets it."""
    return all(one.data["why"]["by"] == "policy" for one in facts if one.type.endswith((".assigned", ".queued")))
