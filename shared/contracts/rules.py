"""Payloads of rules: when they are asked, what they test, and what they do."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.contracts.fields import Body, Id, Key, Line, Priority, Severity, Strict, Tag, Text


class RuleTest(Strict):
    """One test of a rule: a field of the ticket, an operator and the value it is held against; an empty one stands for nothing."""

    field: Key
    op: Key
    value: Annotated[Text, StringConstraints(max_length=10_000)]


RuleStatus = Literal["open", "on_hold", "resolved", "closed"]


class RuleActions(Strict):
    """What a rule does.

    Attributes:
        skills: What who gets the ticket must know.
        sla: The plan that is promised, whatever its conditions.
        note: An internal note.
        reply: A canned reply, by its key.
        escalate: Calls for attention; of those in `notify`.
        watch: Who watches the ticket from now on.
        reject: The ticket is refused at the door, with these words.
    """

    department: Key | None = None
    agent: Id | None = None
    team: Key | None = None
    priority: Priority | None = None
    severity: Severity | None = None
    skills: list[Key] = []
    add_tags: Annotated[list[Tag], Field(max_length=50)] = []
    remove_tags: Annotated[list[Tag], Field(max_length=50)] = []
    status: RuleStatus | None = None
    sla: Key | None = None
    note: Body | None = None
    reply: Key | None = None
    escalate: bool = False
    notify: Annotated[list[Id], Field(max_length=50)] = []
    watch: Annotated[list[Id], Field(max_length=50)] = []
    reject: Line | None = None


RuleWhen = Literal["created", "updated", "message", "replied", "time"]
RuleSince = Literal["created", "unanswered", "replied", "status", "due"]
"""What a rule on time counts from; see routing's `domain.moments`."""
RuleChange = Literal["status", "priority", "severity", "department", "assignment", "tags", "fields"]


class RuleAfter(Strict):
    """So many minutes by the clock, since something."""

    minutes: Annotated[int, Field(ge=0, le=525_600)]
    since: RuleSince


class Rule(Strict):
    """A routing rule. Rules are tried by `order`; `match` says whether all tests or any must hold.

    Attributes:
        when: It is asked when a ticket is created, something of it changes, the requester writes, an agent answers, or its time has come.
        changes: Of what changes it is asked; none: of all.
        after: When its time comes, of a rule on time.
    """

    key: Key
    name: Line
    order: int
    when: RuleWhen = "created"
    changes: list[RuleChange] = []
    after: RuleAfter | None = None
    match: Key = "all"
    tests: list[RuleTest]
    actions: RuleActions
    stop: bool = True
    active: bool = True
    version: int


class RuleConfigured(Strict):
    """A rule was added or changed."""

    new: Rule
    old: Rule | None = None
