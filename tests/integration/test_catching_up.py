"""Whether workflow's views show all that had been acknowledged: it is waited for, and what is missing then is said."""

import asyncio
from uuid import UUID

import httpx
import pytest

from services.workflow import catching_up
from services.workflow.catching_up import Missing, missing
from shared.contracts.event import NewEvent
from shared.testing.events import created
from shared.testing.stores import StoreFeed
from shared.testing.wait import wait_until_async
from tests.integration import desk as desks

TICKET = UUID(int=1)
STARTED = NewEvent("ledgerdesk.ticket.started", {})


class Feed(StoreFeed):
    """The owners' feeds; tells whether somebody has asked, and some may not answer."""

    def __init__(self, stores, silent: str | None = None) -> None:
        super().__init__(stores)
        self.silent, self.heads = silent, []

    async def head(self, owner: str):
        if owner == self.silent:
            raise httpx.ConnectError("away")
        found = await super().head(owner)
        self.heads.append(owner)
        return found


@pytest.fixture
async def desk(postgres_dsn):
    async with desks.opened(desks.Desk, postgres_dsn) as desk:
        yield desk


def looking(desk: desks.Desk, seconds: float = 20, silent: str | None = None) -> tuple[Feed, asyncio.Task[Missing]]:
    feed = Feed(desk.stores, silent)
    return feed, asyncio.create_task(missing(desk.pools["workflow"], feed, seconds))


async def hears(desk: desks.Desk, owner: str) -> None:
    """Have workflow's views be told that they show all that an owner has written."""
    mark = {owner: {"position": await desk.stores[owner].last_position(), "time": None}}
    await desk.pools["workflow"].execute(
        "UPDATE projection_checkpoint SET watermarks = watermarks || $1 WHERE consumer = 'workflow.views'", mark
    )


async def asked(feed: Feed) -> None:
    await wait_until_async(lambda: len(set(feed.heads)) >= 3, message="how far all are")


async def test_where_all_is_heard_of_nothing_is_missing(desk):
    assert await missing(desk.pools["workflow"], Feed(desk.stores), 0) == Missing()


async def test_what_an_owner_has_written_is_waited_for(desk):
    await desk.write("intake", TICKET, created("100001"))
    feed, found = looking(desk)
    await asked(feed)
    await desk.write("routing", TICKET, NewEvent("ledgerdesk.ticket.unassigned", {}))  # too late to be waited for
    await hears(desk, "intake")
    assert await found == Missing()


async def test_what_is_not_heard_of_in_time_is_said(desk):
    await desk.write("intake", TICKET, created("100001"))
    await desk.write("workflow", TICKET, STARTED, STARTED)
    positions = await desk.ends()
    assert await missing(desk.pools["workflow"], Feed(desk.stores), 0.05) == Missing(
        {"intake": (0, positions["intake"]), "workflow": (0, positions["workflow"])}
    )


async def test_an_owner_that_does_not_answer_is_named(desk):
    await hears(desk, "routing")
    _, found = looking(desk, 0.05, silent="routing")
    assert await found == Missing({"routing": (0, None)})


async def test_an_owner_that_takes_its_time_is_not_waited_for_for_ever(desk, monkeypatch):
    monkeypatch.setattr(catching_up, "PATIENCE", 0.01)
    feed = Feed(desk.stores)

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    feed.head = never
    assert set((await missing(desk.pools["workflow"], feed, 0)).owners) >= {"intake", "routing", "workflow"}


async def test_what_workflow_says_to_it_is_waited_for_too(desk):
    """A promise that a ticket gets is among what a changed calendar changes."""
    pool = desk.pools["workflow"]
    await pool.execute("INSERT INTO reaction_inbox (event) VALUES ('{}')")
    feed, found = looking(desk)
    await asked(feed)
    await desk.write("workflow", TICKET, STARTED)  # what the reaction says
    await pool.execute("INSERT INTO reaction_inbox (event) VALUES ('{}')")  # came too late to be waited for
    await pool.execute("DELETE FROM reaction_inbox WHERE id = (SELECT min(id) FROM reaction_inbox)")
    await wait_until_async(lambda: feed.heads.count("workflow") == 2, message="asked again")
    assert not found.done(), "the view does not show it yet"
    await hears(desk, "workflow")
    assert await found == Missing()


async def test_what_is_not_reacted_to_in_time_is_counted(desk):
    pool = desk.pools["workflow"]
    await pool.execute("INSERT INTO reaction_inbox (event) VALUES ('{}'), ('{}')")
    assert await missing(pool, Feed(desk.stores), 0.05) == Missing({}, 2)
