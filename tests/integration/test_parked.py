"""`ledgerdesk parked`: what was set aside is listed, shown and tried again, by a process that is not the service's."""

import asyncio
import os
import subprocess
import sys

import orjson
import pytest

from ledgerdesk.initialise import migrate_all
from ledgerdesk.parked import REACTION, UnknownTicketError, parked, retry, stream_of
from ledgerdesk.verify import models_of
from services.workflow.views import TicketView
from shared import db
from shared.contracts.catalogue import OWNERS
from shared.contracts.event import Event, to_feed_line
from shared.contracts.ids import random_id
from shared.contracts.topic_names import TICKETS
from shared.eventstore.store import EMPTY, EventStore
from shared.projection.projector import Projection
from shared.projection.records import Record
from shared.testing.events import command, created, message
from shared.testing.stores import StoreFeed


def ledgerdesk(dsn: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ledgerdesk.cli", "parked", *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, "DATABASE_URL": dsn},
    )  # fmt: skip


def broken(_state, _event):
    raise KeyError("a mistake of ours")


class Desk:
    """Workflow's projection and the owners' stores, on a whole database."""

    def __init__(self, dsn: str, pools: dict[str, db.Pool]) -> None:
        self.dsn = dsn
        stores = {owner: EventStore(owner, pool) for owner, pool in pools.items()}
        self.intake, self.workflow = stores["intake"], pools["workflow"]
        self.projection = Projection("workflow.views", self.workflow, models_of("workflow"), StoreFeed(stores))
        self.offset = 0

    async def take(self, *events: Event) -> None:
        """Let the projection see these events."""
        records = [Record(TICKETS, 0, self.offset + i, event) for i, event in enumerate(events)]
        self.offset += len(events)
        await self.projection.apply("log", records)


@pytest.fixture
async def desk(postgres_dsn):
    await migrate_all(postgres_dsn)
    pools = {owner: await db.create_pool(postgres_dsn, owner, maximum=2) for owner in OWNERS}
    desk = Desk(postgres_dsn, pools)
    await desk.projection.prepare("log")
    yield desk
    for pool in pools.values():
        await pool.close()


async def two_tickets(desk: Desk, monkeypatch) -> list:
    """Two tickets of two events each, the first of which comes while the fold is broken."""
    streams = [random_id(), random_id()]
    for stream in streams:
        await desk.intake.append([command("intake", stream, EMPTY, [created(), message("more")])[0]])
    events = [event for stream in streams for event in (await desk.intake.load(stream))[0]]
    with monkeypatch.context() as patch:
        patch.setattr(TicketView, "evolve", staticmethod(broken))
        await desk.take(*events[:2])
    await desk.take(*events[2:])
    return streams


async def test_what_is_parked_is_listed_shown_and_healed(desk, monkeypatch):
    bad, good = await two_tickets(desk, monkeypatch)
    found = await parked(desk.dsn)
    assert [(p.service, p.view, p.event["stream_id"], p.event["version"], p.reason) for p in found] == [
        ("workflow", "workflow.ticket", str(bad), 1, "KeyError: 'a mistake of ours'"),
        ("workflow", "workflow.ticket", str(bad), 2, "an earlier event of this stream is parked"),
    ]
    assert await parked(desk.dsn, good) == []

    listed = await asyncio.to_thread(ledgerdesk, desk.dsn, "list", "--json")
    assert listed.returncode == 4
    assert [one["event"]["version"] for one in orjson.loads(listed.stdout)] == [1, 2]
    first = (await asyncio.to_thread(ledgerdesk, desk.dsn, "list")).stdout.splitlines()[0]
    assert first.endswith(
        f"workflow: workflow.ticket: ticket.created (intake 1) of {bad}: KeyError: 'a mistake of ours'"
    )
    shown = orjson.loads((await asyncio.to_thread(ledgerdesk, desk.dsn, "show", str(bad))).stdout)
    assert shown[0]["event"]["type"] == "ledgerdesk.ticket.created"

    other = await asyncio.to_thread(ledgerdesk, desk.dsn, "retry", str(good))
    assert (other.returncode, other.stdout) == (0, "0 healed, 0 to be reacted to again, 0 left\n")
    assert len(await parked(desk.dsn)) == 2
    healed = await asyncio.to_thread(ledgerdesk, desk.dsn, "retry", str(bad))
    assert (healed.returncode, healed.stdout) == (0, "2 healed, 0 to be reacted to again, 0 left\n"), healed.stderr
    rows = await desk.workflow.fetch("SELECT versions FROM ticket ORDER BY stream_id")
    assert [row["versions"] for row in rows] == [{"intake": 2}] * 2
    nothing = await asyncio.to_thread(ledgerdesk, desk.dsn, "list")
    assert (nothing.returncode, nothing.stdout) == (0, "nothing is parked\n")


async def test_what_fails_again_stays(desk, monkeypatch):
    bad, _ = await two_tickets(desk, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(TicketView, "evolve", staticmethod(broken))
        again = await retry(desk.dsn)
    assert (again.healed, again.left) == (0, 2)
    assert [one.event["stream_id"] for one in await parked(desk.dsn)] == [str(bad)] * 2


async def test_a_parked_reaction_is_due_again(desk, monkeypatch):
    stream, _ = await two_tickets(desk, monkeypatch)
    event = (await desk.intake.load(stream))[0][0]
    await desk.workflow.execute(
        "INSERT INTO reaction_parked (id, event, reason) VALUES (7, $1, 'no luck')", to_feed_line(event)
    )
    assert [one.reason for one in await parked(desk.dsn, stream) if one.view == REACTION] == ["no luck"]
    before = await desk.workflow.fetchval("SELECT count(*) FROM reaction_inbox")
    assert (await retry(desk.dsn, random_id())).reactions == 0
    assert (await retry(desk.dsn, stream)).reactions == 1
    waiting = await desk.workflow.fetch("SELECT event FROM reaction_inbox ORDER BY id")
    assert len(waiting) > before
    assert str(event.event_id) in {row["event"]["event_id"] for row in waiting}
    assert await desk.workflow.fetchval("SELECT count(*) FROM reaction_parked") == 0


async def test_a_ticket_is_found_by_its_number(desk, monkeypatch):
    _, good = await two_tickets(desk, monkeypatch)
    number = await desk.workflow.fetchval("SELECT number FROM ticket WHERE stream_id = $1", good)
    assert await stream_of(desk.dsn, number) == good
    with pytest.raises(UnknownTicketError, match="999999"):
        await stream_of(desk.dsn, "999999")
    answer = await asyncio.to_thread(ledgerdesk, desk.dsn, "show", "999999")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "parked list" in answer.stderr
