"""Payloads of who works how at the desk: organisations, topics, departments, teams, agents, roles, policy, canned replies.

A change carries the whole new entry and the old one.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.contracts.fields import Body, Email, Id, Key, Line, Strict
from shared.contracts.hours import Day, OpenHours
from shared.contracts.permissions import Permission


class Organisation(Strict):
    """A customer; addresses of its domains are its people's. If it is `shared`, they see each other's tickets."""

    key: Key
    name: Line
    domains: list[Key] = []
    shared: bool = False
    active: bool = True


class Topic(Strict):
    """What a ticket can be about, as the person who opens one chooses."""

    key: Key
    name: Line
    active: bool = True


Strategy = Literal["least_loaded", "round_robin", "skill", "sticky", "on_call"]
"""How a department chooses who gets a ticket; see routing's `domain.choice`."""


class Department(Strict):
    """A department, perhaps within another; one that is not public is for the desk alone."""

    key: Key
    name: Line
    parent: Key | None = None
    public: bool = True
    manager: Id | None = None
    strategy: Strategy = "least_loaded"
    active: bool = True


class Team(Strict):
    """Agents who share tickets, of any department."""

    key: Key
    name: Line
    members: list[Id] = []
    active: bool = True


class Away(Strict):
    """Days on which somebody is not there, the first and the last included, by his zone."""

    start: Day
    end: Day


class Agent(Strict):
    """An agent.

    Attributes:
        roles: Department to the role he has there; see `shared.roles`.
        capacity: The most open tickets routing gives, 0 for no limit.
        shifts: When he is there, by the wall clock of `zone`; none: always.
        away: When he is not, all the same.
        sees: Which tickets: all, those of his departments (with those within them) and teams, or only those he has.
        on_call: Whether departments that give tickets to who is on call give them to him.
    """

    person_id: Id
    departments: list[Key] = []
    roles: dict[Key, Key] = {}
    skills: list[Key] = []
    capacity: int = 0
    zone: Key = "UTC"
    shifts: Annotated[list[OpenHours], Field(max_length=50)] = []
    away: Annotated[list[Away], Field(max_length=200)] = []
    on_call: bool = False
    sees: Literal["all", "departments", "own"] = "all"
    active: bool = True


class AgentPersonal(Strict):
    """What may be erased of an agent."""

    login: Line
    name: Line | None = None
    email: Email | None = None


EVERY_TOPIC = "*"
"""The topic route of tickets whose topic has none."""


class TopicRoute(Strict):
    """Where tickets of a topic go."""

    topic: Key
    department: Key | None = None
    skills: list[Key] = []


class Policy(Strict):
    """How the desk works.

    Attributes:
        reopen_days: A message this long after closing makes a new ticket, linked to the old; None: it reopens however late.
        auto_claim: Who answers a ticket that nobody has, has it.
        close_days: An answered or resolved ticket is closed after this many days of the requester's silence; None: never.
        close_warning_days: So many days before, it is said that it will be; at once, where that is before the silence has begun.
        guests_read: Public articles are read without signing in.
    """

    key: Literal["desk"] = "desk"
    reopen_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    auto_claim: bool = True
    close_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    close_warning_days: Annotated[int, Field(ge=0, le=365)] = 2
    guests_read: bool = True


class CannedReply(Strict):
    """A text to answer with, with variables that the ticket fills in; see workflow's `domain.canned`.

    Attributes:
        departments: For whom, with those within them; none: for everybody.
        version: Grows with each change; an answer says which it was made from.
    """

    key: Key
    name: Line
    body: Annotated[Body, StringConstraints(max_length=10_000)]
    departments: list[Key] = []
    active: bool = True
    version: int


class RoleEntry(Strict):
    """What an agent may do in a department where he has this role."""

    key: Key
    name: Line
    permissions: list[Permission]
    active: bool = True
    version: int


class RoleConfigured(Strict):
    """What a role may do was changed."""

    new: RoleEntry
    old: RoleEntry | None = None


class PolicyConfigured(Strict):
    """How the desk works was changed."""

    new: Policy
    old: Policy | None = None


class OrganisationConfigured(Strict):
    """A customer organisation was added or changed."""

    new: Organisation
    old: Organisation | None = None


class TopicConfigured(Strict):
    """A topic was added or changed."""

    new: Topic
    old: Topic | None = None


class DepartmentConfigured(Strict):
    """A department was added or changed."""

    new: Department
    old: Department | None = None


class TeamConfigured(Strict):
    """A team was added or changed."""

    new: Team
    old: Team | None = None


class AgentConfigured(Strict):
    """An agent was added or changed."""

    new: Agent
    old: Agent | None = None


class TopicRouteConfigured(Strict):
    """Where a topic's tickets go was changed."""

    new: TopicRoute
    old: TopicRoute | None = None


class CannedReplyConfigured(Strict):
    """A canned reply was added or changed."""

    new: CannedReply
    old: CannedReply | None = None
