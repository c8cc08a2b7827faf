"""Backup and restore: what goes in comes out, and the chains hold."""

import tarfile
from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from ledgerdesk.backup import BackupError, backup, restore_files, restore_keys, restore_stores, unpack
from ledgerdesk.initialise import migrate_all
from ledgerdesk.verify import Verdict, _check_chains
from shared import db
from shared.contracts.catalogue import OWNERS
from shared.contracts.event import Actor, NewEvent, Via
from shared.eventstore.appender import Appender
from shared.eventstore.ledger import Context, Ledger
from shared.eventstore.store import EventStore

CREATED = {
    "number": "100007", "person_id": str(uuid4()), "channel": "api", "topic": None, "department": None, "priority": None,
    "severity": None, "tags": ["a"], "external_id": None,
}  # fmt: skip
WORDS = {"subject": "Ärger", "body": "line\nline", "requester": {"email": "ken@example.org", "name": "Ken"}}


@pytest.fixture
async def filled(postgres_dsn):
    await migrate_all(postgres_dsn)
    pool = await db.create_pool(postgres_dsn, "intake")
    store = EventStore("intake", pool)
    appender = Appender(store)
    appender.start()
    ledger = Ledger(store, appender, dict, lambda state, _: state)
    for _ in range(20):
        context = Context(uuid4(), Actor("system", "test"), Via("system", "test"))
        await ledger.execute(uuid4(), lambda _: [NewEvent("ledgerdesk.ticket.created", CREATED, WORDS)] * 3, context)
    await pool.fetchval("SELECT nextval('ticket_number')")
    await appender.stop()
    await pool.close()
    return postgres_dsn


async def _second_database(dsn: str) -> str:
    name = f"restored_{uuid4().hex[:8]}"
    connection = await asyncpg.connect(dsn)
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()
    parts = urlsplit(dsn)
    other = urlunsplit(parts._replace(path=f"/{name}"))
    await migrate_all(other)
    return other


async def _events(dsn: str, owner: str) -> list[tuple]:
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch(f'SELECT * FROM "{owner}".event ORDER BY position')
    await connection.close()
    return [tuple(row) for row in rows]


async def _chains(dsn: str) -> Verdict:
    verdict = Verdict()
    connection = await asyncpg.connect(dsn)
    await db.prepare_connection(connection)
    async with connection.transaction(readonly=True):
        for owner in OWNERS:
            verdict.events += await _check_chains(connection, owner, verdict)
    await connection.close()
    return verdict


async def test_a_restored_store_is_the_store_that_was_saved_and_goes_on_from_there(filled, tmp_path):
    data, target = tmp_path / "data", tmp_path / "backup.tar"
    data.mkdir()
    (data / "secret.key").write_text("s" * 64)
    (data / "files").mkdir()
    (data / "files" / "one").write_text("attached")
    manifest = await backup(filled, data, target)
    assert manifest["stores"]["intake"]["events"] == 60
    assert target.stat().st_mode & 0o077 == 0, "it holds secrets: nobody else may read it"

    fresh = await _second_database(filled)
    folder = tmp_path / "unpacked"
    folder.mkdir()
    assert await restore_stores(fresh, folder, unpack(target, folder)) == 60
    assert await _events(fresh, "intake") == await _events(filled, "intake")
    verdict = await _chains(fresh)
    assert (verdict.differences, verdict.events) == ([], 60)
    connection = await db.connect(fresh, "intake")
    assert await connection.fetchval("SELECT nextval('ticket_number')") > await _last_number(filled)
    position = await connection.fetchval(
        "SELECT (append_events($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)).outcome", *_row()
    )
    assert position == "appended"
    assert await connection.fetchval("SELECT max(position) = count(*) FROM event")
    await connection.close()

    restored = tmp_path / "restored"
    restore_files(folder, restored)
    restore_files(folder, restored)  # once more, after something else failed
    restore_keys(folder, restored)
    assert (restored / "secret.key").read_text() == "s" * 64
    assert (restored / "secret.key").stat().st_mode & 0o077 == 0
    assert (restored / "files" / "one").read_text() == "attached"


async def _last_number(dsn: str) -> int:
    connection = await db.connect(dsn, "intake")
    number = await connection.fetchval("SELECT last_value FROM ticket_number")
    await connection.close()
    return int(number)


def _row() -> list[list]:
    return [
        [uuid4()],
        [0],
        [1],
        [uuid4()],
        ["x"],
        [1],
        [1],
        [b"{}"],
        [None],
        [None],
        [None],
        [b"{}"],
        [datetime.now(UTC)],
        [b"h"],
    ]


async def test_a_store_that_is_not_empty_is_left_alone(filled, tmp_path):
    target = tmp_path / "backup.tar"
    await backup(filled, tmp_path / "none", target)
    folder = tmp_path / "unpacked"
    folder.mkdir()
    before = await _events(filled, "intake")
    with pytest.raises(BackupError, match="not empty"):
        await restore_stores(filled, folder, unpack(target, folder))
    assert await _events(filled, "intake") == before


async def test_a_damaged_archive_is_refused(filled, tmp_path):
    target = tmp_path / "backup.tar"
    await backup(filled, tmp_path / "none", target)
    folder = tmp_path / "damaged"
    folder.mkdir()
    with tarfile.open(target) as archive:
        archive.extractall(folder, filter="data")
    content = bytearray((folder / "intake.copy.gz").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "intake.copy.gz").write_bytes(content)
    damaged = tmp_path / "damaged.tar"
    with tarfile.open(damaged, "w") as archive:
        for path in folder.iterdir():
            archive.add(path, path.name)
    (tmp_path / "again").mkdir()
    with pytest.raises(BackupError, match="damaged: the store of intake"):
        unpack(damaged, tmp_path / "again")
    (tmp_path / "junk.tar").write_bytes(b"no archive")
    with pytest.raises(BackupError, match="no backup"):
        unpack(tmp_path / "junk.tar", tmp_path / "again")


async def test_verify_finds_a_row_changed_behind_the_ledgers_back(filled):
    connection = await asyncpg.connect(filled)
    await connection.execute("ALTER TABLE intake.event DISABLE TRIGGER USER")
    await connection.execute("""UPDATE intake.event SET data = data || '{"topic": "mail"}' WHERE position = 7""")
    await connection.execute("ALTER TABLE intake.event ENABLE TRIGGER USER")
    await connection.close()
    verdict = await _chains(filled)
    assert len(verdict.differences) == 1
    assert "is not what was written" in verdict.differences[0]
