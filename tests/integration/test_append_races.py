"""Many append at once: no event is skipped by a reader, none doubled, each command gets its outcome.

The check is a function that returns what went wrong. It finds nothing wrong with the append function as it is; with the
lock taken out, or moved into the statement of the check, it finds something: so it looks where it should.
"""

import asyncio
import secrets
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import pytest

from shared.contracts.event import Event
from shared.contracts.ids import random_id
from shared.eventstore.store import EMPTY, Command, EventStore, Outcome
from shared.testing.events import command, created, message
from shared.testing.mutants import changed
from shared.testing.servers import database
from shared.testing.stores import Stores, prepare

WRITERS = 10
STREAMS = 20
AT_ONCE = 4
LOCK = "PERFORM pg_advisory_xact_lock(hashtextextended('ledgerdesk.append.' || current_schema(), 0));"
MUTANTS = {
    "the lock is left out": [(LOCK, "")],
    "the lock is in one statement with the check": [
        (LOCK, ""),
        (
            "WITH asked AS (",
            f"WITH gate AS MATERIALIZED ({LOCK.replace('PERFORM', 'SELECT').rstrip(';')}), asked AS (",
        ),
        ("FROM unnest(c_stream, c_expected)", "FROM gate, unnest(c_stream, c_expected)"),
    ],
}


@dataclass
class Race:
    """What the writers were told, what a reader saw, and what is wrong with it."""

    streams: list[UUID]
    outcomes: Counter[str] = field(default_factory=Counter)
    seen: list[Event] = field(default_factory=list)
    appended: set[UUID] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    async def write(self, store: EventStore, share: int) -> None:
        """Append `share` commands, some at a time, to streams that others append to as well; again after a conflict."""
        while share > 0:
            waiting = {s: random_id() for s in secrets.SystemRandom().sample(self.streams, min(share, AT_ONCE))}
            share -= len(waiting)
            for _ in range(200):
                heads = await store.heads(list(waiting))
                batch = [
                    command("intake", s, heads.get(s, EMPTY), [message()] * secrets.choice([1, 2]), command_id)[0]
                    for s, command_id in waiting.items()
                ]
                try:
                    outcomes = await store.append(batch)
                except asyncpg.PostgresError as error:
                    self.wrong.append(f"commands failed for another's sake: {error!r}")
                    continue
                for wanted, outcome in zip(batch, outcomes, strict=True):
                    if self.told(wanted, outcome):
                        del waiting[wanted.stream_id]
                if not waiting:
                    break
            else:
                self.wrong.append("a command found no place in 200 attempts")

    def told(self, wanted: Command, outcome: Outcome) -> bool:
        """Look at what a writer was told; returns whether it is done with the command."""
        self.outcomes[outcome.kind] += 1
        if outcome.kind == "conflict":
            if outcome.head <= wanted.expected:
                self.wrong.append(f"conflict at {outcome.head}, expected {wanted.expected}: nothing had happened")
            return False
        if outcome.kind == "repeat":
            self.wrong.append("a command that was never sent before is called a repeat")
        if outcome.head != wanted.expected + len(wanted.rows):
            self.wrong.append(f"appended {len(wanted.rows)} to {wanted.expected}, and the head is {outcome.head}")
        self.appended.update(row.event_id for row in wanted.rows)
        return True

    async def tail(self, store: EventStore, done: asyncio.Event) -> None:
        """Follow the store as a relay does: past the last position seen, in position order."""
        position = 0
        while True:
            last_look = done.is_set()
            for event in await store.page(position, 1000):
                self.seen.append(event)
                position = event.position
            if last_look:
                return

    async def judge(self, store: EventStore) -> list[str]:
        """Return everything that is wrong."""
        stored = await store.page(0, 1_000_000)
        ids = {event.event_id for event in stored}
        seen = Counter(event.event_id for event in self.seen)
        if skipped := ids - set(seen):
            self.wrong.append(f"the reader skipped {len(skipped)} of {len(ids)} events")
        if doubled := [i for i, n in seen.items() if n > 1]:
            self.wrong.append(f"the reader saw {len(doubled)} events twice")
        if ids != self.appended:
            self.wrong.append(
                f"{len(self.appended - ids)} appended events are not stored, {len(ids - self.appended)} are extra"
            )
        versions: dict[UUID, list[int]] = {}
        for event in self.seen:
            versions.setdefault(event.stream_id, []).append(event.version)
        for stream, found in versions.items():
            if found != list(range(1, len(found) + 1)):
                self.wrong.append(f"stream {stream} was seen as {found[:20]}…")
        times = [event.recorded_at for event in stored]
        if times != sorted(times):
            self.wrong.append("positions are not in the order of recording")
        return self.wrong


async def race(stores: list[EventStore], reader: EventStore, commands: int) -> Race:
    """Run one race and return it, judged."""
    result = Race([random_id() for _ in range(STREAMS)])
    done = asyncio.Event()
    tailing = asyncio.create_task(result.tail(reader, done))
    await asyncio.gather(*(result.write(store, commands // len(stores)) for store in stores))
    done.set()
    await tailing
    await result.judge(reader)
    return result


async def compete(dsn: str, commands: int) -> Race:
    """Race through a pool per writer, as so many processes would."""
    opener = Stores(dsn)
    try:
        writers = [await opener.open("intake", 1) for _ in range(WRITERS)]
        return await race(writers, await opener.open("intake", 1), commands)
    finally:
        await opener.close()


async def test_two_thousand_appends_at_once(postgres_dsn):
    await prepare(postgres_dsn, {"intake": []}, edit=str)
    result = await compete(postgres_dsn, 2000)
    assert result.wrong == []
    assert result.outcomes["appended"] == 2000 // WRITERS * WRITERS
    assert result.outcomes["conflict"] > 100, "a race that nobody loses proves nothing"


def _mutated(text: str, what: str) -> str:
    """Return the migrations with the function changed as it was last defined, which is the one that holds."""
    before, name, last = text.rpartition("FUNCTION append_events(")
    return before + name + changed(last, *MUTANTS[what])


@pytest.mark.parametrize("what", MUTANTS)
async def test_the_check_notices_when(what, postgres_server_at):
    found: list[str] = []
    for _ in range(10):
        async with database(postgres_server_at) as dsn:
            await prepare(dsn, {"intake": []}, edit=lambda text: _mutated(text, what))
            found = (await compete(dsn, 360)).wrong
        if found:
            break
    assert found, f"{what}, and ten races did not show it"


async def test_one_command_sent_by_many_at_once_is_appended_once(stores):
    writers = [await stores.open("intake", 1) for _ in range(WRITERS)]
    for _ in range(10):
        stream, command_id = random_id(), random_id()
        wanted, _ = command("intake", stream, EMPTY, [created(), message()], command_id)
        outcomes = [outcome for (outcome,) in await asyncio.gather(*(store.append([wanted]) for store in writers))]
        assert Counter(outcome.kind for outcome in outcomes) == {"appended": 1, "repeat": WRITERS - 1}
        assert {outcome.head for outcome in outcomes} == {2}
        events, head = await writers[0].load(stream)
        assert [event.version for event in events] == [1, 2]
        assert head.version == 2


async def test_a_repeat_is_recognised_before_the_version_is_looked_at(stores):
    store = await stores.open()
    stream, command_id = random_id(), random_id()
    first, end = command("intake", stream, EMPTY, [created()], command_id)
    later, _ = command("intake", stream, end, [message()])
    assert [o.kind for o in await store.append([first])] == ["appended"]
    assert [o.kind for o in await store.append([later])] == ["appended"]
    assert [(o.kind, o.head) for o in await store.append([first])] == [("repeat", 2)]


async def test_each_command_of_a_batch_gets_its_own_outcome(stores):
    store = await stores.open()
    known, known_end = command("intake", random_id(), EMPTY, [created()])
    await store.append([known])
    stale, _ = command("intake", known.stream_id, EMPTY, [message()])
    too_far, _ = command("intake", random_id(), known_end, [message()])
    fresh = [command("intake", random_id(), EMPTY, [created(), message()])[0] for _ in range(3)]
    outcomes = await store.append([fresh[0], stale, fresh[1], too_far, fresh[2]])
    assert [(o.kind, o.head) for o in outcomes] == [
        ("appended", 2), ("conflict", 1), ("appended", 2), ("conflict", 0), ("appended", 2),
    ]  # fmt: skip
    assert len(await store.page(0, 100)) == 7


async def test_a_command_with_one_known_id_is_taken_whole_or_not_at_all(stores):
    store = await stores.open()
    stream, command_id = random_id(), random_id()
    first, end = command("intake", stream, EMPTY, [created()], command_id)
    await store.append([first])
    longer, _ = command("intake", stream, end, [message(), message()], command_id)  # its first id is known
    assert [o.kind for o in await store.append([longer])] == ["repeat"]
    assert [event.version for event in (await store.load(stream))[0]] == [1]
