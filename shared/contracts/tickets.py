"""Payloads of the ticket events, by owner. `data` is what may be kept for ever; `personal` is what can be erased."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.contracts.fields import (
    Body,
    Email,
    FieldKey,
    FieldValue,
    Forgotten,
    Id,
    Key,
    Line,
    Priority,
    Severity,
    Status,
    Strict,
    Tag,
    Text,
)
from shared.contracts.rules import RuleSince, RuleStatus


class Origin(Strict):
    """The row of a foreign log that an imported event states (its place, not its contents)."""

    log: Key
    case: Key
    row: int
    activity: Text
    actor: Id | None = None


class Imported(Strict):
    """Base of all ticket payloads: an imported one says where it stood."""

    origin: Origin | None = None


class Requester(Strict):
    """Who asks. A log may name somebody without an address."""

    email: Email | None = None
    name: Line | None = None


class Attachment(Strict):
    """A file that goes with words. Its name is personal, and what it holds is too; the bytes are in a directory, by their digest."""

    name: Line
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0)]
    media_type: Key


class Attached(Strict):
    """What files go with the words."""

    attachments: list[Attachment] = []


class Message(Strict):
    """The words left with a move, if any."""

    message: Body | None = None


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


class Follows(Strict):
    """The ticket it comes from: split off from it (with the events it took), or written when that one was closed too long."""

    ticket: Id
    kind: Literal["split", "late"]
    events: list[Id] = []


class Created(Imported):
    """A ticket was opened; `worded` are the custom fields that hold words, which are personal."""

    number: Key
    person_id: Id
    channel: Key
    topic: Key | None = None
    department: Key | None = None
    priority: Priority | None = None
    severity: Severity | None = None
    tags: list[Tag] = []
    external_id: Key | None = None
    follows: Follows | None = None
    fields: dict[FieldKey, FieldValue] = {}
    worded: list[FieldKey] = []


class CreatedPersonal(Attached):
    subject: Line
    body: Text
    requester: Requester
    fields: dict[FieldKey, Body] = {}


class MessageReceived(Imported):
    person_id: Id
    channel: Key


class MessagePersonal(Attached):
    body: Body
    author: Requester


class MessageEdited(Imported):
    """A customer's message says something else from now on; `event` is the one that said it."""

    event: Id


class Restated(Imported):
    """What still holds of a creation whose words were taken back."""


class RestatedPersonal(Strict):
    subject: Line
    requester: Requester


class Collaborating(Imported):
    """Somebody else is let in on the ticket, or no more."""

    person_id: Id


class Assigned(Imported):
    agent: Id | None = None
    team: Key | None = None
    previous: Holder
    why: Why


class Unassigned(Imported):
    previous: Holder
    why: Why


class Queued(Imported):
    """Nobody can have it now: it waits in the department for somebody who has these skills."""

    department: Key
    skills: list[Key] = []
    why: Why


class Transferred(Imported):
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
    rule: Key
    rule_version: int
    changes: Wanted
    why: RuleWhy | None = None


class RuleWords(Strict):
    """The words of the note that a rule wants."""

    note: Body | None = None


class Started(Imported):
    pass


class Noted(Imported):
    mentions: list[Id] = []


class NotePersonal(Attached):
    body: Body | None = None


class Canned(Strict):
    """Which canned reply a text was made from."""

    key: Key
    version: int


class Replied(Imported):
    mentions: list[Id] = []
    canned: Canned | None = None


class AutoReplied(Imported):
    canned: Canned


class ReplyPersonal(Attached):
    body: Body


class Prioritised(Imported):
    priority: Priority | None = None
    severity: Severity | None = None
    previous: Changes


class Stated(Imported):
    """The ticket is in this one of the desk's own states from then on; None: in none. See `lifecycle.Lifecycle`."""

    state: Key | None = None


class Held(Stated):
    until: str | None = None


class HeldPersonal(Strict):
    reason: Body | None = None


class Resumed(Stated):
    pass


class Resolved(Stated):
    pass


class ResolvedPersonal(Strict):
    resolution: Body | None = None


class Closed(Stated):
    pass


class Reopened(Stated):
    previous: str | None = None


class StateChanged(Stated):
    previous: Key | None = None


class Escalated(Imported):
    """A call for attention. One that a plan's ladder makes says whom it calls, who is to have it now, and when the next one comes."""

    level: int = 1
    plan: Key | None = None
    plan_version: int | None = None
    notify: list[Id] = []
    reassign: Key | None = None
    next_at: Text | None = None


class Acknowledged(Imported):
    pass


class Erased(Strict):
    """Personal parts were blanked: the versions of its owner's events in this stream, by the events' names."""

    reason: Forgotten | Literal["redacted"]
    versions: dict[Key, list[int]]


class PersonalErased(Erased):
    """For whose sake, if it was for somebody's; words that their author took back were `redacted`."""

    person_id: Id | None = None


class SplitOff(Imported):
    """Messages went to a ticket of their own."""

    other: Id
    events: list[Id]


class Edited(Imported):
    """A note or reply says something else from now on; `event` is the one that said it."""

    event: Id
    kind: Literal["noted", "replied"]


class EditedPersonal(Strict):
    body: Body
    previous: Body


class Rated(Imported):
    score: Annotated[int, Field(ge=1, le=5)]
    previous: int | None = None


class RatedPersonal(Strict):
    comment: Body | None = None


class Tagged(Imported):
    added: list[Tag]
    removed: list[Tag]


class FieldsChanged(Imported):
    """Custom fields hold something else from now on; null: nothing.

    Attributes:
        worded: Fields of words, which are personal, to whether they hold any now.
        as_created: Fields that hold again what the ticket was opened with.
    """

    new: dict[FieldKey, FieldValue | None] = {}
    old: dict[FieldKey, FieldValue | None] = {}
    worded: dict[FieldKey, bool] = {}
    as_created: list[FieldKey] = []


class FieldsChangedPersonal(Strict):
    """`old` are words of an earlier change; those that the ticket was opened with stay in `created` alone, to be blanked there."""

    new: dict[FieldKey, Body] = {}
    old: dict[FieldKey, Body] = {}


class TaskSlots(Imported):
    """What is known of a task; `due` is RFC 3339, UTC."""

    agent: Id | None = None
    due: Text | None = None
    blocks: bool = True


class TaskAdded(TaskSlots):
    task: Id


class TaskPersonal(Strict):
    title: Line
    description: Body | None = None


class TaskChanged(TaskSlots):
    task: Id
    previous: TaskSlots


class TaskChangedPersonal(Strict):
    title: Line | None = None


class TaskNamed(Imported):
    task: Id


class TimeLogged(Imported):
    """Work of a day (`on`, YYYY-MM-DD)."""

    minutes: Annotated[int, Field(ge=1, le=60 * 24)]
    on: Annotated[Text, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    billable: bool = False


class TimePersonal(Strict):
    note: Body | None = None


class TimeRemoved(Imported):
    entry: Id
    minutes: int


class Watching(Imported):
    person_id: Id


class Linking(Imported):
    """This ticket has the other as parent, child, duplicate or related one."""

    kind: Literal["parent", "child", "duplicate", "related"]
    other: Id


class Merged(Imported):
    into: Id
    previous: Status


class Unmerged(Stated):
    """It stands for itself again, in this status; `into` is the ticket that stood for it."""

    into: Id
    status: Status


SlaTarget = Literal["own", "first_response", "next_update", "resolution"]


class SlaClock(Strict):
    """A promise that is not kept yet: begun at `start`, due at `due` (None: it stands still, or is never), to be warned of at `warn`.

    Attributes:
        minutes: What was promised, of the calendar's hours.
        left: While it stands still, the seconds that are left.
    """

    target: SlaTarget
    start: Text
    minutes: int
    due: Text | None = None
    warn: Text | None = None
    left: float | None = None


class SlaScheduled(Imported):
    """All promises of a ticket that are not kept yet, under a version of a plan and of its calendar; None: none is made any more."""

    plan: Key | None = None
    plan_version: int | None = None
    calendar: Key | None = None
    calendar_version: int | None = None
    reason: Key
    clocks: list[SlaClock]


class SlaWarned(Imported):
    """The plan's part of the time was gone at `at`."""

    target: SlaTarget
    start: Text
    at: Text
    due: Text | None = None


class SlaBreached(Imported):
    """It was not kept by `due`; the ladder's first step comes at `next_at`."""

    target: SlaTarget
    start: Text
    due: Text
    next_at: Text | None = None


class SlaMet(Imported):
    """It was kept at `at`; `late`, if that was after it was due. `seconds` of the calendar's hours it took."""

    target: SlaTarget
    start: Text
    at: Text
    due: Text | None = None
    late: bool
    seconds: float


class CloseWarned(Imported):
    """The requester is silent: unless something happens, the ticket is closed at `closes_at`."""

    closes_at: Text
