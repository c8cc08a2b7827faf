"""Desks with a clock; when a test is over, their views are what their stores say."""

import pytest

from ledgerdesk.verify import verify
from shared.testing.events import created
from tests.integration import desk as desks
from tests.integration.alarms.clocked import GOLD, OFFICE, TICKET, Desk


@pytest.fixture
async def desk(postgres_dsn):
    async with desks.opened(Desk, postgres_dsn) as desk:
        yield desk
        verdict = await verify(postgres_dsn, wait=0)
        assert not verdict.differences


@pytest.fixture
async def promised(desk):
    """A desk with a plan, and a ticket under it that was opened on Monday at nine."""
    await desk.configure("calendar", **OFFICE)
    await desk.configure("sla_plan", **GOLD)
    await desk.happens("intake", TICKET, created("100001"))
    return desk


@pytest.fixture
async def to_own(desk):
    """A desk on which somebody is to have a ticket within an hour."""
    await desk.configure("calendar", **OFFICE)
    await desk.configure("sla_plan", **{**GOLD, "targets": {**GOLD["targets"], "own": 60, "first_response": 90}})
    await desk.happens("intake", TICKET, created("100001"))
    return desk
