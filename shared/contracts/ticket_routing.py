"""Payloads of what routing says of a ticket: who has it, who else was there to have it, and which rules held."""

from shared.contracts.fields import Body, Id, Key, Priority, Severity, Strict, Tag, Text
from shared.contracts.rules import RuleSince, RuleStatus
from shared.contracts.tickets import Imported


class Candidate(Strict):
    """One agent that an automatic assignment looked at. Least `score` wins; `excluded` says why one could not."""

    agent: Id
    load: int
    matched_skills: int = 0
    score: int = 0
    excluded: str | None = None


class HeldTest(Strict):
    """A test of a rule that held: its place, counted from 1. What it was held against is in the rule's version."""

    test: int
    field: Key
    op: Key


class Why(Strict):
    """Why an assignment happened: by a person, a rule (with its version) or the routing policy, with what was weighed."""

    by: str
    reason: str
    rule: Key | None = None
    rule_version: int | None = None
    tests: list[HeldTest] | None = None
    strategy: str | None = None
    candidates: list[Candidate] | None = None


class Holder(Strict):
    """Who had the ticket before."""

    agent: Id | None = None
    team: Key | None = None


class Assigned(Imported):
    """The ticket was given to an agent, a team, or both."""

    agent: Id | None = None
    team: Key | None = None
    previous: Holder
    why: Why


class Unassigned(Imported):
    """Nobody has the ticket any more."""

    previous: Holder
    why: Why


class Queued(Imported):
    """Nobody can have it now: it waits in the department for somebody who has these skills."""

    department: Key
    skills: list[Key] = []
    why: Why


class Transferred(Imported):
    """The ticket went to another department."""

    department: Key | None = None
    previous: Key | None = None
    why: Why


class Referred(Imported):
    """Somebody is given sight of the ticket, without having it; or no more."""

    agent: Id | None = None
    team: Key | None = None
    department: Key | None = None


class Changes(Strict):
    """Priority and severity."""

    priority: Priority | None = None
    severity: Severity | None = None


class Wanted(Changes):
    """What a rule wants: of the owners of these slots, and of routing itself; see `shared.contracts.rules.RuleActions`."""

    add_tags: list[Tag] = []
    remove_tags: list[Tag] = []
    status: RuleStatus | None = None
    sla: Key | None = None
    note: bool = False
    reply: Key | None = None
    escalate: bool = False
    notify: list[Id] = []
    watch: list[Id] = []
    department: Key | None = None
    agent: Id | None = None
    team: Key | None = None
    skills: list[Key] = []


class RuleMoment(Strict):
    """What a rule on time counted from, and when its time came, RFC 3339."""

    since: RuleSince
    anchor: Text
    at: Text


class RuleWhy(Strict):
    """Why a rule applied: what it was asked at, which of its tests held, and how much of the ticket was seen (owner to version)."""

    when: Key
    tests: list[HeldTest]
    seen: dict[Key, int] = {}
    moment: RuleMoment | None = None


class RuleApplied(Imported):
    """A rule held, and did what it says."""

    rule: Key
    rule_version: int
    changes: Wanted
    why: RuleWhy | None = None


class RuleWords(Strict):
    """The words of the note that a rule wants."""

    note: Body | None = None
