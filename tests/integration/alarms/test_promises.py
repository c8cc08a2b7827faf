"""Service levels on real stores and views: promised, woken and told of at the exact moment."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from ledgerdesk.rebuild import rebuild
from services.workflow.alarms import Alarms
from shared.configuration import entry_after, no_entry
from shared.contracts.event import NewEvent, rfc3339
from shared.contracts.ids import random_id
from shared.directory.people import Directory
from shared.eventstore.ledger import Context, Ledger
from shared.testing.events import DOOR, SYSTEM, created
from shared.timers import LEASE, Timers
from tests.integration.alarms.clocked import MONDAY, OFFICE, OTHER, TICKET, fact


async def test_a_ticket_is_promised_woken_and_told_of_at_the_exact_moment(promised):
    row = await promised.row()
    assert (row["sla"]["plan"], row["due_at"]) == ("gold", MONDAY + timedelta(hours=1))
    assert await promised.timers() == {TICKET: MONDAY + timedelta(hours=1)}
    assert await promised.wakes(59) == []
    (breached,) = await promised.wakes(31)
    assert (breached.name, breached.occurred_at) == ("sla_breached", MONDAY + timedelta(hours=1))
    assert await promised.timers() == {TICKET: MONDAY + timedelta(hours=2)}, "the next moment"
    assert await promised.wakes() == [], "said once"
    await promised.happens("workflow", TICKET, fact("started"), NewEvent("ledgerdesk.ticket.resolved", {}, {}))
    assert await promised.timers() == {}
    clocks = (await promised.row())["sla"]["clocks"]
    assert (clocks["first_response"]["late"], clocks["resolution"]["late"]) == (True, False)


async def test_waking_twice_at_once_says_it_once(promised):
    promised.now += timedelta(hours=1)
    known = await promised.ends()
    await promised.alarms.wake([TICKET, TICKET])
    other = Alarms(
        promised.pools["workflow"], Directory(promised.pools["workflow"]), promised.tickets,
        Ledger(promised.stores["workflow"], promised.appenders["workflow"], no_entry, entry_after), promised.feed,
        lambda: promised.now,
    )  # fmt: skip
    await other.wake([TICKET])
    assert [event.name for event in await promised.read_on(known)] == ["sla_breached"]


async def test_a_view_that_is_behind_is_waited_for(promised):
    """The reply is in the store and not in the view yet: no breach is said that it has prevented."""
    await promised.write(
        "workflow",
        TICKET,
        fact("started"),
        NewEvent("ledgerdesk.ticket.replied", {}, {"body": "Done"}),
        moment=promised.now,
    )
    promised.now += timedelta(hours=1, minutes=1)
    known = await promised.ends()
    await promised.alarms.wake([TICKET])
    assert await promised.read_on(known) == []


async def test_a_changed_calendar_holds_from_now_until_it_is_recomputed(promised):
    await promised.configure(
        "calendar", **{**OFFICE, "hours": [{"days": ["mon", "tue"], "start": "12:00", "end": "17:00"}]}
    )
    await promised.happens("workflow", TICKET, fact("started"), after=5)
    assert (await promised.row())["due_at"] == MONDAY + timedelta(hours=1), "what was promised stays promised"
    await promised.happens("intake", OTHER, created("100002"))
    assert (await promised.row(OTHER))["due_at"] == MONDAY + timedelta(hours=4), "of new ones the new calendar holds"

    shown = await promised.alarms.recompute([TICKET, OTHER], None)
    assert {(change["ticket"], change["target"], change["due"]) for change in shown} == {
        ("100001", "first_response", rfc3339(MONDAY + timedelta(hours=4))),
        ("100001", "resolution", rfc3339(MONDAY + timedelta(hours=5))),
    }
    assert (await promised.row())["due_at"] == MONDAY + timedelta(hours=1), "shown, not done"
    known = await promised.ends()
    assert await promised.alarms.recompute([TICKET, OTHER], Context(random_id(), SYSTEM, DOOR)) == shown
    (scheduled,) = await promised.read_on(known)
    assert (scheduled.data["reason"], scheduled.data["calendar_version"]) == ("recomputed", 2)
    assert (await promised.row())["due_at"] == MONDAY + timedelta(hours=4)


async def test_a_ticket_of_no_plan_costs_nothing(desk):
    await desk.happens("intake", TICKET, created("100001"))
    assert await desk.pools["workflow"].fetchval("SELECT count(*) FROM reaction_inbox") == 0
    assert (await desk.row())["sla"] == {}


async def test_a_rebuilt_view_has_the_same_alarms(promised):
    before = await promised.timers()
    await promised.pools["workflow"].execute("DELETE FROM timer")
    await rebuild(promised.dsn, "workflow.ticket")
    assert await promised.timers() == before


async def test_a_taken_timer_comes_back_after_its_lease_and_no_two_take_one(promised):
    pool = promised.pools["workflow"]
    await pool.execute("UPDATE timer SET try_at = now() - interval '1 hour'")
    woken: list[list[UUID]] = []

    async def wake(ids: Any) -> None:
        woken.append(list(ids))

    timers = [Timers("workflow", pool, wake) for _ in range(2)]
    assert [await timer.drain_once() for timer in timers] == [1, 0]
    assert woken == [[TICKET]]
    await pool.execute("UPDATE timer SET try_at = try_at - $1::interval - interval '2 seconds'", LEASE)
    assert await timers[1].drain_once() == 1
