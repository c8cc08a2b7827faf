"""Making a seal: the root over all streams, signed.

A seal starts from the leaves of the one before, after checking that they still give its signed root, and goes on from them by
recomputing every event since. So what was changed in sealed history cannot slip into a later seal: such a seal is refused.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from ledgerdesk.audit import tables
from ledgerdesk.audit.keys import AuditFiles, records_of
from ledgerdesk.audit.leaves import FIRST, ORDER, Leaf, place
from ledgerdesk.audit.records import NO_PREVIOUS, Record, RecordError, check_chain, last_whole_day, signed
from ledgerdesk.chains import hash_of
from shared import db
from shared.contracts.canonical import GENESIS
from shared.contracts.event import rfc3339
from shared.eventstore.store import COLUMNS

SINCE = """
SELECT {columns}, e.personal_digest, e.hash, h.version AS sealed_version, h.hash AS sealed_hash, h.places AS sealed_places
FROM "{owner}".event e
LEFT JOIN ledgerdesk.sealed_head h ON h.owner = $2 AND h.stream_id = e.stream_id
WHERE e.position > $1
ORDER BY e.stream_id, e.version
"""


class SealRefusedError(RuntimeError):
    """What was sealed before is no longer so: nothing is sealed on top of it. The message names what is wrong."""


async def make_seal(dsn: str, files: AuditFiles, now: datetime | None = None, *, daily: bool = False) -> Record | None:
    """Seal all that is recorded up to now; None if nothing is new since the last seal.

    Args:
        dsn: The database.
        files: Where the key is, and the copy of the seals, which is brought up to the database's first.
        now: The time, UTC.
        daily: Do nothing if there is a seal of the last whole day already.

    Raises:
        SealRefusedError: Sealed history was changed: run `ledgerdesk verify --audit`.
        KeyFileError: The key cannot be used.
    """
    key = files.private_key()
    moment = now or datetime.now(UTC)
    connection = await tables.connect(dsn, "audit")
    try:
        # The lock first, in a statement of its own: a snapshot taken before would not show the seal of who held it.
        await connection.execute(f"SELECT pg_advisory_lock({tables.LOCK})")
        async with connection.transaction(isolation="repeatable_read"):
            records = await _known(connection, files)
            if daily and records and records[-1].moment.date() >= moment.date():
                return None
            content = await _seal(connection, records[-1] if records else None)
            if content is None:
                return None
            content |= {
                "number": len(records) + 1, "day": last_whole_day(moment).isoformat(), "at": rfc3339(moment),
                "previous": records[-1].hash if records else NO_PREVIOUS,
            }  # fmt: skip
            record = signed(content, key)
            await tables.insert(connection, record)
        files.append([record])  # after the commit: the file never has one that the database might not
        return record
    finally:
        await connection.close()


async def _known(connection: db.OwnConnection, files: AuditFiles) -> list[Record]:
    """Return the seals there are, once database and file agree; the file is given what it lacks at its end.

    Raises:
        SealRefusedError: They do not agree.
    """
    try:
        records, kept = records_of(await tables.lines(connection)), records_of(files.lines())
    except RecordError as error:
        raise SealRefusedError(str(error)) from error
    if wrong := check_chain(records, files.ring()):
        raise SealRefusedError("; ".join(wrong))
    if records[: len(kept)] != kept:
        raise SealRefusedError(
            f"the seals in the database are not those in {files.seals}: `ledgerdesk verify --audit` names the difference"
        )
    files.append(records[len(kept) :])  # a process that was killed between commit and file
    return records


async def _seal(connection: db.OwnConnection, last: Record | None) -> dict[str, object] | None:
    """Bring the leaves up to now and return what the record says of them; None if nothing is new."""
    ends = {owner: await _end(connection, owner) for owner in ORDER}
    before = last.positions if last is not None else dict.fromkeys(ORDER, 0)
    for owner in ORDER:
        if ends[owner] < before.get(owner, 0):
            raise SealRefusedError(
                f"{owner}: the store ends at position {ends[owner]}, and was sealed up to {before[owner]}: its end was cut off"
            )
    if ends == before:
        return None
    tree = await tables.tree_of(tables.leaves(connection))
    if last is not None and (tree.root().hex(), tree.size) != (last.root, last.streams):
        raise SealRefusedError(
            f"the leaves that are kept do not give the root of seal {last.number}: they were changed"
        )
    if last is None and tree.size:
        raise SealRefusedError("leaves are kept, and there is no seal that they belong to: the seals were removed")
    for owner in ORDER:
        if ends[owner] > before.get(owner, 0):
            await _advance(connection, owner, before.get(owner, 0))
    tree = await tables.tree_of(tables.leaves(connection))
    return {"positions": ends, "streams": tree.size, "root": tree.root().hex()}


async def _end(connection: db.OwnConnection, owner: str) -> int:
    position: int | None = await connection.fetchval(f'SELECT max(position) FROM "{owner}".event')
    return position or 0


async def _advance(connection: db.OwnConnection, owner: str, after: int) -> None:
    """Replace the leaves of all streams of an owner with events past a position.

    Positions become visible in their order, so that one snapshot has all events up to the last one it shows.
    """
    batch: list[Leaf] = []
    async for leaf in _advanced(connection, owner, after):
        batch.append(leaf)
        if len(batch) == tables.CHUNK:
            await tables.write(connection, batch)
            batch = []
    await tables.write(connection, batch)


async def _advanced(connection: db.OwnConnection, owner: str, after: int) -> AsyncIterator[Leaf]:
    leaf: Leaf | None = None
    columns = ", ".join(f"e.{name}" for name in COLUMNS.split(", "))
    async for row in connection.cursor(SINCE.format(columns=columns, owner=owner), after, owner, prefetch=2000):
        stream = row["stream_id"]
        if leaf is not None and leaf.stream_id != stream:
            yield leaf
            leaf = None
        if leaf is None:
            sealed = row["sealed_version"] is not None
            leaf = Leaf(
                owner, stream, row["sealed_version"] if sealed else 0, row["sealed_hash"] if sealed else GENESIS,
                row["sealed_places"] if sealed else FIRST,
            )  # fmt: skip
        if row["version"] != leaf.version + 1:
            raise SealRefusedError(
                f"{owner}: stream {stream}: version {row['version']} follows {leaf.version}: something between was removed, or put in"
            )
        if hash_of(leaf.hash, row, owner) != row["hash"]:
            raise SealRefusedError(
                f"{owner}: stream {stream}: version {row['version']} does not follow from version {leaf.version}"
                f"{' as it was sealed' if leaf.version == row['sealed_version'] else ''}: one of the two was changed"
            )
        places = place(leaf.places, row["position"], row["recorded_at"])
        leaf = Leaf(owner, stream, row["version"], row["hash"], places)
    if leaf is not None:
        yield leaf
