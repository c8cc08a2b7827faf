"""Service levels and alarms on real stores and views, with a clock that the test moves."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import structlog.testing

from ledgerdesk.rebuild import rebuild
from ledgerdesk.verify import verify
from services.workflow import domain
from services.workflow.alarms import Alarms
from services.workflow.views import REVIEWED
from shared import db
from shared.configuration import entry_after, no_entry
from shared.contracts.event import Event, NewEvent, rfc3339
from shared.contracts.ids import directory_id, random_id
from shared.contracts.topic_names import DIRECTORY, TICKETS
from shared.directory.people import Directory
from shared.eventstore.ledger import Context, Ledger
from shared.testing.events import DOOR, SYSTEM, created, message
from shared.testing.forms import field
from shared.testing.stores import StoreFeed
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
        self.feed = StoreFeed(self.stores)
        self.alarms = Alarms(pool, Directory(pool), self.tickets, entries, self.feed, lambda: self.now)

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


# -- what has not been heard of yet ------------------------------------------------------------------------------------

SILENCE = {"key": "desk", "reopen_days": None, "auto_claim": True, "close_days": 7, "close_warning_days": 2}
REPLIED = NewEvent("ledgerdesk.ticket.replied", {}, {"body": "Try again"})
JOHN = str(UUID(int=11))
CLAIMED = fact(
    "assigned", agent=JOHN, team=None, previous={"agent": None, "team": None}, why={"by": "person", "reason": "x"}
)
DAY = 24 * 60


async def answered(desk: Desk) -> None:
    """A ticket that is answered, on a desk that closes it after seven days of silence."""
    await desk.configure("policy", **SILENCE)
    await desk.happens("intake", TICKET, created("100001"))
    await desk.happens("workflow", TICKET, fact("started"), REPLIED, after=1)


async def swept(desk: Desk, after: float = 0) -> list[str]:
    desk.now += timedelta(minutes=after)
    known = await desk.ends()
    await desk.alarms.sweep()
    return [event.name for event in await desk.read_on(known)]


async def unheard(desk: Desk, owner: str, *facts: NewEvent, ticket: UUID = TICKET) -> list[Event]:
    """Let something be written that no view hears of yet."""
    return await desk.write(owner, ticket, *facts, moment=desk.now)


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


@pytest.fixture
async def to_own(desk):
    """A desk on which somebody is to have a ticket within an hour."""
    await desk.configure("calendar", **OFFICE)
    await desk.configure("sla_plan", **{**GOLD, "targets": {**GOLD["targets"], "own": 60, "first_response": 90}})
    await desk.happens("intake", TICKET, created("100001"))
    return desk


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
