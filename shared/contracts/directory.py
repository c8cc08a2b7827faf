"""Payloads of configuration and of people: `ledgerdesk.directory`. A change carries the whole new entry and the old one."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.fields import Email, Id, Key, Line, Priority, Role, Severity, Strict, Tag, Text


class PersonRegistered(Strict):
    organisation: Key | None = None


class PersonPersonal(Strict):
    email: Email | None = None
    name: Line | None = None


class Organisation(Strict):
    key: Key
    name: Line
    domains: list[Key] = []
    active: bool = True


class Topic(Strict):
    key: Key
    name: Line
    active: bool = True


class Department(Strict):
    key: Key
    name: Line
    active: bool = True


class Team(Strict):
    key: Key
    name: Line
    members: list[Id] = []
    active: bool = True


class Agent(Strict):
    """An agent; `capacity` is the most open tickets routing gives, 0 for no limit."""

    person_id: Id
    departments: list[Key] = []
    skills: list[Key] = []
    capacity: int = 0
    active: bool = True


class AgentPersonal(Strict):
    login: Line
    name: Line | None = None
    email: Email | None = None


class TopicRoute(Strict):
    topic: Key
    department: Key | None = None
    skills: list[Key] = []


class RuleTest(Strict):
    """One test of a rule: a field of the new ticket, an operator and the value it is held against."""

    field: Key
    op: Key
    value: Text


class RuleActions(Strict):
    department: Key | None = None
    agent: Id | None = None
    team: Key | None = None
    priority: Priority | None = None
    severity: Severity | None = None
    skills: list[Key] = []


class Rule(Strict):
    """A routing rule. Rules are tried by `order`; `match` says whether all tests or any must hold."""

    key: Key
    name: Line
    order: int
    match: Key = "all"
    tests: list[RuleTest]
    actions: RuleActions
    stop: bool = True
    active: bool = True
    version: int


class Policy(Strict):
    """How the desk works.

    Attributes:
        reopen_days: A message this long after closing makes a new ticket, linked to the old; None: it reopens however late.
        auto_claim: Who answers a ticket that nobody has, has it.
    """

    key: Literal["desk"] = "desk"
    reopen_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    auto_claim: bool = True


class PolicyConfigured(Strict):
    new: Policy
    old: Policy | None = None


class OrganisationConfigured(Strict):
    new: Organisation
    old: Organisation | None = None


class TopicConfigured(Strict):
    new: Topic
    old: Topic | None = None


class DepartmentConfigured(Strict):
    new: Department
    old: Department | None = None


class TeamConfigured(Strict):
    new: Team
    old: Team | None = None


class AgentConfigured(Strict):
    new: Agent
    old: Agent | None = None


class TopicRouteConfigured(Strict):
    new: TopicRoute
    old: TopicRoute | None = None


class RuleConfigured(Strict):
    new: Rule
    old: Rule | None = None


class AccountConfigured(Strict):
    """An account, keyed by the person; what it may do."""

    person_id: Id
    roles: list[Role]
    active: bool = True


class AccountPersonal(Strict):
    login: Line
    name: Line | None = None
    email: Email | None = None


class PasswordSet(Strict):
    """The argon2 hash. Its stream stays in the gateway's schema and goes to no topic."""

    hash: Text


class SessionStarted(Strict):
    person_id: Id
    expires_at: str


class SessionRevoked(Strict):
    person_id: Id
    expires_at: str


class ApiKeyIssued(Strict):
    """A key, by its keyed hash; `person_id` is None for another system."""

    name: Tag
    roles: list[Role]
    hash: Key
    person_id: Id | None = None


class ApiKeyRevoked(Strict):
    reason: Tag | None = None
