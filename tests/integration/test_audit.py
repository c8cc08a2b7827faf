"""Every way of changing sealed history, by somebody who owns the database, is found and named; a clean one is clean."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledgerdesk.audit import seal as sealing
from ledgerdesk.audit import tables
from ledgerdesk.audit.check import Audit, NoSealError, audit
from ledgerdesk.audit.daily import DailySeals, newest_seal
from ledgerdesk.audit.document import parse, prove
from ledgerdesk.audit.history import NotSealedError, export
from ledgerdesk.audit.keys import AuditFiles
from ledgerdesk.audit.records import NO_PREVIOUS, Record, key_id, read, signed
from ledgerdesk.audit.seal import SealRefusedError, make_seal
from ledgerdesk.backup import backup, restore_files, restore_stores, unpack
from ledgerdesk.initialise import migrate_all
from ledgerdesk.verify import envelope
from shared import db
from shared.contracts.canonical import GENESIS, event_hash, personal_digest
from shared.contracts.event import NewEvent
from shared.contracts.ids import derived
from shared.eventstore.store import COLUMNS, EventStore
from shared.settings import Settings
from shared.testing.events import EMPTY, command, created, message
from shared.testing.mutants import mutant
from shared.testing.servers import database
from shared.testing.wait import wait_until_async

ONE, TWO, LATE = derived("one"), derived("two"), derived("late")
NOTED = NewEvent("ledgerdesk.ticket.noted", {}, {"body": "a note"})
FIRST_DAY = datetime(2026, 11, 21, 0, 0, 30, tzinfo=UTC)


@dataclass
class Stack:
    """A database with two seals over two tickets, and a third ticket since; the attacker's connection to it; the files."""

    dsn: str
    files: AuditFiles
    attacker: asyncpg.Connection

    async def differences(self) -> list[str]:
        return (await audit(self.dsn, Audit.of(self.files))).differences

    async def append(self, owner: str, stream: UUID, *facts: NewEvent) -> None:
        await append(self.dsn, owner, stream, *facts)

    async def seal(self, moment: datetime | None = None, **more) -> Record | None:
        return await make_seal(self.dsn, self.files, moment, **more)

    async def rehash(self, owner: str, stream: UUID) -> None:
        """Compute a stream's digests and hashes anew, as one who has read the source would."""
        await db.prepare_connection(self.attacker)
        link = GENESIS
        for row in await self.attacker.fetch(
            f'SELECT {COLUMNS}, salt, personal_digest FROM "{owner}".event WHERE stream_id = $1 ORDER BY version',
            stream,
        ):
            digest = row["personal_digest"]
            if row["personal"] is not None:
                digest = personal_digest(row["salt"], row["personal"])
            link = event_hash(link, envelope(row, owner), digest)
            await self.attacker.execute(
                f'UPDATE "{owner}".event SET personal_digest = $1, hash = $2 WHERE stream_id = $3 AND version = $4',
                digest, link, stream, row["version"],
            )  # fmt: skip


async def append(dsn: str, owner: str, stream: UUID, *facts: NewEvent) -> None:
    pool = await db.create_pool(dsn, owner, maximum=1)
    store = EventStore(owner, pool)
    head = (await store.heads([stream])).get(stream, EMPTY)
    outcome = await store.append([command(owner, stream, head, facts)[0]])
    assert outcome[0].kind == "appended"
    await pool.close()


@pytest.fixture(scope="session")
async def template(postgres_server_at, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    files = AuditFiles.beside(folder / "audit.key")
    files.make_key()
    async with database(postgres_server_at) as dsn:
        await migrate_all(dsn)
        await append(dsn, "intake", ONE, created("100001"), message("one"), message("two"), message("three"))
        await append(dsn, "workflow", ONE, NewEvent("ledgerdesk.ticket.started", {}))
        assert (await make_seal(dsn, files, FIRST_DAY)).number == 1
        await append(dsn, "intake", TWO, created("100002"), message())
        await append(dsn, "workflow", ONE, NOTED, NOTED)
        assert (await make_seal(dsn, files, FIRST_DAY + timedelta(days=1))).number == 2
        await append(dsn, "intake", LATE, created("100003"))
        await append(dsn, "workflow", ONE, NOTED)
        yield urlsplit(dsn).path.strip("/"), folder


@pytest.fixture
async def stack(postgres_server_at, template, tmp_path):
    name, folder = template
    data = tmp_path / "data"
    shutil.copytree(folder, data)
    async with database(postgres_server_at, name) as dsn:
        attacker = await asyncpg.connect(
            dsn, server_settings={"session_replication_role": "replica", "timezone": "UTC"}
        )
        yield Stack(dsn, AuditFiles.beside(data / "audit.key"), attacker)
        await attacker.close()


# -- clean -------------------------------------------------------------------------------------------------------------


async def test_a_clean_history_is_clean(stack):
    auditor = Audit.of(stack.files)
    verdict = await audit(stack.dsn, auditor)
    assert (verdict.differences, verdict.events) == ([], 11)
    newest = auditor.newest
    assert (newest.number, newest.day, newest.streams) == (2, "2026-11-21", 3)
    assert newest.positions == {"gateway": 0, "intake": 6, "routing": 0, "workflow": 3}


async def test_what_is_sealed_incrementally_is_what_a_full_count_gives(stack):
    await stack.seal()
    kept = [leaf async for leaf in _leaves(stack)]
    assert len(kept) == 4
    await stack.attacker.execute("TRUNCATE ledgerdesk.sealed_head, ledgerdesk.seal")
    records = [read(line) for line in stack.files.lines()]
    async with stack.attacker.transaction():
        await tables.restore(stack.attacker, records)
    assert [leaf async for leaf in _leaves(stack)] == kept
    assert await stack.differences() == []


async def _leaves(stack):
    async with stack.attacker.transaction():
        async for leaf in tables.leaves(stack.attacker):
            yield leaf


async def test_an_erased_person_leaves_the_audit_clean(stack):
    owner = await db.connect(stack.dsn, "intake")
    ids = [row["event_id"] for row in await owner.fetch("SELECT event_id FROM event")]
    assert await owner.fetchval("SELECT erase_personal($1)", ids) == len(ids)
    await owner.close()
    assert await stack.differences() == []
    await stack.seal()
    assert await stack.differences() == []
    proven = prove(await export(stack.dsn, ONE, stack.files.ring()), stack.files.ring())
    assert (proven.events, proven.erased) == ({"intake": 4, "workflow": 4, "gateway": 0, "routing": 0}, 4)


async def test_younger_than_the_seal_is_protected_by_its_chain_alone(stack):
    """The limit, as documented: who rewrites what no seal covers, chain and all, is not found."""
    await stack.attacker.execute("UPDATE intake.event SET data = data || '{\"x\": 1}' WHERE stream_id = $1", LATE)
    assert await stack.differences() == [f"intake: stream {LATE}: version 1 is not what was written"]
    await stack.rehash("intake", LATE)
    assert await stack.differences() == []


# -- tampering with events -----------------------------------------------------------------------------------------------

CHANGE = 'UPDATE intake.event SET data = data || \'{"channel": "mail"}\' WHERE stream_id = $1 AND version = 2'


async def test_a_changed_row(stack):
    await stack.attacker.execute(CHANGE, ONE)
    assert await stack.differences() == [f"intake: stream {ONE}: version 2 is not what was written"]


async def test_a_changed_row_with_all_hashes_after_it_computed_anew(stack):
    await stack.attacker.execute(CHANGE, ONE)
    await stack.rehash("intake", ONE)
    assert await stack.differences() == [
        f"intake: stream {ONE}: version 4 is not the one sealed: it, or one before it, was rewritten",
        "the stores do not give the root of seal 2",
    ]


async def test_and_with_the_leaf_replaced_too(stack):
    await stack.attacker.execute(CHANGE, ONE)
    await stack.rehash("intake", ONE)
    await stack.attacker.execute(
        "UPDATE ledgerdesk.sealed_head h SET hash = e.hash FROM intake.event e "
        "WHERE h.stream_id = e.stream_id AND h.owner = 'intake' AND h.version = e.version"
    )
    found = await stack.differences()
    assert found[0].startswith("the leaves in ledgerdesk.sealed_head do not give the root of seal 2")
    assert "the stores do not give the root of seal 2" in found


async def test_a_changed_personal_part(stack):
    change = 'UPDATE intake.event SET personal = personal || \'{"body": "never"}\' WHERE stream_id = $1 AND version = 3'
    await stack.attacker.execute(change, ONE)
    assert await stack.differences() == [f"intake: stream {ONE}: personal part of version 3 was changed"]
    await stack.rehash("intake", ONE)
    assert (
        f"intake: stream {ONE}: version 4 is not the one sealed: it, or one before it, was rewritten"
        in await stack.differences()
    )


async def test_a_row_removed_in_the_middle(stack):
    await stack.attacker.execute("DELETE FROM intake.event WHERE stream_id = $1 AND version = 2", ONE)
    found = await stack.differences()
    assert f"intake: stream {ONE}: version 2 is missing" in found


async def test_a_row_removed_in_the_middle_and_the_hole_closed(stack):
    await stack.attacker.execute("DELETE FROM intake.event WHERE stream_id = $1 AND version = 2", ONE)
    for version in (3, 4):
        await stack.attacker.execute(
            "UPDATE intake.event SET version = version - 1 WHERE stream_id = $1 AND version = $2", ONE, version
        )
    await stack.rehash("intake", ONE)
    assert await stack.differences() == [
        f"intake: stream {ONE}: versions 4 to 4 were cut off: 4 are sealed", "the stores do not give the root of seal 2",
    ]  # fmt: skip


async def test_a_stream_s_tail_cut_off(stack):
    """The chain of what is left holds: only the seal knows that there was more."""
    await stack.attacker.execute("DELETE FROM intake.event WHERE stream_id = $1 AND version > 2", ONE)
    assert f"intake: stream {ONE}: versions 3 to 4 were cut off: 4 are sealed" in await stack.differences()


async def test_a_vanished_stream(stack):
    await stack.attacker.execute("DELETE FROM workflow.event WHERE stream_id = $1", ONE)
    assert f"workflow: stream {ONE} has vanished: it had 3 versions when it was sealed" in await stack.differences()
    await stack.attacker.execute("DELETE FROM intake.event")
    found = await stack.differences()
    assert {
        f"intake: stream {stream} has vanished: it had {n} versions when it was sealed"
        for stream, n in ((ONE, 4), (TWO, 2))
    } <= {*found}


async def test_a_row_put_in_and_the_later_ones_moved_up(stack):
    for version in (4, 3, 2):
        await stack.attacker.execute(
            "UPDATE intake.event SET version = version + 1 WHERE stream_id = $1 AND version = $2", ONE, version
        )
    await _copy(stack, "intake", ONE, 1, ONE, 2, -5)
    await stack.rehash("intake", ONE)
    assert f"intake: stream {ONE}: versions 5 to 5 were put in: 4 are sealed" in await stack.differences()


async def test_a_stream_invented_before_the_cut(stack):
    invented = derived("invented")
    await _copy(stack, "intake", ONE, 1, invented, 1, -5)
    await stack.rehash("intake", invented)
    assert await stack.differences() == [
        f"intake: stream {invented} was not there when it was sealed: its versions 1 to 1 were put in",
        "the stores do not give the root of seal 2",
    ]


async def _copy(stack: Stack, owner: str, stream: UUID, version: int, to: UUID, at: int, position: int) -> None:
    await stack.attacker.execute(
        f"""
        INSERT INTO {owner}.event OVERRIDING SYSTEM VALUE
        SELECT $5, $3, $4, gen_random_uuid(), type, schema_version, data, personal, salt, personal_digest, meta,
               occurred_at, recorded_at, hash FROM {owner}.event WHERE stream_id = $1 AND version = $2
        """, stream, version, to, at, position,
    )  # fmt: skip


@pytest.mark.parametrize(
    "change", ["recorded_at = recorded_at - interval '1 day'", "recorded_at = recorded_at + interval '1 microsecond'", "position = -7"]
)  # fmt: skip
async def test_a_recorded_time_or_a_position_changed(stack, change):
    await stack.attacker.execute("ALTER TABLE intake.event ALTER position DROP IDENTITY")
    await stack.attacker.execute(f"UPDATE intake.event SET {change} WHERE stream_id = $1 AND version = 2", ONE)
    assert await stack.differences() == [
        f"intake: stream {ONE}: positions or recorded times of versions 1 to 4 are not those sealed",
        "the stores do not give the root of seal 2",
    ]


async def test_events_moved_past_the_cut(stack):
    await stack.attacker.execute("ALTER TABLE intake.event ALTER position DROP IDENTITY")
    await stack.attacker.execute("UPDATE intake.event SET position = position + 1000 WHERE stream_id = $1", TWO)
    assert f"intake: stream {TWO} has vanished: it had 2 versions when it was sealed" in await stack.differences()


# -- tampering with seals ------------------------------------------------------------------------------------------------


async def test_the_newest_seal_dropped_and_the_stores_put_back_to_the_one_before(stack):
    """The database is whole in itself, as it was a day ago; the file remembers."""
    await stack.attacker.execute("DELETE FROM ledgerdesk.seal WHERE number = 2")
    await stack.attacker.execute("DELETE FROM workflow.event WHERE version > 1")
    await stack.attacker.execute("DELETE FROM intake.event WHERE stream_id <> $1", ONE)
    await stack.attacker.execute("TRUNCATE ledgerdesk.sealed_head")
    old = json.loads(stack.files.lines()[0])
    async with stack.attacker.transaction():
        await tables.restore(stack.attacker, [])
        for owner in tables.ORDER:
            leaves = [leaf async for leaf in tables._heads(stack.attacker, owner, old["positions"][owner])]
            await tables.write(stack.attacker, leaves)
    found = await stack.differences()
    assert found[0] == "seal 2 is in seals.jsonl and not in the database: it was removed there"
    assert "the stores do not give the root of seal 2" in found
    with pytest.raises(SealRefusedError, match="are not those in"):
        await stack.seal()


async def test_a_seal_s_row_changed(stack):
    await stack.attacker.execute(
        "UPDATE ledgerdesk.seal SET record = replace(record, '\"streams\":2', '\"streams\":1') WHERE number = 1"
    )
    found = await stack.differences()
    assert found[0] == "database: seal 1: its signature does not hold: it was changed or forged"
    assert "seal 1 is not the same in the database and in seals.jsonl: one was changed" in found


async def test_a_seal_that_is_no_json_and_one_removed_in_the_middle(stack):
    await stack.seal()
    await stack.attacker.execute("UPDATE ledgerdesk.seal SET record = 'x' WHERE number = 1")
    await stack.attacker.execute("DELETE FROM ledgerdesk.seal WHERE number = 2")
    found = await stack.differences()
    assert "database: seal 1 cannot be read: Expecting value: line 1 column 1 (char 0)" in found
    assert "seal 2 is in seals.jsonl and not in the database: it was removed there" in found


async def test_a_seal_forged_with_another_key(stack):
    """The attacker changes history and signs it anew, with all leaves: the key is not ours."""
    await stack.attacker.execute(CHANGE, ONE)
    await stack.rehash("intake", ONE)
    await stack.attacker.execute("TRUNCATE ledgerdesk.seal, ledgerdesk.sealed_head")
    theirs = AuditFiles.beside(stack.files.key.with_name("theirs.key"), stack.files.key.with_name("theirs.jsonl"))
    theirs.make_key()
    forged = await make_seal(stack.dsn, theirs)
    found = await stack.differences()
    assert f"database: seal 1 is signed by key {forged.key_id}, which is not among the public keys given" in found
    assert "seal 1 is not the same in the database and in seals.jsonl: one was changed" in found
    assert "the stores do not give the root of seal 2" in found


async def test_the_file_cut_changed_or_gone(stack):
    lines = stack.files.lines()
    stack.files.seals.write_text(lines[0] + "\n")
    assert (await stack.differences())[0].startswith("seal 2 is in the database and not in seals.jsonl")
    stack.files.seals.write_text("\n".join([lines[0].replace('"streams":2', '"streams":1'), lines[1]]))
    assert "seals.jsonl: seal 1: its signature does not hold: it was changed or forged" in await stack.differences()
    stack.files.seals.unlink()
    assert len([text for text in await stack.differences() if "not in seals.jsonl" in text]) == 2


async def test_seals_are_not_changed_by_accident(stack):
    owner = await asyncpg.connect(stack.dsn)
    for statement in (
        "UPDATE ledgerdesk.seal SET record = ''",
        "DELETE FROM ledgerdesk.seal",
        "TRUNCATE ledgerdesk.seal",
    ):
        with pytest.raises(asyncpg.RaiseError, match="never changed or removed"):
            await owner.execute(statement)
    await owner.execute('SET ROLE "ledgerdesk_audit"')
    for statement in (
        "UPDATE intake.event SET data = '{}'",
        "DELETE FROM ledgerdesk.sealed_head",
        "TRUNCATE ledgerdesk.seal",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute(statement)
    await owner.close()


# -- making seals ----------------------------------------------------------------------------------------------------------


async def test_nothing_new_makes_no_seal(stack):
    assert (await stack.seal()).number == 3
    assert await stack.seal() is None
    assert await stack.differences() == []


async def test_one_seal_a_day_by_itself(stack):
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    assert await stack.seal(midnight - timedelta(seconds=1), daily=True) is None
    made = await stack.seal(midnight, daily=True)
    assert (made.number, made.day) == (3, "2026-11-22")
    await stack.append("intake", ONE, message())
    assert await stack.seal(midnight + timedelta(hours=23), daily=True) is None
    assert (await stack.seal(midnight + timedelta(hours=24), daily=True)).number == 4


async def test_two_at_once_make_one(stack):
    other = AuditFiles.beside(stack.files.key, stack.files.key.with_name("other.jsonl"))
    made = await asyncio.gather(stack.seal(), make_seal(stack.dsn, other), stack.seal(), make_seal(stack.dsn, other))
    assert len([record for record in made if record is not None]) == 1
    assert await stack.differences() == []


async def test_without_the_lock_they_collide(stack):
    alone = mutant(sealing.make_seal, ('await connection.execute(f"SELECT pg_advisory_lock({tables.LOCK})")', "pass"))
    started = asyncio.Barrier(2)
    known = sealing._known

    async def together(connection, files):
        found = await known(connection, files)
        await started.wait()
        return found

    alone.__globals__["_known"] = together
    made = await asyncio.gather(*(alone(stack.dsn, stack.files) for _ in range(2)), return_exceptions=True)
    assert any(isinstance(one, asyncpg.PostgresError) for one in made)


async def test_killed_between_commit_and_file(stack, monkeypatch):
    def killed(_, records):
        if records:
            raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(AuditFiles, "append", killed)
        with pytest.raises(ConnectionError):
            await stack.seal()
    assert (await stack.differences())[0].startswith("seal 3 is in the database and not in seals.jsonl")
    assert await stack.seal() is None
    assert await stack.differences() == []


@pytest.mark.parametrize("then", [[], [message()]])
async def test_changed_history_is_not_sealed_over(stack, then):
    """What was changed and then built upon would be in the next leaf; the seal goes on from the sealed one instead."""
    await stack.attacker.execute(CHANGE, ONE)
    await stack.rehash("intake", ONE)
    if then:
        await stack.append("intake", ONE, *then)
        with pytest.raises(
            SealRefusedError, match=f"intake: stream {ONE}: version 5 does not follow from version 4 as it was sealed"
        ):
            await stack.seal()
    else:
        assert (await stack.seal()).number == 3
    rewritten = f"intake: stream {ONE}: version 4 is not the one sealed: it, or one before it, was rewritten"
    assert rewritten in await stack.differences()


async def test_a_cut_store_or_changed_leaves_are_not_sealed_over(stack):
    await stack.attacker.execute("UPDATE ledgerdesk.sealed_head SET version = 9 WHERE stream_id = $1", TWO)
    with pytest.raises(SealRefusedError, match="do not give the root of seal 2"):
        await stack.seal()
    await stack.attacker.execute("DELETE FROM workflow.event WHERE version > 1")
    with pytest.raises(SealRefusedError, match="its end was cut off"):
        await stack.seal()


async def test_there_is_nothing_to_audit_without_a_seal(postgres_dsn, tmp_path):
    await migrate_all(postgres_dsn)
    files = AuditFiles.beside(tmp_path / "audit.key")
    files.make_key()
    with pytest.raises(NoSealError, match="ledgerdesk seal"):
        await audit(postgres_dsn, Audit.of(files))
    assert await make_seal(postgres_dsn, files) is None


async def test_the_key_is_nowhere_in_the_database(stack):
    secret = stack.files.private_key().private_bytes_raw()
    text = await stack.attacker.fetchval("SELECT string_agg(record, '') FROM ledgerdesk.seal")
    assert secret.hex() not in text
    assert NO_PREVIOUS in text
    assert key_id(Ed25519PrivateKey.from_private_bytes(secret).public_key()) in text


# -- backup, command line, by itself -----------------------------------------------------------------------------------------


async def test_seals_survive_a_restore(stack, postgres_server_at, tmp_path):
    target, folder, fresh_data = tmp_path / "b.tar", tmp_path / "unpacked", tmp_path / "fresh"
    await backup(stack.dsn, stack.files.key.parent, target)
    folder.mkdir()
    manifest = unpack(target, folder)
    async with database(postgres_server_at) as fresh:
        await migrate_all(fresh)
        await restore_stores(fresh, folder, manifest)
        restore_files(folder, fresh_data)
        files = AuditFiles.of(fresh_data)
        assert files.key.stat().st_mode & 0o077 == 0
        assert (await audit(fresh, Audit.of(files))).differences == []
        assert (await make_seal(fresh, files)).number == 3
        assert (await audit(fresh, Audit.of(files))).differences == []


def ledgerdesk(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DATABASE_URL": stack.dsn, "LEDGERDESK_AUDIT_KEY_FILE": str(stack.files.key)}
    return subprocess.run(
        [sys.executable, "-m", "ledgerdesk.cli", *arguments], capture_output=True, text=True, check=False, env=env
    )


async def test_at_the_command_line(stack, tmp_path):
    out, public = tmp_path / "history.json", tmp_path / "brought.pub"
    shutil.copy(stack.files.public, public)
    early = await asyncio.to_thread(ledgerdesk, stack, "history", "export", str(ONE), "--out", str(out))
    assert (early.returncode, out.exists()) == (1, False)
    assert "workflow has events of it that seal 2 does not cover" in early.stderr
    done = await asyncio.to_thread(ledgerdesk, stack, "history", "export", str(ONE), "--out", str(out), "--seal")
    assert done.returncode == 0, done.stderr
    checked = await asyncio.to_thread(_check_offline, out, public)
    assert checked.returncode == 0, checked.stderr
    assert "8 events (intake 4, workflow 4, gateway 0, routing 0)" in checked.stdout
    out.write_text(out.read_text().replace("Every ten minutes.", "Every ten years."))
    checked = await asyncio.to_thread(_check_offline, out, public)
    assert (checked.returncode, checked.stderr) == (
        2,
        "does not hold: intake 1: the personal part is not the one that was written\n",
    )
    assert "nothing is new: no seal was made" in (await asyncio.to_thread(ledgerdesk, stack, "seal")).stdout

    await stack.attacker.execute(CHANGE, ONE)
    await stack.rehash("intake", ONE)
    told = await asyncio.to_thread(ledgerdesk, stack, "verify", "--audit", "--wait", "0", "--key", str(public))
    assert told.returncode == 2
    assert f"intake: stream {ONE}: version 4 is not the one sealed" in " ".join(told.stdout.split())


def _check_offline(file: Path, key: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ledgerdesk.cli", "history", "check", str(file), "--key", str(key)],
        capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]}, cwd=file.parent,
    )  # fmt: skip


async def test_an_export_is_of_sealed_and_whole_history_only(stack):
    document = await export(stack.dsn, TWO, stack.files.ring())
    proven = prove(parse(document.model_dump_json()), stack.files.ring())
    assert (proven.events, proven.seal.number) == ({"intake": 2, "gateway": 0, "routing": 0, "workflow": 0}, 2)
    with pytest.raises(NotSealedError, match="seal 2 does not cover"):
        await export(stack.dsn, LATE, stack.files.ring())
    with pytest.raises(NotSealedError, match="no ticket that was opened here"):
        await export(stack.dsn, derived("nobody"), stack.files.ring())


async def test_the_host_s_task_makes_the_day_s_seal(stack):
    settings = Settings(database_url=stack.dsn)
    task = DailySeals(settings, stack.files.key, grace=0, pause=0.1)
    pool = await db.create_pool(stack.dsn, "gateway", maximum=1)
    task.start()

    async def sealed() -> bool:
        return (await newest_seal(pool))["number"] == 3

    try:
        await wait_until_async(sealed)
    finally:
        await task.stop()
        await pool.close()
    assert await stack.differences() == []


async def test_a_record_signed_twice_is_another(stack):
    record = read(stack.files.lines()[0])
    again = signed(record.model_dump(exclude={"signature", "key_id", "format"}), stack.files.private_key())
    assert again == record, "Ed25519 is deterministic: a seal has one signature and one hash"
