"""Batches: two who apply the same, one that fails, and what a batch moves and wakes."""

import asyncio

import pytest

from shared.projection.checkpoints import CheckpointLostError
from tests.integration.projection.world import records_of


async def test_two_projections_of_one_name_apply_the_same_batch(world):
    """A zombie: it waits for the checkpoint's lock and then finds its work done."""
    first, second = world.projection, world.another()
    assert await first.prepare("log") == await second.prepare("log")
    for start in (0, 1000):
        before = {event.event_id for event in await world.stored()}
        await world.write(10)
        fresh = records_of([event for event in await world.stored() if event.event_id not in before], start)
        await asyncio.gather(first.apply("log", fresh), second.apply("log", fresh))
        assert await world.differences() == []


async def test_two_projections_apply_overlapping_batches(world):
    first, second = world.projection, world.another()
    await first.prepare("log")
    await second.prepare("log")
    await world.write(12)
    records = records_of(await world.stored())
    for upto in (20, 50, 70, len(records)):
        results = await asyncio.gather(
            first.apply("log", records[:upto]), second.apply("log", records[: upto - 7]), return_exceptions=True
        )
        assert [r for r in results if r is not None and not isinstance(r, CheckpointLostError)] == []
    assert await world.differences() == []


async def test_who_follows_a_log_that_was_given_up_writes_nothing(world):
    zombie, new = world.projection, world.another()
    await zombie.prepare("old")
    await world.write(3)
    records = records_of(await world.stored())
    await new.prepare("new")  # catches up from the owners
    assert (zombie.caught_up, new.caught_up) == (0, len(records))
    assert await world.differences() == []
    with pytest.raises(CheckpointLostError):
        await zombie.apply("old", records)
    assert await world.differences() == []


async def test_a_batch_that_fails_leaves_nothing_and_comes_again(world, monkeypatch):
    await world.projection.prepare("log")
    await world.write(3)
    records = records_of(await world.stored())
    real = world.model.save
    failing = [True]

    async def save(connection, rows, applied):
        await real(connection, rows, applied)
        if failing.pop():
            raise ConnectionResetError("the database went away before the commit")

    monkeypatch.setattr(world.model, "save", save)
    with pytest.raises(ConnectionResetError):
        await world.projection.apply("log", records)
    assert await world.pool.fetchval("SELECT count(*) FROM timeline") == 0
    failing.append(False)
    await world.projection.apply("log", records)
    assert await world.differences() == []


async def test_the_reactor_is_woken_once_something_is_in_its_inbox(world):
    await world.projection.prepare("log")
    inbox: list[int] = []
    woken = asyncio.Event()
    world.projection.on_work = woken.set
    await world.write(2)
    for record in records_of(await world.stored()):
        await world.projection.apply("log", [record])
        waiting = await world.pool.fetchval("SELECT count(*) FROM reaction_inbox")
        inbox.append(waiting)
        assert woken.is_set() == (waiting > sum(inbox[-2:-1])), record.content
        woken.clear()
    assert inbox[0] == 0 < inbox[-1], "some of these events ask for a reaction, and some do not"


async def test_a_batch_moves_each_partition_behind_its_last_record(world):
    begun = await world.projection.prepare("log")
    await world.write(10)
    records = records_of(await world.stored())
    moved = dict(begun)
    for batch in (records[:50], records[30:]):  # the second begins with what is done
        await world.projection.apply("log", batch)
        for record in batch:
            place = (record.topic, record.partition)
            moved[place] = max(moved[place], record.offset + 1)
        assert await world.another().prepare("log") == moved


async def test_to_catch_up_again_and_again_is_to_get_nowhere(world, monkeypatch):
    await world.write(3)
    read = len(await world.stored())
    feed = world.projection._feed
    whole = feed.events

    async def broken(owner, after):
        async for page in whole(owner, after):
            yield page
            raise ConnectionError("the owner went away")

    monkeypatch.setattr(feed, "events", broken)
    for _ in range(3):
        with pytest.raises(ConnectionError):
            await world.projection.prepare("log")
    assert 0 < world.projection.caught_up <= read
    monkeypatch.setattr(feed, "events", whole)
    await world.projection.prepare("log")
    assert world.projection.caught_up == read
