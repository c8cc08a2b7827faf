"""Holds that end on a date, and silence that closes."""

from datetime import timedelta

from shared.contracts.event import Event, NewEvent, rfc3339
from shared.contracts.topic_names import TICKETS
from shared.testing.events import created, message
from shared.testing.forms import field
from tests.integration.alarms.clocked import DAY, MONDAY, OTHER, REPLIED, TICKET, answered, fact, swept, unheard


async def test_a_hold_until_a_date_ends_then(desk):
    await desk.happens("intake", TICKET, created("100001"))
    until = MONDAY + timedelta(hours=5)
    await desk.happens("workflow", TICKET, fact("started"), fact("held", until=rfc3339(until)))
    assert await desk.timers() == {TICKET: until}
    assert await desk.wakes(299) == []
    (resumed,) = await desk.wakes(60)
    assert (resumed.name, resumed.occurred_at, resumed.actor["id"]) == ("resumed", until, "timer")
    assert await desk.timers() == {}


async def test_an_answer_ends_a_hold_before_its_date(desk):
    await desk.happens("intake", TICKET, created("100001"))
    await desk.happens("workflow", TICKET, fact("started"), fact("held", until=rfc3339(MONDAY + timedelta(hours=5))))
    await desk.happens("workflow", TICKET, fact("resumed"), after=5)
    assert await desk.timers() == {}


async def test_silence_is_warned_of_and_closes(desk):
    await desk.configure("policy", key="desk", reopen_days=None, auto_claim=True, close_days=7, close_warning_days=2)
    for ticket, number in ((TICKET, "100001"), (OTHER, "100002")):
        await desk.happens("intake", ticket, created(number))
        answer = NewEvent("ledgerdesk.ticket.replied", {}, {"body": "Try again"})
        await desk.happens("workflow", ticket, fact("started"), answer, after=1)
    await desk.happens("intake", OTHER, message(), after=10)
    day = 24 * 60

    async def sweep(after: float) -> list[Event]:
        desk.now += timedelta(minutes=after)
        known = await desk.ends()
        await desk.alarms.sweep()
        return await desk.read_on(known)

    assert await sweep(4 * day) == []
    (warned,) = await sweep(day)
    assert (warned.name, warned.stream_id) == ("close_warned", TICKET), "of the other one something was heard"
    assert await sweep(0) == [], "warned once"
    assert await desk.wakes(2 * day - 30) == []
    (closed,) = await desk.wakes(60)
    assert (closed.name, closed.actor) == ("closed", {"kind": "system", "id": "timer"})
    assert (await desk.row())["status"] == "closed"


async def test_silence_does_not_close_what_lacks_a_field_and_asks_once_a_day(desk):
    await desk.configure("policy", key="desk", reopen_days=None, auto_claim=True, close_days=1, close_warning_days=1)
    await desk.configure("field", "intake", **field("cause", "choice", required_to_close=True))
    await desk.happens("intake", TICKET, created("100001"))
    answer = NewEvent("ledgerdesk.ticket.replied", {}, {"body": "Try again"})
    await desk.happens("workflow", TICKET, fact("started"), answer, after=1)
    known, day = await desk.ends(), 24 * 60
    await desk.alarms.sweep()
    assert [event.name for event in await desk.read_on(known)] == ["close_warned"]
    for _ in range(2):
        assert [event.name for event in await desk.wakes(day)] == ["close_warned"], "put off, and said"
        assert await desk.wakes() == [], "not looked at again before its time"
    assert await desk.timers() == {TICKET: desk.now + timedelta(days=1)}
    await desk.happens(
        "workflow", TICKET, fact("fields_changed", new={"cause": "laptop"}, old={"cause": None}, worded={})
    )
    assert [event.name for event in await desk.wakes(day)] == ["closed"]


async def test_who_writes_after_the_warning_is_not_closed(desk):
    await desk.configure("policy", key="desk", reopen_days=None, auto_claim=True, close_days=1, close_warning_days=1)
    await desk.happens("intake", TICKET, created("100001"))
    await desk.happens(
        "workflow", TICKET, fact("started"), NewEvent("ledgerdesk.ticket.replied", {}, {"body": "?"}), after=1
    )
    desk.now += timedelta(minutes=1)
    known = await desk.ends()
    await desk.alarms.sweep()
    await desk.read_on(known)
    assert list(await desk.timers()) == [TICKET]
    await desk.happens("intake", TICKET, message(), after=5)
    assert await desk.timers() == {}
    assert await desk.wakes(48 * 60) == []


async def test_silence_does_not_close_over_a_message_that_workflow_has_not_heard_of(desk):
    await answered(desk)
    assert await swept(desk, 5 * DAY) == ["close_warned"]
    desk.now += timedelta(days=1)
    written = await unheard(desk, "intake", message())
    assert await desk.wakes(2 * DAY) == []
    assert list(await desk.timers()) == [TICKET], "it is asked again"
    await desk.take(TICKETS, written)
    assert await desk.timers() == {}
    assert await desk.wakes(DAY) == []
    assert (await desk.row())["status"] == "open"


async def test_nobody_is_warned_of_a_silence_that_he_has_broken(desk):
    await answered(desk)
    desk.now += timedelta(days=5)
    written = await unheard(desk, "intake", message())
    assert await swept(desk, 1) == []
    await desk.take(TICKETS, written)
    assert await swept(desk, 1) == []


async def test_a_message_from_before_the_warning_ends_the_silence_whenever_it_is_heard_of(desk):
    """It was on its way into intake's store when intake was asked."""
    await answered(desk)
    desk.now += timedelta(days=5)
    wrote = desk.now
    desk.now += timedelta(minutes=1)
    assert await swept(desk) == ["close_warned"]
    await desk.take(TICKETS, await desk.write("intake", TICKET, message(), moment=wrote))
    await desk.react()
    assert await desk.timers() == {}, "nothing is to be asked over and over"
    desk.now += timedelta(days=3)
    known = await desk.ends()
    await desk.alarms.wake([TICKET])
    assert await desk.read_on(known) == []
    await desk.happens("workflow", TICKET, REPLIED)
    assert await swept(desk, 5 * DAY) == ["close_warned"], "it begins anew with the next answer"
