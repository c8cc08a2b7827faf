"""A changed plan, recomputed: what is shown first, and that afterwards all holds that the new version says."""

from datetime import timedelta

import pytest

from shared.contracts.event import rfc3339
from shared.contracts.ids import random_id
from shared.eventstore.ledger import Context
from shared.testing.events import DOOR, SYSTEM, created
from tests.integration import desk as desks
from tests.integration.alarms.clocked import GOLD, MONDAY, OFFICE, TICKET, Desk

STEP = {"after": 0, "notify": [], "raise_priority": False, "reassign": None}


@pytest.fixture
async def desk(postgres_dsn):
    """A desk with a plan, and a ticket under it that was opened on Monday at nine."""
    async with desks.opened(Desk, postgres_dsn) as desk:
        await desk.configure("calendar", **OFFICE)
        await desk.configure("sla_plan", **GOLD)
        await desk.happens("intake", TICKET, created("100001"))
        yield desk


async def recomputed(desk: Desk, *, apply: bool) -> tuple[list[dict], list[str]]:
    """Return what changes, and what was said."""
    known = await desk.ends()
    context = Context(random_id(), SYSTEM, DOOR) if apply else None
    changes = await desk.alarms.recompute([TICKET], context)
    return changes, [event.name for event in await desk.read_on(known)]


async def test_a_promise_that_is_made_no_more_is_shown_and_ends(desk):
    await desk.configure("sla_plan", **{**GOLD, "targets": {**GOLD["targets"], "first_response": None}})
    gone = {"ticket": "100001", "target": "first_response", "due": None, "was": rfc3339(MONDAY + timedelta(hours=1))}
    assert await recomputed(desk, apply=False) == ([gone], [])
    assert await recomputed(desk, apply=True) == ([gone], ["sla_scheduled"])
    assert (await desk.row())["due_at"] == MONDAY + timedelta(hours=2)
    assert await desk.wakes(61) == [], "nothing is broken that is not promised"
    assert await recomputed(desk, apply=True) == ([], []), "once"


async def test_a_ladder_alone_is_another_afterwards(desk):
    await desk.configure("sla_plan", **{**GOLD, "ladder": [STEP]})
    assert await recomputed(desk, apply=False) == ([], []), "no promise is due at another moment"
    assert await recomputed(desk, apply=True) == ([], ["sla_scheduled"])
    assert (await desk.row())["sla"]["plan_version"] == 2
    assert [event.name for event in await desk.wakes(60)] == ["sla_breached", "escalated"]


async def test_a_ladder_that_is_shorter_now_leaves_no_timer_behind(desk):
    await desk.configure("sla_plan", **{**GOLD, "ladder": [STEP, {**STEP, "after": 30}]})
    await recomputed(desk, apply=True)
    assert [event.name for event in await desk.wakes(60)] == ["sla_breached", "escalated"]
    assert await desk.timers() == {TICKET: MONDAY + timedelta(minutes=90)}
    await desk.configure("sla_plan", **{**GOLD, "ladder": [STEP]})
    assert await recomputed(desk, apply=True) == ([], ["sla_scheduled"])
    assert await desk.timers() == {TICKET: MONDAY + timedelta(hours=2)}, "the resolution's, and none that is past"
