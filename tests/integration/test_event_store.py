"""The ledger can only grow, personal data can go without breaking its chain, and each service keeps to its own tables."""

import asyncio

import asyncpg
import pytest

from shared import db
from shared.contracts.canonical import event_hash, personal_digest
from shared.contracts.event import NewEvent, from_feed_line, rfc3339, to_feed_line
from shared.contracts.ids import random_id
from shared.db import MigrationError, migrate
from shared.eventstore.appender import Appender, StoreUnavailableError
from shared.eventstore.store import EMPTY, EventStore
from shared.testing.events import command, created, message
from shared.testing.stores import STORE, Stores
from shared.testing.wait import wait_until_async


@pytest.fixture
async def store(stores: Stores) -> EventStore:
    return await stores.open()


@pytest.fixture
async def one_ticket(store):
    wanted, _ = command("intake", random_id(), EMPTY, [created(), message(), message("Please!")])
    await store.append([wanted])
    return wanted.stream_id


# -- append only -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET version = version + 1",
        "UPDATE event SET data = '{}'",
        "UPDATE event SET personal = NULL, salt = NULL",
        "DELETE FROM event",
        "TRUNCATE event",
        "TRUNCATE event CASCADE",
        # the setting opens nothing but the erasure:
        "SET ledgerdesk.erasing = 'on'; UPDATE event SET data = '{}'",
        "SET ledgerdesk.erasing = 'on'; UPDATE event SET personal = '{}', salt = NULL",
        "SET ledgerdesk.erasing = 'on'; UPDATE event SET personal = NULL, salt = NULL, hash = '\\x00'",
        "SET ledgerdesk.erasing = 'on'; DELETE FROM event",
    ],
)
@pytest.mark.usefixtures("one_ticket")
async def test_events_are_never_changed_or_removed(stores, store, statement):
    before = await store.pool.fetch("SELECT * FROM event ORDER BY position")
    connection = await stores.connection()
    with pytest.raises(asyncpg.RaiseError, match="never changed or removed"):
        await connection.execute(statement)
    assert await store.pool.fetch("SELECT * FROM event ORDER BY position") == before


async def chain_is_whole(store, stream) -> bool:
    """Recompute a stream's chain from what is stored, as an audit does."""
    rows = await store.pool.fetch("SELECT * FROM event WHERE stream_id = $1 ORDER BY version", stream)
    previous = bytes(32)
    for row in rows:
        meta = row["meta"]
        if row["personal"] is not None and personal_digest(row["salt"], row["personal"]) != row["personal_digest"]:
            return False
        envelope = {
            "id": str(row["event_id"]), "source": store.owner, "stream": str(stream), "version": row["version"],
            "type": row["type"], "schemaversion": row["schema_version"], "time": rfc3339(row["occurred_at"]),
            "actor": meta["actor"], "via": meta["via"], "cause": meta["cause"], "correlation": meta["correlation"],
            "data": row["data"],
        }  # fmt: skip
        previous = event_hash(previous, envelope, row["personal_digest"])
        if previous != row["hash"]:
            return False
    return bool(rows)


async def test_erasing_takes_the_personal_part_and_leaves_the_chain(store, one_ticket):
    events, _ = await store.load(one_ticket)
    assert await chain_is_whole(store, one_ticket)
    assert await store.pool.fetchval("SELECT erase_personal($1)", [events[0].event_id, events[2].event_id]) == 2
    after, _ = await store.load(one_ticket)
    assert [event.personal is None for event in after] == [True, False, True]
    assert [event.data for event in after] == [event.data for event in events]
    assert (
        await store.pool.fetchval("SELECT count(*) FROM event WHERE salt IS NULL AND personal_digest IS NOT NULL") == 2
    )
    assert await chain_is_whole(store, one_ticket)
    assert await store.pool.fetchval("SELECT erase_personal($1)", [events[0].event_id]) == 0, "twice is once"
    more, _ = command("intake", one_ticket, (await store.heads([one_ticket]))[one_ticket], [message()])
    assert [o.kind for o in await store.append([more])] == ["appended"], "the stream goes on"
    assert await chain_is_whole(store, one_ticket)


async def test_the_audit_notices_a_forgery(store, one_ticket):
    await store.pool.execute("ALTER TABLE event DISABLE TRIGGER event_is_append_only")  # the owner of the tables may
    await store.pool.execute('UPDATE event SET data = data || \'{"channel": "phone"}\' WHERE version = 2')
    assert not await chain_is_whole(store, one_ticket)


async def test_a_batch_of_events_of_unknown_size_reads_back_as_written(store):
    fact = NewEvent(
        "ledgerdesk.ticket.message_received", {"person_id": str(random_id()), "channel": "ä\u2028\U0001f600"},
        {"body": 'line\nline\ttab "quoted" \\ \x7f', "author": {"email": None, "name": "Zoë"}},
    )  # fmt: skip
    wanted, _ = command("intake", random_id(), EMPTY, [created(), *[fact] * 300])
    await store.append([wanted])
    events, head = await store.load(wanted.stream_id)
    assert len(events) == head.version == 301
    assert (events[-1].data, events[-1].personal) == (fact.data, fact.personal)
    assert await chain_is_whole(store, wanted.stream_id)


# -- one schema per owner --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM intake.event",
        "SELECT * FROM intake.relay_cursor",
        "INSERT INTO intake.relay_cursor VALUES ('mine', 0)",
        "UPDATE intake.relay_cursor SET position = 0",
        "SELECT * FROM intake.append_events('{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}')",
        "SELECT intake.erase_personal('{}')",
        "CREATE TABLE intake.mine ()",
        "DROP TABLE intake.event",
        "CREATE SCHEMA mine",
    ],
)
async def test_no_service_reaches_into_another_s_schema(stores, statement):
    connection = await stores.connection("workflow")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)


async def test_each_service_acts_as_itself(stores):
    for owner in ("intake", "workflow"):
        store = await stores.open(owner)
        who = await store.pool.fetchrow("SELECT current_user AS role, current_schema() AS schema")
        assert tuple(who) == (f"ledgerdesk_{owner}", owner)


async def test_a_pool_keeps_its_role_after_a_reset(stores):
    store = await stores.open(connections=1)
    for _ in range(2):  # the same connection, after the reset a pool does
        async with store.pool.acquire() as connection:
            assert await connection.fetchval("SELECT current_user") == "ledgerdesk_intake"
            await connection.execute("SET search_path = public")


# -- migrations ------------------------------------------------------------------------------------------------------


async def test_migrations_go_forward_only(stores, tmp_path):
    folder = tmp_path / "mine" / "migrations"
    folder.mkdir(parents=True)
    (folder / "0001_a.sql").write_text("CREATE TABLE a ()")
    connection = await stores.connection()
    assert await migrate(connection, [STORE, folder]) == ["mine/0001_a.sql"]
    assert await migrate(connection, [STORE, folder]) == []
    (folder / "0001_a.sql").write_text("CREATE TABLE a (x int)")
    with pytest.raises(MigrationError, match=r"mine/0001_a\.sql was changed after it was applied"):
        await migrate(connection, [STORE, folder])


async def test_a_failed_migration_leaves_nothing(stores, tmp_path):
    folder = tmp_path / "mine" / "migrations"
    folder.mkdir(parents=True)
    (folder / "0001_a.sql").write_text("CREATE TABLE a (); SELECT no_such_function()")
    connection = await stores.connection()
    with pytest.raises(asyncpg.UndefinedFunctionError):
        await migrate(connection, [folder])
    assert await connection.fetchval("SELECT to_regclass('a')") is None
    (folder / "0001_a.sql").write_text("CREATE TABLE a ()")
    assert await migrate(connection, [folder]) == ["mine/0001_a.sql"]


async def test_two_processes_migrate_at_once(stores, tmp_path):
    folder = tmp_path / "mine" / "migrations"
    folder.mkdir(parents=True)
    for number in range(5):
        (folder / f"000{number}_t.sql").write_text(f"CREATE TABLE t{number} ()")
    connections = [await stores.connection() for _ in range(4)]
    applied = await asyncio.gather(*(migrate(connection, [folder]) for connection in connections))
    assert sorted(map(len, applied)) == [0, 0, 0, 5]


# -- the appender ----------------------------------------------------------------------------------------------------


class Watched(EventStore):
    """A store that remembers its batches."""

    def __init__(self, owner, pool):
        super().__init__(owner, pool)
        self.batches = []

    async def append(self, commands):
        self.batches.append([c.stream_id for c in commands])
        return await super().append(commands)


@pytest.fixture
async def appender(store):
    watched = Watched(store.owner, store.pool)
    appender = Appender(watched)
    yield appender
    await appender.stop()


async def test_a_repeated_id_among_a_hundred_does_not_fail_the_others(appender):
    commands = [command("intake", random_id(), EMPTY, [created()])[0] for _ in range(100)]
    appender.start()
    assert (await appender.append(commands[42])).kind == "appended"
    outcomes = await asyncio.gather(*(appender.append(c) for c in commands))
    assert [n for n, o in enumerate(outcomes) if o.kind != "appended"] == [42]
    assert outcomes[42].kind == "repeat"
    assert appender._store.batches[1:] == [[c.stream_id for c in commands]], "one commit for all"


async def test_two_commands_of_one_stream_go_into_separate_batches(appender):
    first, end = command("intake", random_id(), EMPTY, [created()])
    second, _ = command("intake", first.stream_id, end, [message()])
    others = [command("intake", random_id(), EMPTY, [created()])[0] for _ in range(3)]
    waiting = [asyncio.create_task(appender.append(c)) for c in (first, others[0], second, others[1], first, others[2])]
    await asyncio.sleep(0)  # all are queued before the appender begins
    appender.start()
    outcomes = await asyncio.gather(*waiting)
    assert [o.kind for o in outcomes] == ["appended", "appended", "appended", "appended", "repeat", "appended"]
    streams = [first.stream_id, *(o.stream_id for o in others)]
    assert appender._store.batches == [streams, [first.stream_id], [first.stream_id]]


async def test_stopping_finishes_what_is_queued(store):
    appender = Appender(store)
    appender.start()
    waiting = [
        asyncio.create_task(appender.append(command("intake", random_id(), EMPTY, [created()])[0])) for _ in range(5)
    ]
    await asyncio.sleep(0)
    await appender.stop()
    assert [o.kind for o in await asyncio.wait_for(asyncio.gather(*waiting), 5)] == ["appended"] * 5


async def test_the_relay_is_woken_by_what_was_appended_and_by_nothing_else(appender):
    appender.start()
    wanted, _ = command("intake", random_id(), EMPTY, [created()])
    assert not appender.appended.is_set()
    await appender.append(wanted)
    assert appender.appended.is_set()
    appender.appended.clear()
    await appender.append(wanted)
    assert not appender.appended.is_set(), "a repeat appends nothing"


async def kill_backends_of(dsn: str, application: str) -> int:
    """End the connections of a service, as a crash of its backend would."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()",
            application,
        )
        return len(rows)
    finally:
        await connection.close()


async def test_a_lost_connection_leaves_the_outcome_unknown_and_the_same_command_may_come_again(stores):
    store = await stores.open(connections=1)
    appender = Appender(store)
    appender.start()
    try:
        holder = await stores.connection("workflow")  # holds intake's append lock: the append hangs in it
        await holder.execute("SELECT pg_advisory_lock(hashtextextended('ledgerdesk.append.intake', 0))")
        wanted, _ = command("intake", random_id(), EMPTY, [created()])
        hanging = asyncio.create_task(appender.append(wanted))

        async def killed() -> bool:
            return await kill_backends_of(stores.dsn, "intake") > 0

        await wait_until_async(killed, message="the append to hang")
        with pytest.raises(StoreUnavailableError):
            await hanging
        await holder.execute("SELECT pg_advisory_unlock_all()")
        assert (await appender.append(wanted)).kind == "appended"
    finally:
        await appender.stop()


async def test_a_command_given_up_by_its_client_is_appended_all_the_same(appender, store):
    wanted, _ = command("intake", random_id(), EMPTY, [created()])
    task = asyncio.create_task(appender.append(wanted))
    await asyncio.sleep(0)
    task.cancel()
    appender.start()

    async def there() -> bool:
        return (await store.load(wanted.stream_id))[1].version == 1

    await wait_until_async(there)
    follow, _ = command("intake", random_id(), EMPTY, [created()])
    assert (await appender.append(follow)).kind == "appended", "the appender goes on"


async def test_an_error_of_a_batch_reaches_every_waiter(store, monkeypatch):
    async def broken(_commands):
        raise RuntimeError("no luck")

    monkeypatch.setattr(store, "append", broken)
    appender = Appender(store)
    appender.start()
    try:
        commands = [command("intake", random_id(), EMPTY, [created()])[0] for _ in range(3)]
        results = await asyncio.gather(*(appender.append(c) for c in commands), return_exceptions=True)
        assert [str(result) for result in results] == ["no luck"] * 3
    finally:
        await appender.stop()


async def test_lost_connections_are_recognised():
    for error in (asyncpg.InternalClientError(), asyncpg.CannotConnectNowError(), ConnectionResetError()):
        assert isinstance(error, db.LOST_CONNECTION)


async def test_an_event_s_ids_may_stand_in_jsonb(store):
    """The driver's own kind of UUID, which events hold because it is fast, is text in JSON like any other."""
    wanted, _ = command("intake", random_id(), EMPTY, [created()])
    await store.append([wanted])
    (event,), _ = await store.load(wanted.stream_id)
    (again,) = [from_feed_line(to_feed_line(event))]
    text = str(wanted.stream_id)
    for value in (event.stream_id, again.stream_id, wanted.stream_id):
        assert await store.pool.fetchval("SELECT $1::jsonb", {"of": [value]}) == {"of": [text]}
        assert await store.pool.fetchval("SELECT ($1::jsonb[])[1]", db.jsonb_lists([[value]])) == [text]
    with pytest.raises(asyncpg.DataError):
        await store.pool.fetchval("SELECT $1::jsonb", {"of": object()})
