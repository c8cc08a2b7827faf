"""Every way of changing sealed history, by somebody who owns the database, is found and named; a clean one is clean."""

import json
from uuid import UUID

import asyncpg
import pytest

from ledgerdesk.audit import tables
from ledgerdesk.audit.check import Audit, audit
from ledgerdesk.audit.document import prove
from ledgerdesk.audit.history import export
from ledgerdesk.audit.keys import AuditFiles
from ledgerdesk.audit.records import read
from ledgerdesk.audit.seal import SealRefusedError, make_seal
from shared import db
from shared.contracts.erasing import TICKET_ERASED, erase
from shared.contracts.ids import derived, random_id
from shared.eventstore.appender import Appender
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Context
from shared.eventstore.store import EventStore
from shared.testing.events import DOOR, SYSTEM
from tests.integration.sealed import CHANGE, LATE, ONE, TWO, Stack

# -- clean -------------------------------------------------------------------------------------------------------------


async def test_a_clean_history_is_clean(stack):
    auditor = Audit.of(stack.files)
    verdict = await audit(stack.dsn, auditor)
    assert (verdict.differences, verdict.events) == ([], 11)
    newest = auditor.newest
    assert (newest.number, newest.day, newest.streams) == (2, "2026-11-21", 3)
    assert newest.positions == {"gateway": 0, "intake": 6, "knowledge": 0, "routing": 0, "workflow": 3}


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
    for owner in ("intake", "workflow"):
        pool = await db.create_pool(stack.dsn, owner, maximum=2)
        store = EventStore(owner, pool)
        appender = Appender(store)
        appender.start()
        for stream in (ONE, TWO, LATE):
            await Eraser(store, appender).erase(
                stream, lambda events: erase(events, lambda _: True, TICKET_ERASED, "asked", str(ONE)),
                Context(random_id(), SYSTEM, DOOR),
            )  # fmt: skip
        await appender.stop()
        assert await pool.fetchval("SELECT count(*) FROM event WHERE personal IS NOT NULL OR salt IS NOT NULL") == 0
        await pool.close()
    assert await stack.differences() == []
    await stack.seal()
    assert await stack.differences() == []
    proven = prove(await export(stack.dsn, ONE, stack.files.ring()), stack.files.ring())
    assert proven.erased == 7


async def test_what_is_blanked_and_not_said_is_found(stack):
    owner = await db.connect(stack.dsn, "intake")
    first = await owner.fetchval("SELECT event_id FROM event WHERE stream_id = $1 AND version = 1", ONE)
    assert await owner.fetchval("SELECT erase_personal($1)", [first]) == 1
    await owner.close()
    assert await stack.differences() == [f"intake: stream {ONE}: version 1 was blanked, and no event says so"]


async def test_younger_than_the_seal_is_protected_by_its_chain_alone(stack):
    """The limit, as documented: who rewrites what no seal covers, chain and all, is not found."""
    await stack.attacker.execute("UPDATE intake.event SET data = data || '{\"x\": 1}' WHERE stream_id = $1", LATE)
    assert await stack.differences() == [f"intake: stream {LATE}: version 1 is not what was written"]
    await stack.rehash("intake", LATE)
    assert await stack.differences() == []


# -- tampering with events -----------------------------------------------------------------------------------------------


async def test_a_changed_row(stack):
    await stack.attacker.execute(CHANGE, ONE)
    assert await stack.differences() == [f"intake: stream {ONE}: version 2 is not what was written"]


async def test_what_is_no_event_at_all_hides_nothing(stack):
    await stack.attacker.execute("UPDATE intake.event SET meta = '[]' WHERE stream_id = $1", TWO)
    await stack.attacker.execute("UPDATE intake.event SET salt = NULL WHERE stream_id = $1 AND version = 4", ONE)
    await stack.attacker.execute(CHANGE, ONE)
    assert sorted(await stack.differences()) == sorted(
        [
            *[f"intake: stream {TWO}: version {version} is not what was written" for version in (1, 2)],
            f"intake: stream {ONE}: version 2 is not what was written",
            f"intake: stream {ONE}: personal part of version 4 was changed",
        ]
    )


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


async def test_tables_of_seals_dropped(stack):
    await stack.attacker.execute("DROP TABLE ledgerdesk.seal, ledgerdesk.sealed_head")
    found = await stack.differences()
    assert found[:2] == [
        f"seal {number} is in seals.jsonl and not in the database: it was removed there" for number in (1, 2)
    ]
    assert found[2].startswith("the leaves in ledgerdesk.sealed_head do not give the root of seal 2")
    assert found[3:] == ["the stores give the signed root: only the leaves were changed"]


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
