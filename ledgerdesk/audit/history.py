"""Taking a ticket's history out of a stack, with what proves it."""

from uuid import UUID

from ledgerdesk.audit import tables
from ledgerdesk.audit.document import CREATED, History, Part, Ticket, event_of_row, history_of, prove
from ledgerdesk.audit.keys import records_of
from ledgerdesk.audit.leaves import ORDER, Leaf
from ledgerdesk.audit.merkle import Proof, Tree
from ledgerdesk.audit.records import Record, Ring
from ledgerdesk.verify import envelope
from shared import db
from shared.eventstore.store import COLUMNS


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
            proofs = await _proofs(connection, stream_id)
            parts = [
                part for owner in ORDER if (part := await _part(connection, owner, stream_id, proofs, records[-1]))
            ]
    finally:
        await connection.close()
    numbers = [e.data["number"] for part in parts for e in part.events if e.type == CREATED]
    if not numbers:
        raise NotSealedError(f"{stream_id} is no ticket that was opened here: give a ticket's number or id")
    history = history_of(Ticket(id=str(stream_id), number=numbers[0]), parts, records)
    prove(history, ring)
    return history


async def _proofs(connection: db.Connection, stream_id: UUID) -> dict[str, tuple[Leaf, Proof]]:
    """Return, for each owner that has events of it, the leaf and its way to the root."""
    tree = Tree()
    found = {}
    async for leaf in tables.leaves(connection):
        proof = tree.add(leaf.content, prove=leaf.stream_id == stream_id)
        if proof is not None:
            found[leaf.owner] = leaf, proof
    tree.root()
    return found


async def _part(
    connection: db.Connection, owner: str, stream_id: UUID, proofs: dict[str, tuple[Leaf, Proof]], record: Record
) -> Part | None:
    rows = await connection.fetch(
        f'SELECT {COLUMNS}, salt, personal_digest, hash FROM "{owner}".event WHERE stream_id = $1 ORDER BY version',
        stream_id,
    )
    if owner not in proofs and not rows:
        return None
    if owner not in proofs or (rows and rows[-1]["version"] > proofs[owner][0].version):
        raise NotSealedError(
            f"{owner} has events of it that seal {record.number} does not cover: make a seal first, or give --seal"
        )
    if not rows:
        raise NotSealedError(f"{owner}: stream {stream_id} is sealed and gone: run `ledgerdesk verify --audit`")
    proof = proofs[owner][1]
    events = [event_of_row(envelope(row, owner), row) for row in rows]
    return Part(owner=owner, index=proof.index, path=[step.hex() for step in proof.path], events=events)
