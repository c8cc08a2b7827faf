"""Service levels and alarms on real stores and views, with a clock that the test moves."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ledgerdesk.rebuild import rebuild
from ledgerdesk.verify import verify
from services.workflow import domain
from services.workflow.alarms import Alarms
from services.workflow.views import REVIEWED
from shared import db
from shared.configuration import entry_after, no_entry
from shared.contracts.event import Event, NewEvent, rfc3339
from shared.contracts.ids import directory_id, random_id
from shared.contracts.topic_names import DIRECTORY
from shared.directory.people import Directory
from shared.eventstore.ledger import Context, Ledger
from shared.testing.events import DOOR, SYSTEM, created, message
from shared.testing.forms import field
from shared.timers import LEASE, Timers
from tests.integration import desk as desks

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
TICKET, OTHER = UUID(int=1), UUID(int=2)
OFFICE = {
    "key": "office", "name": "Office", "zone": "UTC", "closed": [], "special": [], "country": None, "subdivision": None,
    "hours": [{"days": ["mon", "tue"], "start": "09:00", "end": "17:00"}], "active": True,
}  # fmt: skip
GOLD: dict[str, Any] = {
    "key": "gold", "name": "Gold", "order": 1, "calendar": "office", "priorities": [], "severities": [], "departments": [],
    "topics": [], "targets": {"own": None, "first_response": 60, "next_update": None, "resolution": 120}, "warn_percent": 0,
    "pause_on_hold": True, "ladder": [], "active": True,
}  # fmt: skip


def fact(name: str, **data: Any) -> NewEvent:
    return NewEvent(f"ledgerdesk.ticket.{name}", data)


class Desk(desks.Desk):
    """A desk with alarms, on which it is always what time the test says."""

    def __init__(self, dsn: str, pools: dict[str, db.Pool]) -> None:
        super().__init__(dsn, pools)
        self.now = MONDAY
        store, appender = self.stores["workflow"], self.appenders["workflow"]
        self.tickets = Ledger(store, appender, domain.Life, domain.evolve, lambda: self.now)
        entries = Ledger(store, appender, no_entry, entry_after)
        pool = pools["workflow"]
        self.alarms = Alarms(pool, Directory(pool), self.tickets, entries, lambda: self.now)

    @property
    def handlers(self) -> dict[tuple[str, str], desks.Handler]:
        return {("workflow", name): self.alarms.on_event for name in REVIEWED}

    async def configure(self, kind: str, owner: str = "workflow", **entry: Any) -> None:
        stream = directory_id(kind, entry["key"])
        before, _ = await self.stores[owner].load(stream)
        new = entry if kind == "policy" else {**entry, "version": len(before) + 1}
        fact = NewEvent(f"ledgerdesk.{kind}.configured", {"new": new, "old": None})
        await self.take(DIRECTORY, await self.write(owner, stream, fact))
        await self.alarms.refresh()

    async def happens(self, owner: str, ticket: UUID, *facts: NewEvent, after: float = 0) -> None:
        """Let something happen so many minutes later, and everybody react to it."""
        self.now += timedelta(minutes=after)
        known = await self.ends()
        await self.write(owner, ticket, *facts, moment=self.now)
        await self.read_on(known)
        await self.react()

    async def wakes(self, after: float = 0) -> list[Event]:
        """Let so many minutes pass, then wake whatever is due; returns what came of it."""
        self.now += timedelta(minutes=after)
        known = await self.ends()
        rows = await self.pools["workflow"].fetch("SELECT ticket_id FROM timer WHERE at <= $1", self.now)
        await self.alarms.wake([row["ticket_id"] for row in rows])
        found = await self.read_on(known)
        await self.react()
        return found

    async def row(self, ticket: UUID = TICKET) -> Any:
        return await self.pools["workflow"].fetchrow("SELECT * FROM ticket WHERE stream_id = $1", ticket)

    async def timers(self) -> dict[UUID, datetime]:
        return {r["ticket_id"]: r["at"] for r in await self.pools["workflow"].fetch("SELECT ticket_id, at FROM timer")}


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
        Ledger(promised.stores["workflow"], promised.appenders["workflow"], no_entry, entry_after), lambda: promised.now,
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
