"""Databases for tests, as the services have them: roles, schemas, migrations, pools; and a feed that asks the stores themselves."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from shared import db
from shared.contracts.event import Event, rfc3339
from shared.eventstore.store import EventStore

SHARED = Path(__file__).parents[1]
STORE = SHARED / "eventstore" / "migrations"
"""What an event store needs; `migration_folders` of `shared.service` names all that a service needs."""


async def prepare(dsn: str, folders: Mapping[str, Sequence[Path]], edit: Callable[[str], str] | None = None) -> None:
    """Make the services' roles and schemas, and apply each one's migrations; `edit` may change the event store's text."""
    await db.create_schemas(dsn, list(folders))
    for service, paths in folders.items():
        connection = await db.connect(dsn, service)
        try:
            if edit is None:
                await db.migrate(connection, paths)
            else:
                await connection.execute(edit("\n".join(path.read_text() for path in sorted(STORE.glob("*.sql")))))
        finally:
            await connection.close()


class Stores:
    """Opens event stores and connections of one database, and closes them all."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._stack = AsyncExitStack()

    async def open(self, owner: str = "intake", connections: int = 4) -> EventStore:
        """Open an owner's store through a pool of its own, as another process would."""
        pool = await db.create_pool(self.dsn, owner, maximum=connections)
        self._stack.push_async_callback(pool.close)
        return EventStore(owner, pool)

    async def connection(self, owner: str = "intake") -> db.OwnConnection:
        """Open a connection of its own, acting as the owner."""
        connection = await db.connect(self.dsn, owner)
        self._stack.callback(connection.terminate)
        return connection

    async def close(self) -> None:
        """Close everything."""
        await self._stack.aclose()


class StoreFeed:
    """The owners' feeds, read from their stores without HTTP between."""

    def __init__(self, stores: Mapping[str, EventStore], page: int = 500) -> None:
        self._stores = stores
        self._page = page
        self.asked: list[tuple[str, int]] = []
        """(owner, position) of each catching-up."""

    async def events(self, owner: str, after: int) -> AsyncIterator[tuple[list[Event], int, str]]:
        """Yield pages of events until the end."""
        self.asked.append((owner, after))
        while True:
            now = rfc3339(datetime.now(UTC))
            events = await self._stores[owner].page(after, self._page)
            after = max(after, events[-1].position if events else 0)
            yield events, after, now
            if len(events) < self._page:
                return

    async def stream(self, owner: str, stream_id: UUID, after: int) -> Sequence[Event]:
        """Return one stream's events past a version."""
        events, _ = await self._stores[owner].load(stream_id, after)
        return events

    async def head(self, owner: str) -> dict[str, Any]:
        """Return the end of the owner's store."""
        return {"position": await self._stores[owner].last_position(), "now": rfc3339(datetime.now(UTC))}

    async def versions(self, owner: str, streams: Sequence[UUID]) -> dict[UUID, int]:
        """Return how far these streams have come."""
        return {stream: head.version for stream, head in (await self._stores[owner].heads(streams)).items()}
