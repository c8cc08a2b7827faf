"""Events of queues that people save for themselves and for each other: configuration with a person as its owner."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.fields import Id, Key, Line, Strict

Share = Literal["nobody", "team", "desk"]
"""Who has a saved queue besides its owner."""
Sort = Literal["updated_at", "-updated_at", "created_at", "-created_at", "due_at", "-priority"]
Filters = dict[Key, Annotated[list[Line], Field(min_length=1, max_length=20)]]
"""Names of the list's filters to their values, as `GET /tickets` takes them. They may name somebody, or quote him."""


class QueueSaved(Strict):
    """A queue is as it says from now on. What it is called and what it asks is personal.

    Attributes:
        team: With whom it is shared, if it is shared with a team.
        columns: What a row shows besides the usual.
        order: Among its owner's.
        named: Whom its filters name by address or login, his id: it goes when he is forgotten.
    """

    person_id: Id
    share: Share
    team: Key | None = None
    columns: list[Key] = []
    sort: Sort
    order: int = 0
    named: list[Id] = []


class QueueSavedPersonal(Strict):
    """What it is called, and what it asks."""

    name: Line
    filters: Filters


class QueueRemoved(Strict):
    """The queue is no more."""

    person_id: Id
