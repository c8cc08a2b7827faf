"""Events of dashboards that people save for themselves and for the desk: reports side by side, each with what it was asked."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.fields import Id, Line, Strict

DashboardShare = Literal["nobody", "desk"]
"""Who has a dashboard besides its owner."""
Look = Literal["chart", "table"]
Parameter = Literal["from", "to", "group_by", "department", "topic", "agent", "priority"]
"""What `GET /reports/{name}` takes; a value that a report does not take is refused where it is read."""


class Tile(Strict):
    """A report as it stands on a dashboard."""

    report: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,59}$", examples=["volumes"])]
    filters: dict[Parameter, Annotated[Line, Field(max_length=200)]] = {}
    look: Look = "chart"


class DashboardSaved(Strict):
    """A dashboard is as it says from now on. What it is called and what its tiles ask is personal.

    Attributes:
        order: Among its owner's.
        named: Whom its tiles' filters name by address or login, his id: it goes when he is forgotten.
    """

    person_id: Id
    share: DashboardShare
    order: int = 0
    named: list[Id] = []


class DashboardSavedPersonal(Strict):
    """What it is called, and its tiles in their order. They may name somebody."""

    name: Line
    tiles: list[Tile]


class DashboardRemoved(Strict):
    """The dashboard is no more."""

    person_id: Id
