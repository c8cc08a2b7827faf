"""A desk with alarms, with a clock that the test moves: what it promises, what happens on it, and what it has not heard of."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.workflow import domain
from services.workflow.alarms import Alarms
from services.workflow.views import REVIEWED
from shared import db
from shared.configuration import entry_after, no_entry
from shared.contracts.event import Event, NewEvent
from shared.contracts.ids import directory_id
from shared.contracts.topic_names import DIRECTORY
from shared.directory.people import Directory
from shared.eventstore.ledger import Ledger
from shared.testing.events import created
from shared.testing.stores import StoreFeed
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
