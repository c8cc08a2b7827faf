"""Forgetting, step by step, with what can come between the steps: a crash, a ticket on its way, copies that stand aside."""

from uuid import UUID

import orjson
import pytest

from ledgerdesk.initialise import migrate_all
from ledgerdesk.rebuild import rebuild
from ledgerdesk.verify import models_of, verify
from services.intake.forgetting import Forgetting
from services.intake.people import People
from shared import db
from shared.contracts.catalogue import OWNERS
from shared.contracts.event import Event, NewEvent, to_feed_line
from shared.contracts.ids import random_id
from shared.contracts.topic_names import DIRECTORY, PARTITIONS, TICKETS
from shared.eventstore.appender import Appender
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Context
from shared.eventstore.store import EMPTY, EventStore
from shared.forgetting import TicketForgetting
from shared.http.problems import Problem
from shared.projection.projector import Projection
from shared.projection.reactor import from_feed_line
from shared.projection.records import Record
from shared.settings import SERVICES
from shared.testing.events import DOOR, SYSTEM, command, created, message
from shared.testing.stores import StoreFeed

WANDA, OTHER = UUID(int=77), UUID(int=78)
REGISTERED = NewEvent(
    "ledgerdesk.person.registered", {"organisation": None}, {"email": "wanda@example.org", "name": "Wanda"}
)
NOTED = NewEvent("ledgerdesk.ticket.noted", {}, {"body": "Wanda called"})
STARTED = NewEvent("ledgerdesk.ticket.started", {})


class Desk:
    """Stores, projections and what reacts, moved by hand."""

    def __init__(self, dsn: str, pools: dict[str, db.Pool]) -> None:
        self.dsn, self.pools = dsn, pools
        self.stores = {owner: EventStore(owner, pools[owner]) for owner in OWNERS}
        self.appenders = {owner: Appender(store) for owner, store in self.stores.items()}
        self.projections = {
            s: Projection(f"{s}.views", pools[s], models_of(s), StoreFeed(self.stores)) for s in SERVICES
        }
        self.offsets = {TICKETS: 0, DIRECTORY: 0}
        self.forgetting = Forgetting(pools["intake"], self.eraser("intake"))

    def eraser(self, owner: str) -> Eraser:
        return Eraser(self.stores[owner], self.appenders[owner])

    async def write(self, owner: str, stream: UUID, *facts: NewEvent) -> list[Event]:
        head = (await self.stores[owner].heads([stream])).get(stream, EMPTY)
        await self.stores[owner].append([command(owner, stream, head, facts)[0]])
        return (await self.stores[owner].load(stream))[0][head.version :]

    async def take(self, topic: str, events: list[Event]) -> None:
        """Let every service's projection read these."""
        start = self.offsets[topic]
        self.offsets[topic] += len(events)
        for projection in self.projections.values():
            await projection.apply("log", [Record(topic, 0, start + n, event) for n, event in enumerate(events)])

    async def told(self, owner: str, stream: UUID, topic: str = TICKETS, after: int = 0) -> None:
        """Let every projection read an owner's part of a stream."""
        await self.take(topic, (await self.stores[owner].load(stream, after))[0])

    async def inbox(self, service: str) -> list[Event]:
        rows = await self.pools[service].fetch("SELECT event FROM reaction_inbox ORDER BY id")
        return [from_feed_line(orjson.dumps(row["event"])) for row in rows]

    async def react(self) -> None:
        """Do what the inboxes ask for, and let everybody read what comes of it, until nothing is asked."""
        handlers = {
            ("intake", "forgotten"): self.forgetting.on_forgotten, ("intake", "created"): self.forgetting.on_late,
            ("intake", "message_received"): self.forgetting.on_late,
            **{(o, "personal_erased"): TicketForgetting(o, self.eraser(o)).on_personal_erased for o in ("routing", "workflow")},
        }  # fmt: skip
        known = {owner: await store.last_position() for owner, store in self.stores.items()}
        for service in OWNERS:
            for event in await self.inbox(service):
                if (service, event.name) in handlers:
                    await handlers[service, event.name](event)
            await self.pools[service].execute("DELETE FROM reaction_inbox")
        fresh = [e for owner, store in self.stores.items() for e in await store.page(known[owner], 1000)]
        if fresh:
            await self.take(TICKETS, [event for event in fresh if event.type.startswith("ledgerdesk.ticket.")])
            await self.react()

    async def forget(self) -> None:
        await self.forgetting.forget(WANDA, "asked", Context(random_id(), SYSTEM, DOOR))
        await self.told("intake", WANDA, DIRECTORY, after=1)

    async def left(self) -> list[str]:
        """Return the tables in which she is still named."""
        found = []
        connection = await db.connect(self.dsn, "verify")
        for service in SERVICES:
            tables = await connection.fetch(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = $1", service
            )
            for (table,) in tables:
                count = await connection.fetchval(
                    f"SELECT count(*) FROM \"{service}\".{table} t WHERE t::text ILIKE '%wanda%'"
                )
                found += [f"{service}.{table}"] * bool(count)
        await connection.close()
        return found


@pytest.fixture
async def desk(postgres_dsn):
    await migrate_all(postgres_dsn)
    pools = {service: await db.create_pool(postgres_dsn, service, maximum=3) for service in SERVICES}
    desk = Desk(postgres_dsn, pools)
    for appender in desk.appenders.values():
        appender.start()
    for projection in desk.projections.values():
        await projection.prepare("log")
    await desk.take(DIRECTORY, await desk.write("intake", WANDA, REGISTERED))
    yield desk
    for appender in desk.appenders.values():
        await appender.stop()
    for pool in pools.values():
        await pool.close()


def opened(person: UUID) -> NewEvent:
    fact = created(person_id=str(person))
    return NewEvent(
        fact.type, fact.data, {**fact.personal, "requester": {"email": "wanda@example.org", "name": "Wanda"}}
    )


async def differences(desk: Desk) -> list[str]:
    verdict = await verify(desk.dsn, wait=0)
    return verdict.differences


async def test_a_whole_ticket_and_a_message_on_another_s(desk):
    hers, others = random_id(), random_id()
    await desk.take(TICKETS, await desk.write("intake", hers, opened(WANDA), message("from Wanda", str(OTHER))))
    await desk.take(TICKETS, await desk.write("workflow", hers, STARTED, NOTED))
    plain = created(person_id=str(OTHER))
    await desk.take(
        TICKETS,
        await desk.write("intake", others, plain, message("Wanda too", str(WANDA)), message("mine", str(OTHER))),
    )
    await desk.forget()
    await desk.react()
    assert await desk.left() == []
    events, _ = await desk.stores["intake"].load(others)
    assert [event.personal is None for event in events] == [False, True, False, True]
    assert events[-1].data["versions"] == {"message_received": [2]}
    assert await differences(desk) == []
    for service in SERVICES:
        await rebuild(desk.dsn, service)
    assert await differences(desk) == []
    assert await desk.left() == []


async def test_a_ticket_on_its_way_is_forgotten_when_it_arrives(desk):
    """It was decided for a person who was not forgotten yet, and is read after everybody has forgotten her."""
    late = random_id()
    await desk.forget()
    await desk.react()
    await desk.take(TICKETS, await desk.write("intake", late, opened(WANDA)))
    assert "workflow.timeline" in await desk.left()
    await desk.react()
    assert await desk.left() == []
    assert await differences(desk) == []


async def test_a_crash_between_the_fact_and_the_blanking(desk):
    ticket = random_id()
    await desk.take(TICKETS, await desk.write("intake", ticket, opened(WANDA)))
    await desk.forget()
    reactions = await desk.inbox("intake")

    class CrashedError(Exception):
        pass

    async def crash(_: object) -> None:
        raise CrashedError

    blank, desk.stores["intake"].erase = desk.stores["intake"].erase, crash
    with pytest.raises(CrashedError):
        await desk.forgetting.on_forgotten(reactions[0])
    desk.stores["intake"].erase = blank
    verdict = await verify(desk.dsn, wait=0)
    assert [text for text in verdict.behind if "is to be blanked" in text], "verify sees that it is half done"
    await desk.told("intake", ticket, after=1)
    await desk.react()
    assert await desk.left() == []
    events, _ = await desk.stores["intake"].load(ticket)
    assert [event.name for event in events] == ["created", "personal_erased"], "said once"


async def test_copies_that_stand_aside_are_blanked(desk):
    """A parked event, one that waits for a reaction, and one whose reaction failed."""
    ticket = random_id()
    (event,) = await desk.write("intake", ticket, opened(WANDA))
    pool, line = desk.pools["workflow"], to_feed_line(event)
    await pool.execute(
        "INSERT INTO projection_parked (view, stream_id, source, version, event, reason) VALUES "
        "('workflow.ticket', $1, 'intake', 1, $2, 'x')", ticket, line,
    )  # fmt: skip
    await pool.execute("INSERT INTO reaction_inbox (event) VALUES ($1)", line)
    await pool.execute("INSERT INTO reaction_parked (id, event, reason) VALUES (7, $1, 'x')", line)
    await desk.forget()
    await desk.forgetting.on_forgotten((await desk.inbox("intake"))[0])
    await desk.told("intake", ticket)
    assert await desk.left() == []
    parked = await pool.fetch("SELECT version, event -> 'personal' AS personal FROM projection_parked ORDER BY version")
    assert [(row["version"], row["personal"]) for row in parked] == [(1, None), (2, None)]


async def test_the_same_address_becomes_another_person(desk):
    people = People(desk.stores["intake"], desk.appenders["intake"], desk.pools["intake"], b"k" * 32)
    context = Context(random_id(), SYSTEM, DOOR)
    first = await people.person("w@example.org", "W", context)
    assert await people.person("w@example.org", None, context) == first
    await desk.forgetting.forget(first, "asked", context)
    second = await people.person("w@example.org", "W", context)
    assert second not in {first, None}
    assert await people.person("w@example.org", None, context) == second
    await desk.forgetting.forget(second, "asked", Context(random_id(), SYSTEM, DOOR))
    assert await people.person("w@example.org", None, context) not in {first, second}


async def test_the_last_administrator_stays(desk):
    account = NewEvent(
        "ledgerdesk.account.configured",
        {"person_id": str(WANDA), "roles": ["administrator"], "active": True},
        {"login": "w"},
    )
    for projection in desk.projections.values():  # the identity topic, whose offsets nothing else here moves
        assert PARTITIONS["ledgerdesk.identity"]
        events = await desk.write("gateway", WANDA, account) if projection.name == "intake.views" else []
        if events:
            await projection.apply("log", [Record("ledgerdesk.identity", 0, 0, events[0])])
    with pytest.raises(Problem, match="last administrator"):
        await desk.forgetting.refuse_the_last_administrator([WANDA])
    await desk.forgetting.refuse_the_last_administrator([OTHER])
