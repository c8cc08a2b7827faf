"""Payloads of hours of work: calendars, and the hours of the day and of the week that they are made of."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.contracts.fields import Key, Line, Strict

Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]
"""A wall-clock time, HH:MM."""
Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Minutes = Annotated[int, Field(ge=1, le=525_600)]


class OpenHours(Strict):
    """Hours of these days of the week, half open; over midnight takes two entries."""

    days: Annotated[list[Weekday], Field(min_length=1)]
    start: Clock
    end: Clock


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


class CalendarConfigured(Strict):
    """A calendar was added or changed."""

    new: Calendar
    old: Calendar | None = None
