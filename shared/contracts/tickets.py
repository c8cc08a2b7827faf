"""Payloads of how a ticket comes to be and what its customer says; and what ticket events of all owners have in common.

`data` is what may be kept for ever; `personal` is what can be erased. Others are in `ticket_routing`, `ticket_life`,
`ticket_work` and `ticket_service_levels`.
"""

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
    Strict,
    Tag,
    Text,
)


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
    """A new ticket's words, and who asks."""

    subject: Line
    body: Text
    requester: Requester
    fields: dict[FieldKey, Body] = {}


class MessageReceived(Imported):
    """Somebody wrote who is no agent of the ticket: its customer, or who takes part."""

    person_id: Id
    channel: Key


class MessagePersonal(Attached):
    """What he wrote."""

    body: Body
    author: Requester


class MessageEdited(Imported):
    """A customer's message says something else from now on; `event` is the one that said it."""

    event: Id


class Restated(Imported):
    """What still holds of a creation whose words were taken back."""


class RestatedPersonal(Strict):
    """The subject and the requester as they were said."""

    subject: Line
    requester: Requester


class Collaborating(Imported):
    """Somebody else is let in on the ticket, or no more."""

    person_id: Id


class Erased(Strict):
    """Personal parts were blanked: the versions of its owner's events in this stream, by the events' names."""

    reason: Forgotten | Literal["redacted"]
    versions: dict[Key, list[int]]


class PersonalErased(Erased):
    """For whose sake, if it was for somebody's; words that their author took back were `redacted`."""

    person_id: Id | None = None


class Edited(Imported):
    """A note or reply says something else from now on; `event` is the one that said it."""

    event: Id
    kind: Literal["noted", "replied"]


class EditedPersonal(Strict):
    """The words as they are from now on, and as they were."""

    body: Body
    previous: Body
