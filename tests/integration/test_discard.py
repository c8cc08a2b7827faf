"""`ledgerdesk parked discard`: a view passes over an event for ever, shows that there was one, and everybody agrees on it."""

import asyncio

import pytest

from ledgerdesk.initialise import migrate_all
from ledgerdesk.parked import discarded, parked
from ledgerdesk.rebuild import rebuild
from ledgerdesk.verify import models_of, verify
from shared import db
from shared.contracts.catalogue import OWNERS
from shared.contracts.event import NewEvent, to_feed_line
from shared.contracts.ids import random_id
from shared.contracts.topic_names import DIRECTORY, TICKETS
from shared.eventstore.store import EMPTY, EventStore
from shared.projection.projector import Projection
from shared.projection.records import Record
from shared.settings import SERVICES
from shared.testing.events import command, created, message
from shared.testing.stores import StoreFeed
from tests.integration.test_parked import ledgerdesk

PERSON = NewEvent("ledgerdesk.person.registered", {"organisation": None}, {"email": "ken@example.org", "name": "Ken"})


class Desk:
    """Every service's projection, and the stores."""

    def __init__(self, dsn: str, pools: dict[str, db.Pool]) -> None:
        self.dsn, self.pools = dsn, pools
        self.stores = {owner: EventStore(owner, pools[owner]) for owner in OWNERS}
        feed = StoreFeed(self.stores)
        self.projections = {s: Projection(f"{s}.views", pools[s], models_of(s), feed) for s in SERVICES}
        self.offsets = {TICKETS: 0, DIRECTORY: 0}

    async def take(self, topic: str, events) -> None:
        start = self.offsets[topic]
        self.offsets[topic] += len(events)
        for projection in self.projections.values():
            await projection.apply("log", [Record(topic, 0, start + i, event) for i, event in enumerate(events)])


@pytest.fixture
async def desk(postgres_dsn):
    await migrate_all(postgres_dsn)
    pools = {service: await db.create_pool(postgres_dsn, service, maximum=2) for service in SERVICES}
    desk = Desk(postgres_dsn, pools)
    for projection in desk.projections.values():
        await projection.prepare("log")
    yield desk
    for pool in pools.values():
        await pool.close()


def breaks_on(monkeypatch, event_id):
    """Let every view fail on one event."""
    for service in SERVICES:
        for model in models_of(service):
            monkeypatch.setattr(type(model), "evolve", _failing(type(model), event_id))


def _failing(view: type, event_id):
    """Return the view's `evolve`, unable to fold one event; a static one stays one."""
    evolve = view.__dict__["evolve"]
    static = isinstance(evolve, staticmethod)
    whole = evolve.__func__ if static else evolve

    def failing(*arguments):
        if arguments[-1].event_id == event_id:
            raise KeyError("a mistake of ours")
        return whole(*arguments)

    return staticmethod(failing) if static else failing


@pytest.mark.parametrize("version", [1, 2, 4])
async def test_every_view_passes_over_a_discarded_event_and_says_so(desk, monkeypatch, version):
    stream, other = random_id(), random_id()
    for ticket, number in ((stream, "1"), (other, "2")):
        await desk.stores["intake"].append(
            [command("intake", ticket, EMPTY, [created(number), message(), message("more"), message("last")])[0]]
        )
    events = (await desk.stores["intake"].load(stream))[0]
    with monkeypatch.context() as patch:
        breaks_on(patch, events[version - 1].event_id)
        await desk.take(TICKETS, [*events, *(await desk.stores["intake"].load(other))[0]])
    behind = len(events) - version
    assert len(await parked(desk.dsn)) == len(SERVICES) * (1 + behind)

    done = await asyncio.to_thread(ledgerdesk, desk.dsn, "discard", str(stream), "--reason", "a test", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == (
        f"{len(SERVICES)} discarded, {len(SERVICES) * behind} folded behind them, 0 reactions discarded, 0 left"
    )
    for service in SERVICES:
        rows = await desk.pools[service].fetch("SELECT versions FROM ticket")
        assert [row["versions"] for row in rows] == [{"intake": 4}] * 2
    names = await desk.pools["workflow"].fetch(
        "SELECT type FROM timeline WHERE ticket_id = $1 ORDER BY version", stream
    )
    assert [row["type"] for row in names][version - 1] == "discarded", "it leaves its place"
    for _ in range(2):  # as it is, and made anew
        verdict = await verify(desk.dsn, wait=0)
        assert (verdict.exit_code, verdict.differences, len(verdict.discarded)) == (0, [], len(SERVICES))
        for service in SERVICES:
            await rebuild(desk.dsn, service)
    (one, *_) = await discarded(desk.dsn)
    assert (one.stream_id, one.version, one.why) == (stream, version, "a test")
    listed = await asyncio.to_thread(ledgerdesk, desk.dsn, "discarded")
    assert listed.stdout.count("a test") == len(SERVICES)


async def test_an_entry_of_the_directory_stays_as_it_was(desk, monkeypatch):
    person = random_id()
    await desk.stores["intake"].append([command("intake", person, EMPTY, [PERSON])[0]])
    events = (await desk.stores["intake"].load(person))[0]
    with monkeypatch.context() as patch:
        breaks_on(patch, events[0].event_id)
        await desk.take(DIRECTORY, events)
    assert (
        await asyncio.to_thread(ledgerdesk, desk.dsn, "discard", str(person), "--reason", "x", "--yes")
    ).returncode == 0
    row = await desk.pools["workflow"].fetchrow("SELECT versions, email FROM person")
    assert (row["versions"], row["email"]) == ({"intake": 1}, None)
    assert (await verify(desk.dsn, wait=0)).exit_code == 0


async def test_only_the_first_goes_unless_all_are_asked_for(desk, monkeypatch):
    stream = random_id()
    await desk.stores["intake"].append([command("intake", stream, EMPTY, [created(), message(), message("again")])[0]])
    events = (await desk.stores["intake"].load(stream))[0]
    with monkeypatch.context() as patch:
        breaks_on(patch, events[1].event_id)
        await desk.take(TICKETS, events)
        event = to_feed_line(events[0])
        await desk.pools["workflow"].execute(
            "INSERT INTO reaction_parked (id, event, reason) VALUES (7, $1, 'x')", event
        )
    asked = await asyncio.to_thread(ledgerdesk, desk.dsn, "discard", str(stream), "--reason", "x")
    assert asked.returncode == 1, "without --yes it asks, and nobody answers"
    assert len(await parked(desk.dsn)) == 2 * len(SERVICES) + 1
    done = await asyncio.to_thread(ledgerdesk, desk.dsn, "discard", str(stream), "--reason", "x", "--yes", "--all")
    assert f"{2 * len(SERVICES)} discarded, 0 folded behind them, 1 reactions discarded, 0 left" in done.stdout
    nothing = await asyncio.to_thread(ledgerdesk, desk.dsn, "discard", str(stream), "--reason", "x", "--yes")
    assert (nothing.returncode, nothing.stdout) == (0, "nothing of it is parked\n")
