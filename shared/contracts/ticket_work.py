"""Payloads of the work beside the talk: fields, tasks, time, links, merges."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.contracts.fields import Body, FieldKey, FieldValue, Id, Line, Status, Strict, Tag, Text
from shared.contracts.ticket_life import Stated
from shared.contracts.tickets import Imported


class Tagged(Imported):
    """The ticket's tags were changed."""

    added: list[Tag]
    removed: list[Tag]


class FieldsChanged(Imported):
    """Custom fields hold something else from now on; null: nothing.

    Attributes:
        worded: Fields of words, which are personal, to whether they hold any now.
        as_created: Fields that hold again what the ticket was opened with.
        let_in: As in `Closed`.
        again: They hold what they held; the event that had said it is blank, as it told the words of somebody who is forgotten, too.
    """

    new: dict[FieldKey, FieldValue | None] = {}
    old: dict[FieldKey, FieldValue | None] = {}
    worded: dict[FieldKey, bool] = {}
    as_created: list[FieldKey] = []
    let_in: bool = False
    again: bool = False


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
    """Something is to be done before the ticket can be closed."""

    task: Id


class TaskPersonal(Strict):
    """What is to be done."""

    title: Line
    description: Body | None = None


class TaskChanged(TaskSlots):
    """What is to be done, by whom or when, was changed."""

    task: Id
    previous: TaskSlots


class TaskChangedPersonal(Strict):
    """What of its words was changed."""

    title: Line | None = None


class TaskNamed(Imported):
    """A task was done, reopened or dropped."""

    task: Id


class TimeLogged(Imported):
    """Work of a day (`on`, YYYY-MM-DD)."""

    minutes: Annotated[int, Field(ge=1, le=60 * 24)]
    on: Annotated[Text, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    billable: bool = False


class TimePersonal(Strict):
    """What the time went into."""

    note: Body | None = None


class TimeRemoved(Imported):
    """Time that was logged does not count."""

    entry: Id
    minutes: int


class Watching(Imported):
    """Somebody is told of what happens on the ticket, or is no more."""

    person_id: Id


class Linking(Imported):
    """This ticket has the other as parent, child, duplicate or related one."""

    kind: Literal["parent", "child", "duplicate", "related"]
    other: Id


class Merged(Imported):
    """The ticket goes on in another one."""

    into: Id
    previous: Status


class Unmerged(Stated):
    """It stands for itself again, in this status; `into` is the ticket that stood for it."""

    into: Id
    status: Status
