"""No promise is broken by what has been done and has not been heard of yet."""

from datetime import timedelta

import httpx
import structlog.testing

from shared.contracts.event import rfc3339
from shared.contracts.topic_names import TICKETS
from shared.testing.events import message
from tests.integration.alarms.clocked import CLAIMED, DAY, GOLD, MONDAY, REPLIED, SILENCE, TICKET, fact, swept, unheard


async def test_an_owner_that_does_not_answer_is_waited_for_and_that_is_said(promised, monkeypatch):
    async def down(*_):
        raise httpx.ConnectError("it is down")

    await promised.configure("policy", **SILENCE)
    await promised.happens("workflow", TICKET, fact("started"), REPLIED, after=1)
    with monkeypatch.context() as patched, structlog.testing.capture_logs() as logs:
        patched.setattr(promised.feed, "versions", down)
        assert await promised.wakes(5 * DAY) == []
        assert await swept(promised) == []
    assert [(one["event"], one["log_level"]) for one in logs] == [("alarms wait", "warning")] * 2
    assert [event.name for event in await promised.wakes()] == ["sla_breached"]
    assert await swept(promised) == ["close_warned"]


async def test_a_claim_that_workflow_has_not_heard_of_breaks_no_promise(to_own):
    to_own.now += timedelta(minutes=59)
    claimed = await unheard(to_own, "routing", CLAIMED)
    assert await to_own.wakes(2) == [], "not by its timer"
    await to_own.happens("workflow", TICKET, fact("started"), after=1)
    clock = (await to_own.row())["sla"]["clocks"]["own"]
    assert (clock["breached"], clock.get("met")) == (None, None), "nor by a review of what comes later"
    await to_own.take(TICKETS, claimed)
    await to_own.react()
    clock = (await to_own.row())["sla"]["clocks"]["own"]
    assert (clock["breached"], clock["late"]) == (None, False)


async def test_a_reply_that_the_view_has_not_heard_of_breaks_no_promise_by_a_review(to_own):
    to_own.now += timedelta(minutes=50)
    await to_own.take(TICKETS, await unheard(to_own, "routing", CLAIMED))
    await to_own.react()
    to_own.now += timedelta(minutes=30)
    replied = await unheard(to_own, "workflow", fact("started"), REPLIED)
    to_own.now += timedelta(minutes=15)
    known = await to_own.ends()
    await to_own.take(TICKETS, await unheard(to_own, "intake", message()))
    for event in await to_own.inbox("workflow"):
        await to_own.alarms.on_event(event)
    assert [e.name for e in await to_own.stores["workflow"].page(known["workflow"], 100)] == []
    await to_own.take(TICKETS, replied)
    await to_own.react()
    assert (await to_own.row())["sla"]["clocks"]["first_response"]["late"] is False


async def test_what_came_too_late_is_said_by_the_timer_though_a_review_has_seen_it_first(to_own):
    await to_own.happens("workflow", TICKET, fact("started"), REPLIED, after=100)
    known = await to_own.ends()
    assert [event.name for event in await to_own.wakes()] == ["sla_breached", "sla_breached", "sla_met"]
    clock = (await to_own.row())["sla"]["clocks"]["first_response"]
    assert (clock["late"], clock["breached"]) == (True, rfc3339(MONDAY + timedelta(minutes=90)))
    assert await to_own.wakes() == []
    assert await to_own.stores["workflow"].last_position() == known["workflow"] + 3


async def test_a_change_that_may_bring_another_plan_is_reacted_to_before_a_promise_is_broken(promised):
    await promised.configure("sla_plan", **{**GOLD, "key": "slow", "order": 0, "priorities": ["low"],
                                            "targets": {**GOLD["targets"], "first_response": 300, "resolution": 600}})  # fmt: skip
    promised.now += timedelta(minutes=30)
    low = fact("prioritised", priority="low", severity=None, previous={"priority": "normal", "severity": None})
    await promised.take(TICKETS, await unheard(promised, "workflow", low))
    known = await promised.ends()
    promised.now += timedelta(minutes=31)
    await promised.alarms.wake([TICKET])
    assert await promised.read_on(known) == [], "its reaction is still to come"
    await promised.react()
    row = await promised.row()
    assert (row["sla"]["plan"], row["sla"]["clocks"]["first_response"]["breached"]) == ("slow", None)
