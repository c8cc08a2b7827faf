"""Payloads of configuration and of people: `ledgerdesk.directory`. A change carries the whole new entry and the old one."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.contracts.fields import Body, Email, FieldKey, Id, Key, Line, Priority, Role, Severity, Strict, Tag, Text
from shared.contracts.permissions import Permission

Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]
"""A wall-clock time, HH:MM."""
Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Minutes = Annotated[int, Field(ge=1, le=525_600)]


class PersonRegistered(Strict):
    organisation: Key | None = None


class PersonPersonal(Strict):
    email: Email | None = None
    name: Line | None = None


class Organisation(Strict):
    """A customer; addresses of its domains are its people's. If it is `shared`, they see each other's tickets."""

    key: Key
    name: Line
    domains: list[Key] = []
    shared: bool = False
    active: bool = True


class Topic(Strict):
    key: Key
    name: Line
    active: bool = True


FieldType = Literal["text", "memo", "integer", "decimal", "date", "bool", "choice", "choices"]
"""`text` is a line, `memo` more than one; `decimal` and `date` are text in events and requests; `choices` are several."""


class FieldChoice(Strict):
    """What may be chosen; one that is not active is what was chosen before, and is chosen no more."""

    key: Key
    name: Line
    active: bool = True


class FieldRights(Strict):
    """What customers, or agents, may do with a field; what is required of them must be editable, and that visible."""

    visible: bool = True
    editable: bool = True
    required: bool = False


class FieldCondition(Strict):
    """What must be so for a field to be asked for: of `topic`, `priority`, `severity` or `field.KEY`.

    Attributes:
        values: `is`: it is one of these; `is_not`: it is none of them. Of a bool `true` and `false`. `filled` and `empty` take none.
    """

    field: Key
    op: Literal["is", "is_not", "filled", "empty"] = "is"
    values: Annotated[list[Key], Field(max_length=100)] = []


class CustomField(Strict):
    """A field of tickets' forms.

    Attributes:
        topics: Whose forms have it; none: every ticket's.
        order: Its place on a form.
        required_to_close: A ticket that it is asked of is not closed while it is empty.
        shown_when: All must hold. A field that is not shown is not required, and not accepted.
        version: Grows with each change.
    """

    key: FieldKey
    name: Line
    help: Body | None = None
    type: FieldType
    choices: Annotated[list[FieldChoice], Field(max_length=200)] = []
    topics: Annotated[list[Key], Field(max_length=200)] = []
    order: int
    customer: FieldRights = FieldRights()
    agent: FieldRights = FieldRights()
    required_to_close: bool = False
    shown_when: Annotated[list[FieldCondition], Field(max_length=20)] = []
    active: bool = True
    version: int


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
    key: Key
    name: Line
    members: list[Id] = []
    active: bool = True


class OpenHours(Strict):
    """Hours of these days of the week, half open; over midnight takes two entries."""

    days: Annotated[list[Weekday], Field(min_length=1)]
    start: Clock
    end: Clock


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
    login: Line
    name: Line | None = None
    email: Email | None = None


EVERY_TOPIC = "*"
"""The topic route of tickets whose topic has none."""


class TopicRoute(Strict):
    topic: Key
    department: Key | None = None
    skills: list[Key] = []


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


class Policy(Strict):
    """How the desk works.

    Attributes:
        reopen_days: A message this long after closing makes a new ticket, linked to the old; None: it reopens however late.
        auto_claim: Who answers a ticket that nobody has, has it.
        close_days: An answered or resolved ticket is closed after this many days of the requester's silence; None: never.
        close_warning_days: So many days before, it is said that it will be.
        guests_read: Public articles are read without signing in.
    """

    key: Literal["desk"] = "desk"
    reopen_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    auto_claim: bool = True
    close_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    close_warning_days: Annotated[int, Field(ge=0, le=365)] = 2
    guests_read: bool = True


class LifecycleState(Strict):
    """A state of the desk's own, of one status. Requesters see it if it is `public`."""

    key: Key
    name: Line
    status: Literal["new", "open", "on_hold", "resolved", "closed"]
    public: bool = False
    active: bool = True


MoveVerb = Literal[
    "hold", "resume", "resolve", "close", "reopen", "escalate", "acknowledge", "prioritise", "state"
]  # fmt: skip


class LifecycleMove(Strict):
    """A move that is allowed. Those of one verb are alternatives; a verb of which none is given is allowed as ever.

    Attributes:
        when: Statuses and states in which; a status stands for all its states. None: those in which it is usual.
        to: States into which, likewise; none: any.
        by: Roles of accounts, configured roles, `requester` for whose the ticket is; none: any.
        message: Whether it takes words.
    """

    verb: MoveVerb
    when: Annotated[list[Key], Field(max_length=100)] = []
    to: Annotated[list[Key], Field(max_length=100)] = []
    by: Annotated[list[Key], Field(max_length=100)] = []
    message: bool = False


class Lifecycle(Strict):
    """The states that tickets have here besides their statuses, and who may make which move, and when."""

    key: Literal["desk"] = "desk"
    states: Annotated[list[LifecycleState], Field(max_length=100)] = []
    moves: Annotated[list[LifecycleMove], Field(max_length=200)] = []
    version: int


class SpecialHours(Strict):
    """Hours of one day, in place of its week's and though it be a holiday."""

    date: Day
    start: Clock
    end: Clock


class Calendar(Strict):
    """When is worked, by the wall clock of `zone` (IANA); public holidays of a country (ISO 3166) and its subdivision are not."""

    key: Key
    name: Line
    zone: Key
    hours: Annotated[list[OpenHours], Field(max_length=50)]
    closed: Annotated[list[Day], Field(max_length=1000)] = []
    special: Annotated[list[SpecialHours], Field(max_length=1000)] = []
    country: Key | None = None
    subdivision: Key | None = None
    active: bool = True
    version: int


class SlaTargets(Strict):
    """Minutes of the calendar's hours until it is so.

    Attributes:
        own: Somebody has it.
        first_response: The requester is answered.
        next_update: Each later message of his is.
        resolution: It is resolved.
    """

    own: Minutes | None = None
    first_response: Minutes | None = None
    next_update: Minutes | None = None
    resolution: Minutes | None = None


class SlaStep(Strict):
    """A step of the ladder that is climbed from a breach on, until somebody acknowledges.

    Attributes:
        after: Minutes since the breach, by the clock.
        notify: Agents who are called.
        raise_priority: By one.
        reassign: A team, of which the next agent who is on shift gets it.
    """

    after: Annotated[int, Field(ge=0, le=525_600)]
    notify: list[Id] = []
    raise_priority: bool = False
    reassign: Key | None = None


class SlaPlan(Strict):
    """What is promised for which tickets. The first plan by `order` whose conditions all hold is a ticket's; an empty one holds always.

    Attributes:
        calendar: Whose hours count; None: round the clock.
        warn_percent: A warning when this much of the time is gone; 0: none.
        pause_on_hold: Time on hold does not count.
        version: Grows with each change; a ticket keeps the version it was promised.
    """

    key: Key
    name: Line
    order: int
    calendar: Key | None = None
    priorities: list[Priority] = []
    severities: list[Severity] = []
    departments: list[Key] = []
    topics: list[Key] = []
    targets: SlaTargets
    warn_percent: Annotated[int, Field(ge=0, le=99)] = 80
    pause_on_hold: bool = True
    ladder: Annotated[list[SlaStep], Field(max_length=10)] = []
    active: bool = True
    version: int


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
    new: RoleEntry
    old: RoleEntry | None = None


BrandMedia = Literal["image/png", "image/jpeg", "image/webp", "image/svg+xml"]
"""What a logo may be."""


class BrandImage(Strict):
    """An image of the desk, kept by its content. `side`: of an icon, which is square, in pixels."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=1)]
    media_type: BrandMedia
    side: Annotated[int, Field(ge=1)] | None = None


class BrandLink(Strict):
    """A link in the footers: imprint, privacy."""

    label: Annotated[Line, StringConstraints(max_length=60)]
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s<>\"'\\]{1,1000}$")]


class Branding(Strict):
    """How the desk shows itself.

    Attributes:
        key: `desk`: there is one.
        icon: For the home screen: a square PNG.
        accent: The colour that its tones are made of: `#rrggbb`.
        support: Words on the sign-in page.
    """

    key: Literal["desk"] = "desk"
    name: Annotated[Line, StringConstraints(max_length=60)]
    logo: BrandImage | None = None
    icon: BrandImage | None = None
    accent: Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")] | None = None
    support: Annotated[Body, StringConstraints(max_length=2000)] | None = None
    links: Annotated[list[BrandLink], Field(max_length=6)] = []
    version: int


class BrandingConfigured(Strict):
    new: Branding
    old: Branding | None = None


class PolicyConfigured(Strict):
    new: Policy
    old: Policy | None = None


class LifecycleConfigured(Strict):
    new: Lifecycle
    old: Lifecycle | None = None


class OrganisationConfigured(Strict):
    new: Organisation
    old: Organisation | None = None


class TopicConfigured(Strict):
    new: Topic
    old: Topic | None = None


class FieldConfigured(Strict):
    new: CustomField
    old: CustomField | None = None


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


class CalendarConfigured(Strict):
    new: Calendar
    old: Calendar | None = None


class SlaPlanConfigured(Strict):
    new: SlaPlan
    old: SlaPlan | None = None


class CannedReplyConfigured(Strict):
    new: CannedReply
    old: CannedReply | None = None


class AccountConfigured(Strict):
    """An account, keyed by the person; what it may do."""

    person_id: Id
    roles: list[Role]
    active: bool = True


class AccountPersonal(Strict):
    login: Line
    name: Line | None = None
    email: Email | None = None


class SignedOut(Strict):
    """All sessions of an account that began in an earlier generation are over, but for the one that is kept."""

    generation: Annotated[int, Field(ge=1)]
    kept: Id | None = None


class SessionStarted(Strict):
    """Somebody signed in.

    Attributes:
        door: How: `password`, `password+code`, `link`, `oidc:…`.
        generation: Of the account's sessions; see `SignedOut`.
    """

    person_id: Id
    expires_at: str
    started_at: str | None = None
    door: Tag | None = None
    generation: int = 0


class SessionRevoked(Strict):
    person_id: Id
    expires_at: str


class ApiKeyIssued(Strict):
    """A key, by its keyed hash; `person_id` is None for another system.

    Attributes:
        cidrs: The networks from which it is good; none: all.
        expires_at: Until when; None: until it is revoked.
    """

    name: Tag
    roles: list[Role]
    hash: Key
    person_id: Id | None = None
    cidrs: Annotated[list[Key], Field(max_length=50)] = []
    expires_at: str | None = None


class ApiKeyRevoked(Strict):
    reason: Tag | None = None


class BulkDone(Strict):
    """A move on many tickets was made: the verb, and the tickets on which it was."""

    verb: Key
    tickets: list[Id]


class BulkUndone(Strict):
    """It was taken back on these."""

    tickets: list[Id]
