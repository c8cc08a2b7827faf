"""A desk whose routing and workflow react, with rules; on which it is what time the test says."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.routing import domain as routing_domain
from services.routing.domain.causes import CAUSES
from services.routing.reactions import Routing
from services.routing.ruling import Ruling
from services.routing.timed import Due, TimedRules
from services.workflow import domain as workflow_domain
from services.workflow.reactions import Workflow
from shared import db
from shared.contracts.event import Actor, Event, NewEvent, Via
from shared.contracts.ids import directory_id, random_id
from shared.contracts.topic_names import DIRECTORY
from shared.directory.people import Directory, Person
from shared.eventstore.ledger import Context, Ledger
from shared.projection.reactor import reactions
from shared.testing.stores import StoreFeed
from tests.integration import desk as desks

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
TICKET, OTHER = UUID(int=1), UUID(int=2)
JOHN, JANE, KEN = (str(UUID(int=n)) for n in (11, 12, 7))
WHY, NOBODY = {"by": "person", "reason": "test"}, {"agent": None, "team": None}


def fact(name: str, personal: dict | None = None, **data: Any) -> NewEvent:
    return NewEvent(f"ledgerdesk.ticket.{name}", data, personal)


def prioritised(priority: str) -> NewEvent:
    return fact("prioritised", priority=priority, severity=None, previous={"priority": "normal", "severity": None})


class Desk(desks.Desk):
    """A desk whose routing and workflow react."""

    def __init__(self, dsn: str, pools: dict[str, db.Pool]) -> None:
        super().__init__(dsn, pools)
        self.now = MONDAY

        def ledger(owner: str, of: Any) -> Ledger[Any]:
            return Ledger(self.stores[owner], self.appenders[owner], *of, lambda: self.now)

        self.handling = handling = ledger("routing", (routing_domain.Handling, routing_domain.evolve))
        self.lives = ledger("workflow", (workflow_domain.Life, workflow_domain.evolve))
        directory = Directory(pools["routing"])
        self.routing = Routing(pools["routing"], directory, handling, lambda: self.now)
        self.ruling = Ruling(pools["routing"], directory, handling, self.routing)
        self.workflow = Workflow(pools["workflow"], self.lives, Directory(pools["workflow"]))
        self.feed = StoreFeed(self.stores)
        self.timed = self.started()

    def started(self) -> TimedRules:
        """Return rules on time as a process that has just started has them."""
        return TimedRules(self.pools["routing"], self.handling, self.ruling, self.feed, lambda: self.now)

    @property
    def handlers(self) -> dict[tuple[str, str], desks.Handler]:
        routing = reactions(
            {"created": self.routing.on_created, "replied": self.routing.on_replied, "reopened": self.routing.on_reopened},
            dict.fromkeys(CAUSES, self.ruling.on_event),
        )  # fmt: skip
        workflow = {
            "rule_applied": self.workflow.on_rule_applied, "message_received": self.workflow.on_message_received,
            "assigned": self.workflow.on_agent_acted,
        }  # fmt: skip
        return {("routing", name): handler for name, handler in routing.items()} | {
            ("workflow", name): handler for name, handler in workflow.items()
        }

    async def configure(
        self, kind: str, stream: UUID | None = None, personal: dict | None = None, **entry: Any
    ) -> None:
        stream = stream or directory_id(kind, entry["key"])
        configured = NewEvent(f"ledgerdesk.{kind}.configured", {"new": entry, "old": None}, personal)
        await self.take(DIRECTORY, await self.write("routing", stream, configured))

    async def register(self, person: UUID, name: str) -> None:
        """Let the desk know a requester."""
        personal = {"email": f"{name.lower()}@example.org", "name": name}
        registered = NewEvent("ledgerdesk.person.registered", {"organisation": "example"}, personal)
        await self.take(DIRECTORY, await self.write("intake", person, registered))

    async def rule(self, key: str, *tests: tuple[str, str, str], when: str = "updated", **more: Any) -> None:
        actions = more.pop("actions", {"add_tags": [key]})
        await self.configure("rule", **{
            "key": key, "name": key, "order": 1, "when": when, "changes": [], "match": "all", "stop": False, "active": True, "version": 1,
            "tests": [dict(zip(("field", "op", "value"), test, strict=True)) for test in tests], "actions": actions, **more,
        })  # fmt: skip

    async def does(self, owner: str, *facts: NewEvent, ticket: UUID = TICKET, by: Actor | None = None) -> list[Event]:
        """Let somebody do something, without anybody reacting yet."""
        context = Context(random_id(), by or Actor("person", JOHN), Via("key", "test"))
        ledger = self.lives if owner == "workflow" else Ledger(
            self.stores[owner], self.appenders[owner], lambda: None, lambda state, _: state, lambda: self.now)  # fmt: skip
        known = await self.ends()
        await ledger.execute(ticket, lambda _: facts, context)
        return await self.read_on(known)

    async def react(self) -> None:
        await self.routing.before_batch()
        await super().react()

    async def happens(self, owner: str, *facts: NewEvent, ticket: UUID = TICKET, after: float = 0, **more: Any) -> None:
        """Let something happen so many minutes later, and everybody react to it."""
        self.now += timedelta(minutes=after)
        await self.does(owner, *facts, ticket=ticket, **more)
        await self.react()

    async def applied(self, ticket: UUID = TICKET) -> list[Event]:
        events, _ = await self.stores["routing"].load(ticket)
        return [event for event in events if event.name == "rule_applied"]

    async def rules(self, ticket: UUID = TICKET) -> list[str]:
        return [event.data["rule"] for event in await self.applied(ticket)]

    async def tags(self, ticket: UUID = TICKET) -> list[str]:
        return await self.pools["workflow"].fetchval("SELECT tags FROM ticket WHERE stream_id = $1", ticket)

    async def wakes(self, after: float = 0, timed: TimedRules | None = None) -> list[Event]:
        """Let so many minutes pass, then ask the rules whose time has come; returns what came of it."""
        self.now += timedelta(minutes=after)
        known = await self.ends()
        rows = await self.pools["routing"].fetch(
            "SELECT ticket_id, rule, anchor, at FROM rule_timer WHERE try_at IS NOT NULL AND at <= $1", self.now
        )
        await (timed or self.timed).wake([Due(*row) for row in rows])
        found = await self.read_on(known)
        await self.react()
        return found

    async def timers(self) -> dict[tuple[UUID, str], datetime | None]:
        """Return when which rule is asked about which ticket; None: it was."""
        rows = await self.pools["routing"].fetch("SELECT ticket_id, rule, at, try_at FROM rule_timer")
        return {(row["ticket_id"], row["rule"]): row["at"] if row["try_at"] else None for row in rows}


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Desk]:
    """Open a desk with two agents, one department and one requester."""
    async with desks.opened(Desk, dsn) as desk:
        await desk.configure("department", key="support", name="Support", active=True)
        for who, login in ((JOHN, "john"), (JANE, "jane")):
            await desk.configure(
                "agent", UUID(who), {"login": login}, person_id=who, departments=["support"], active=True
            )
        await desk.register(UUID(KEN), "Ken")
        yield desk


class HearsLater(Directory):
    """A directory that hears of its people only after somebody has looked for one."""

    def __init__(self, pool: db.Pool, hear: Callable[[], Awaitable[None]]) -> None:
        super().__init__(pool)
        self._hear = hear
        self.looks = 0

    async def by_id(self, person_id: UUID) -> Person | None:
        """Return a person by id; the first look tells what is there to be heard, and comes before it."""
        found = await super().by_id(person_id)
        self.looks += 1
        if self.looks == 1:
            await self._hear()
        return found
