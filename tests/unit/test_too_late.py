"""Until when a message reopens a closed ticket: to the moment, also for a ticket that another stands for."""

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from services.intake.api.common import Intake

CLOSED = datetime(2028, 2, 28, 23, 30, tzinfo=UTC)
MOMENT, DAY = timedelta(microseconds=1), timedelta(days=1)


def intake(days: int | None, stands_for_it: datetime | None = None) -> Any:
    found = Mock(spec=["directory", "pool", "_closed_at"])
    found.directory.entry = AsyncMock(return_value={"reopen_days": days})
    found._closed_at = AsyncMock(return_value=stands_for_it)
    return found


async def late(desk: Any, after: timedelta, **row: Any) -> bool:
    return await Intake.too_late(desk, {"closed_at": CLOSED, "merged_into": None, **row}, CLOSED + after)


@pytest.mark.parametrize(
    ("days", "after", "expected"),
    [
        (2, 2 * DAY - MOMENT, False), (2, 2 * DAY, False), (2, 2 * DAY + MOMENT, True),  # over a leap day, by the clock
        (0, timedelta(), False), (0, MOMENT, True), (None, 4000 * DAY, False),
    ],
)  # fmt: skip
async def test_within_so_many_days_to_the_moment(days, after, expected):
    assert await late(intake(days), after) == expected


async def test_what_is_not_closed_is_never_late():
    assert not await late(intake(0), 9 * DAY, closed_at=None)


async def test_of_a_merged_ticket_the_one_counts_that_stands_for_it():
    assert not await late(intake(2, None), 9 * DAY, merged_into="b")
    assert not await late(intake(2, CLOSED + 7 * DAY), 9 * DAY, merged_into="b")
    assert await late(intake(2, CLOSED + 6 * DAY), 9 * DAY, merged_into="b")
