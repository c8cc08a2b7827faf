"""A database with sealed history, and somebody who owns it and changes things behind the ledger's back."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from ledgerdesk.audit.check import Audit, audit
from ledgerdesk.audit.keys import AuditFiles
from ledgerdesk.audit.records import Record
from ledgerdesk.audit.seal import make_seal
from ledgerdesk.chains import envelope
from shared import db
from shared.contracts.canonical import GENESIS, event_hash, personal_digest
from shared.contracts.event import NewEvent
from shared.contracts.ids import derived
from shared.eventstore.store import COLUMNS, EMPTY, EventStore
from shared.testing.events import command

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


CHANGE = 'UPDATE intake.event SET data = data || \'{"channel": "mail"}\' WHERE stream_id = $1 AND version = 2'
