"""Taking a ticket's history out of a stack, with what proves it."""

from uuid import UUID

from ledgerdesk.audit import tables
from ledgerdesk.audit.document import (
    CREATED,
    Absent,
    History,
    Neighbour,
    Part,
    Ticket,
    event_of_row,
    history_of,
    prove,
)
from ledgerdesk.audit.keys import records_of
from ledgerdesk.audit.leaves import Leaf
from ledgerdesk.audit.merkle import Proof, Tree
from ledgerdesk.audit.records import Record, Ring
from ledgerdesk.chains import envelope
from shared import db
from shared.eventstore.store import COLUMNS

Key = tuple[str, bytes]
Proofs = dict[Key, tuple[Leaf, Proof]]


class NotSealedError(RuntimeError):
    """The ticket, or its latest events, stand in no seal yet."""


async def export(dsn: str, stream_id: UUID, ring: Ring) -> History:
    """Return the ticket's history up to its last event, with its way to the newest seal, checked once.

    Raises:
        NotSealedError: It has events that the newest seal does not cover.
        HistoryError: It does not hold: `ledgerdesk verify --audit` says more.
        RecordError: A seal in the database cannot be read.
    """
    connection = await tables.connect(dsn, "verify")
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            records = records_of(await tables.lines(connection))
            if not records:
                raise NotSealedError("there is no seal yet: make one with `ledgerdesk seal`, or give --seal")
            owners = sorted(records[-1].positions)
            beside = {owner: await _beside(connection, owner, stream_id) for owner in owners}
            proofs = await _proofs(connection, stream_id, {key for pair in beside.values() for key in pair if key})
            parts = [
                part for owner in owners if (part := await _part(connection, owner, stream_id, proofs, records[-1]))
            ]
            present = {part.owner for part in parts}
            absent = [
                Absent(owner=o, before=_neighbour(proofs, beside[o][0]), after=_neighbour(proofs, beside[o][1]))
                for o in owners
                if o not in present
            ]
    finally:
        await connection.close()
    numbers = [e.data["number"] for part in parts for e in part.events if e.type == CREATED]
    if not numbers:
        raise NotSealedError(f"{stream_id} is no ticket that was opened here: give a ticket's number or id")
    history = history_of(Ticket(id=str(stream_id), number=numbers[0]), parts, absent, records)
    prove(history, ring)
    return history


async def _beside(connection: db.Connection, owner: str, stream_id: UUID) -> tuple[Key | None, Key | None]:
    """Return where the leaves before and after the place of this one stand; None where the tree ends."""
    found: list[Key | None] = []
    for sign, order in (("<", "DESC"), (">", "ASC")):
        row = await connection.fetchrow(
            f"SELECT owner, stream_id FROM ledgerdesk.sealed_head WHERE (owner, stream_id) {sign} ($1, $2) "
            f"ORDER BY owner {order}, stream_id {order} LIMIT 1", owner, stream_id,
        )  # fmt: skip
        found.append((row["owner"], row["stream_id"].bytes) if row is not None else None)
    return found[0], found[1]


async def _proofs(connection: db.Connection, stream_id: UUID, keys: set[Key]) -> Proofs:
    """Return the stream's leaves and these others, each with its way to the root."""
    tree = Tree()
    found = {}
    async for leaf in tables.leaves(connection):
        proof = tree.add(leaf.content, prove=leaf.stream_id == stream_id or leaf.key in keys)
        if proof is not None:
            found[leaf.key] = leaf, proof
    tree.root()
    return found


def _neighbour(proofs: Proofs, key: Key | None) -> Neighbour | None:
    if key is None:
        return None
    leaf, proof = proofs[key]
    return Neighbour(
        owner=leaf.owner, stream=str(leaf.stream_id), version=leaf.version, hash=leaf.hash.hex(), places=leaf.places.hex(),
        index=proof.index, path=[step.hex() for step in proof.path],
    )  # fmt: skip


async def _part(connection: db.Connection, owner: str, stream_id: UUID, proofs: Proofs, record: Record) -> Part | None:
    rows = await connection.fetch(
        f'SELECT {COLUMNS}, salt, personal_digest, hash FROM "{owner}".event WHERE stream_id = $1 ORDER BY version',
        stream_id,
    )
    leaf, proof = proofs.get((owner, stream_id.bytes), (None, None))
    if leaf is None and not rows:
        return None
    if leaf is None or proof is None or (rows and rows[-1]["version"] > leaf.version):
        raise NotSealedError(
            f"{owner} has events of it that seal {record.number} does not cover: make a seal first, or give --seal"
        )
    if not rows:
        raise NotSealedError(f"{owner}: stream {stream_id} is sealed and gone: run `ledgerdesk verify --audit`")
    events = [event_of_row(envelope(row, owner), row) for row in rows]
    return Part(owner=owner, index=proof.index, path=[step.hex() for step in proof.path], events=events)
