"""Seals: made one at a time, once a day, never over changed history; restored, exported, at the command line."""

import asyncio
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledgerdesk.audit import seal as sealing
from ledgerdesk.audit.check import Audit, NoSealError, audit
from ledgerdesk.audit.daily import DailySeals, newest_seal
from ledgerdesk.audit.document import parse, prove
from ledgerdesk.audit.history import NotSealedError, export
from ledgerdesk.audit.keys import AuditFiles
from ledgerdesk.audit.records import NO_PREVIOUS, key_id, read, signed
from ledgerdesk.audit.seal import SealRefusedError, make_seal
from ledgerdesk.backup import backup, restore_keys, restore_stores, unpack
from ledgerdesk.initialise import migrate_all
from shared import db
from shared.contracts.ids import derived
from shared.settings import Settings
from shared.testing.events import created, message
from shared.testing.mutants import mutant
from shared.testing.servers import database
from shared.testing.wait import wait_until_async
from tests.integration.sealed import CHANGE, LATE, NOTED, ONE, TWO, Stack

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


async def test_what_is_appended_while_a_seal_is_made_is_all_after_it(stack, monkeypatch):
    """The ends of the stores and the events up to them come from one snapshot."""
    advance = sealing._advance

    async def late(connection, owner, after):
        await stack.append(owner, ONE, message() if owner == "intake" else NOTED)
        await stack.append(owner, derived(owner), created() if owner == "intake" else NOTED)
        await advance(connection, owner, after)

    monkeypatch.setattr(sealing, "_advance", late)
    made = await stack.seal()
    assert (made.positions["intake"], made.positions["workflow"], made.streams) == (7, 4, 4)
    assert await stack.differences() == []
    assert (await stack.seal()).streams == 6
    assert await stack.differences() == []


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


async def test_a_hole_is_not_sealed_even_with_hashes_that_fit(stack):
    await stack.append("intake", ONE, message(), message())
    await stack.attacker.execute("DELETE FROM intake.event WHERE stream_id = $1 AND version = 5", ONE)
    await stack.rehash("intake", ONE)
    with pytest.raises(SealRefusedError, match="version 6 follows 4"):
        await stack.seal()


async def test_nothing_is_sealed_on_top_of_a_seal_that_is_not_ours(stack):
    """Whoever has the file, too, and not the key, can make them agree; he cannot have it signed over."""
    forged = stack.files.lines()[1].replace('"day":"2026-11-21"', '"day":"2026-11-22"')
    await stack.attacker.execute("UPDATE ledgerdesk.seal SET record = $1 WHERE number = 2", forged)
    stack.files.seals.write_text(f"{stack.files.lines()[0]}\n{forged}\n")
    with pytest.raises(SealRefusedError, match="seal 2: its signature does not hold"):
        await stack.seal()


async def test_with_all_seals_gone_none_is_begun_anew(stack):
    await stack.attacker.execute("DELETE FROM ledgerdesk.seal")
    with pytest.raises(SealRefusedError, match="are not those in"):
        await stack.seal()
    stack.files.seals.unlink()
    with pytest.raises(SealRefusedError, match="the seals were removed"):
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
        restore_keys(folder, fresh_data)
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
    assert "8 events (intake 4, workflow 4, gateway 0, knowledge 0, routing 0)" in checked.stdout
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
    assert (proven.events, proven.seal.number) == (
        {"intake": 2, "gateway": 0, "knowledge": 0, "routing": 0, "workflow": 0},
        2,
    )
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
