"""Records that are none, events that cannot be folded or are not known, and gaps."""

import asyncio
from dataclasses import replace

import pytest

from shared.contracts.event import to_record
from shared.contracts.ids import random_id
from shared.eventstore.store import EMPTY
from shared.projection import parked as parked_events
from shared.projection.records import Record
from shared.testing.events import command
from shared.testing.wait import wait_until_async
from tests.integration.projection.world import FACTS, JOHN, OWNERS, TICKETS, publish


def _headers(headers: list, name: str, value: bytes | None) -> list:
    return [(key, value if key == name else old) for key, old in headers]


DAMAGE = {
    "a header that is no UTF-8": lambda key, value, headers: (key, value, _headers(headers, "ce_type", b"\xff\xfe")),
    "a null header": lambda key, value, headers: (key, value, _headers(headers, "ce_id", None)),
    "no JSON": lambda key, value, headers: (key, b"{", headers),
    "no value": lambda key, value, headers: (key, None, headers),
    "no headers": lambda key, value, headers: (key, value, []),
    "another's header that is no UTF-8": lambda key, value, headers: (key, value, [*headers, ("x", b"\xff")]),
}


@pytest.mark.parametrize("what", DAMAGE)
async def test_an_unreadable_record_is_survived_and_its_event_fetched_from_its_owner(world, log, what):
    async with world.following(log):
        await world.write(2)
        records = []
        for event in sorted(await world.stored(), key=lambda e: (e.version, e.source)):
            record = to_record(event)
            records.append(DAMAGE[what](*record) if (event.source, event.version) == ("intake", 2) else record)
        await publish(log, records)
        await world.complete()


async def test_a_gap_is_written_down_until_it_is_closed(world):
    (stream,) = await world.write(1)
    await world.projection.prepare("log")
    await world.pool.execute("TRUNCATE ticket, timeline")  # as if nothing had come yet
    events = await world.owners["intake"].page(0, 10)
    answers = world.feed.stream

    async def nothing(*_):
        return []

    world.feed.stream = nothing
    await world.projection.apply("log", [Record(TICKETS, 0, n, e) for n, e in enumerate([events[0], events[2]])])
    gap = await world.pool.fetchrow("SELECT stream_id, source, have, want FROM projection_gap")
    assert tuple(gap) == (stream, "intake", 1, 3)
    world.feed.stream = answers
    await world.projection.repair()
    assert await world.pool.fetchval("SELECT count(*) FROM projection_gap") == 0
    assert await world.pool.fetchval("SELECT versions ->> 'intake' FROM ticket") == "3"


async def test_a_repair_and_a_batch_do_not_overwrite_each_other(world):
    """Both load a ticket's row, fold something of their own into it, and save it whole."""
    stream = random_id()
    await world.projection.prepare("log")
    for owner in OWNERS:
        await world.owners[owner].append([command(owner, stream, EMPTY, FACTS[owner])[0]])
    intake, routing = [(await world.owners[owner].load(stream))[0] for owner in ("intake", "routing")]
    await world.projection.apply("log", [Record(TICKETS, 0, 0, intake[0]), Record(TICKETS, 0, 1, intake[2])])
    loaded, go_on = asyncio.Event(), asyncio.Event()
    load = world.model.load

    async def slowly(connection, ids):
        found = await load(connection, ids)
        if not loaded.is_set():
            loaded.set()
            await go_on.wait()
        return found

    world.model.load = slowly
    repairing = asyncio.create_task(world.projection.repair())
    await loaded.wait()
    batch = asyncio.create_task(world.another().apply("log", [Record(TICKETS, 0, 2, routing[0])]))

    async def waits_or_is_through() -> bool:
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        return batch.done() or await world.pool.fetchval(waiting) > 0

    await wait_until_async(waits_or_is_through, timeout=10, message="the batch to come to the repair")
    got_through = batch.done()
    go_on.set()
    await asyncio.gather(repairing, batch)
    assert not got_through, "the repair has overwritten what the batch had written"
    assert await world.pool.fetchval("SELECT versions FROM ticket") == {"intake": 3, "routing": 1}


async def test_poison_is_parked_the_rest_flows_and_a_retry_heals(world, log):
    async with world.relaying(log), world.following(log):
        await world.write(6)
        await world.complete()
        stream = random_id()
        wanted, _ = command("routing", stream, EMPTY, FACTS["routing"])
        world.model.poison = wanted.rows[0].event_id
        await world.owners["routing"].append([wanted])
        await world.owners["intake"].append([command("intake", stream, EMPTY, FACTS["intake"])[0]])
        await world.owners["workflow"].append([command("workflow", stream, EMPTY, FACTS["workflow"])[0]])
        more = await world.write(4)

        async def flowed() -> bool:
            rows = await world.pool.fetch("SELECT stream_id, versions FROM ticket WHERE number IS NOT NULL")
            versions = {row["stream_id"]: row["versions"] for row in rows}
            full = {"intake": 3, "routing": 2, "workflow": 3}
            return all(versions.get(s) == full for s in more) and versions.get(stream) == {"intake": 3, "workflow": 3}

        await wait_until_async(flowed, timeout=20, message="everything but the poisoned part")

        async def parked() -> bool:
            rows = await world.pool.fetch(
                "SELECT stream_id, source, version, reason FROM projection_parked ORDER BY version"
            )
            return [tuple(row) for row in rows] == [
                (stream, "routing", 1, "RuntimeError: poison"),
                (stream, "routing", 2, "an earlier event of this stream is parked"),
            ]

        await wait_until_async(parked, message="both events of the poisoned part to be parked")
        assert await parked_events.retry(world.projection) == 0, "still poisoned"
        assert await parked()
        world.model.poison = None
        assert await parked_events.retry(world.projection) == 2
        await world.complete()


async def test_what_comes_behind_a_parked_event_is_parked_in_a_later_batch_too(world):
    stream = random_id()
    await world.projection.prepare("log")
    await world.owners["intake"].append([command("intake", stream, EMPTY, FACTS["intake"])[0]])
    events, _ = await world.owners["intake"].load(stream)
    world.model.poison = events[0].event_id
    for number, event in enumerate(events):
        await world.projection.apply("log", [Record(TICKETS, 0, number, event)])
    parked = await world.pool.fetch("SELECT version FROM projection_parked ORDER BY version")
    assert [row["version"] for row in parked] == [1, 2, 3]
    assert await world.pool.fetchval("SELECT count(*) FROM projection_gap") == 0


async def test_an_unknown_type_is_skipped_and_its_version_counts(world):
    stream = random_id()
    await world.projection.prepare("log")
    await world.owners["routing"].append([command("routing", stream, EMPTY, FACTS["routing"])[0]])
    (one, two), _ = await world.owners["routing"].load(stream)
    unknown = replace(one, type="ledgerdesk.ticket.teleported", data={"to": "the moon"})
    await world.projection.apply("log", [Record(TICKETS, 0, 0, unknown), Record(TICKETS, 0, 1, two)])
    row = await world.pool.fetchrow("SELECT versions, agent, department FROM ticket")
    assert (row["versions"], str(row["agent"]), row["department"]) == ({"routing": 2}, JOHN, None)
    skipped = await world.pool.fetchrow("SELECT type, records FROM projection_unknown")
    assert tuple(skipped) == ("ledgerdesk.ticket.teleported", 1)
