"""PostgreSQL: pools that act as one service's role in its own schema, and forward-only migrations."""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import orjson

from shared.service_names import POOL

LOST_CONNECTION = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ConnectionError,
    OSError,
    TimeoutError,
)
"""What a server that crashes, restarts, goes away or has no room looks like from here: try again later.
`InternalClientError` is a plain Exception in asyncpg and belongs to the list all the same."""

if TYPE_CHECKING:  # asyncpg's classes are generic for the type checker only
    OwnConnection = asyncpg.Connection[asyncpg.Record]
    Connection = OwnConnection | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    OwnConnection = asyncpg.Connection
    """A connection that is nobody else's: only such a one may hold a session lock."""
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool


FROZEN = "15s"
"""A process that stands still within a transaction (stopped, or out of memory) loses it after this: its locks would keep
whoever takes over from working."""


class MigrationError(RuntimeError):
    """A migration that was applied has since been changed, or an unknown one is recorded."""


def role_of(service: str) -> str:
    """Return the database role a service acts as."""
    return f"ledgerdesk_{service}"


def _plain(value: Any) -> str:
    """Write the driver's own UUID, which is a subclass of Python's; everything else must be JSON already."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def _to_jsonb(value: Any) -> bytes:
    return b"\x01" + (value if isinstance(value, bytes) else orjson.dumps(value, _plain))


def jsonb_lists(values: Iterable[Any]) -> list[bytes]:
    """Return list values for a ``jsonb[]`` parameter, written already: the driver takes nested lists for dimensions."""
    return [orjson.dumps(value, default=_plain) for value in values]


def jsonb_or_null(values: Iterable[Any]) -> list[bytes | None]:
    """Return values of a nullable column for a ``jsonb[]`` parameter: None stays NULL."""
    return [None if value is None else orjson.dumps(value, default=_plain) for value in values]


def _from_jsonb(raw: bytes) -> Any:
    return orjson.loads(raw[1:])


_FIRST_OF_A_CLUSTER = 12_000
"""Below it, PostgreSQL's source says which object has which number: the same ones wherever a version runs. (The next 4,384 are
given when a cluster is made, and depend on its machine: `transam.h`.)"""
_PATIENCE = 1.0
"""Seconds to wait for another connection's answer before asking for oneself."""

_Types = tuple[int, frozenset[int]]
_known: dict[_Types, Any] = {}
_asking: dict[_Types, asyncio.Future[None]] = {}


class KnowingConnection(OwnConnection):
    """Learns what built-in types are (`uuid[]`, say) once a process, not once a connection.

    The driver asks with a large recursive query, prepared anew on each connection: 20 ms of PostgreSQL's time and 3 MB of each
    of its processes. It offers no other way in; were its method renamed, everything would work as without this.
    """

    __slots__ = ()

    async def _introspect_types(self, typeoids: Iterable[int], timeout: float | None) -> tuple[Any, Any]:  # noqa: ASYNC109 -- the driver's signature
        asked = frozenset(typeoids)
        key = (self.get_server_version().major, asked)
        loop = asyncio.get_running_loop()
        until = loop.time() + _PATIENCE
        while key not in _known and (other := _asking.get(key)) is not None:  # at a start every service asks at once
            if other.get_loop() is not loop or (left := until - loop.time()) <= 0:
                break
            await asyncio.wait({other}, timeout=left)
        if key in _known:
            return _known[key], SimpleNamespace(name="none was needed")
        answered = _asking[key] = loop.create_future()
        try:
            found: tuple[Any, Any] = await super()._introspect_types(asked, timeout)  # type: ignore[misc] # its stubs leave it out
            if max(asked) < _FIRST_OF_A_CLUSTER:
                _known[key] = found[0]
        finally:
            if _asking.get(key) is answered:
                del _asking[key]
            answered.set_result(None)
        return found


async def prepare_connection(connection: Connection) -> None:
    """Make jsonb columns Python values both ways; a `bytes` value is taken as JSON that is written already."""
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_to_jsonb, decoder=_from_jsonb, format="binary"
    )


def _session(service: str) -> dict[str, str]:
    """Act as the service's own role, in its own schema: another service's tables answer "permission denied"."""
    return {
        "role": role_of(service), "search_path": service, "timezone": "UTC", "application_name": service,
        "idle_in_transaction_session_timeout": FROZEN,
    }  # fmt: skip


async def connect(dsn: str, service: str) -> OwnConnection:
    """Open one connection of its own (a relay's, a migration's), acting as the service."""
    connection = await asyncpg.connect(
        dsn, server_settings=_session(service), timeout=10, connection_class=KnowingConnection
    )
    await prepare_connection(connection)
    return connection


async def _as_it_was(connection: Connection) -> None:
    """Leave a connection that comes back as it is: nobody sets anything on a pool's connection but for a transaction."""


async def create_pool(dsn: str, service: str, *, minimum: int = 0, maximum: int = POOL) -> Pool:
    """Open a pool whose connections act as the service. Sizes are numbers of connections."""
    pool: Pool = await asyncpg.create_pool(
        dsn, min_size=minimum, max_size=maximum, server_settings=_session(service), init=prepare_connection, timeout=10,
        reset=_as_it_was, max_inactive_connection_lifetime=60, command_timeout=60, connection_class=KnowingConnection,
    )  # fmt: skip
    return pool


async def create_schemas(dsn: str, services: Sequence[str]) -> None:
    """Create each service's role and schema where they are missing. Needs a user that may create roles.

    The connecting user becomes a member of each role, so that one DSN serves all and each service still acts as itself.
    """
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute("SELECT pg_advisory_lock(hashtextextended('ledgerdesk.schemas', 0))")
        for service in services:
            role = role_of(service)
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                await connection.execute(f'CREATE ROLE "{role}" NOLOGIN')
            if not await connection.fetchval("SELECT pg_has_role(current_user, $1, 'SET')", role):
                await connection.execute(f'GRANT "{role}" TO CURRENT_USER')
            await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{service}" AUTHORIZATION "{role}"')
    finally:
        await connection.close()


async def grant_reading(dsn: str, services: Sequence[str]) -> None:
    """Let the role `ledgerdesk_verify` read every service's tables and do nothing else."""
    role = role_of("verify")
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute("SELECT pg_advisory_lock(hashtextextended('ledgerdesk.schemas', 0))")
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f'CREATE ROLE "{role}" NOLOGIN')
        if not await connection.fetchval("SELECT pg_has_role(current_user, $1, 'SET')", role):
            await connection.execute(f'GRANT "{role}" TO CURRENT_USER')
        for service in services:
            await connection.execute(f'SET ROLE "{role_of(service)}"')
            await connection.execute(f'GRANT USAGE ON SCHEMA "{service}" TO "{role}"')
            await connection.execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA "{service}" TO "{role}"')
            await connection.execute(f'GRANT SELECT ON ALL SEQUENCES IN SCHEMA "{service}" TO "{role}"')
            await connection.execute("RESET ROLE")
    finally:
        await connection.close()


async def migrate(connection: Connection, folders: Sequence[Path]) -> list[str]:
    """Apply what is new in these folders, in their order, each file in a transaction. Returns the names applied.

    Raises:
        MigrationError: A file differs from what was applied under its name. Migrations go forward only: add a new one.
    """
    await connection.execute("SELECT pg_advisory_lock(hashtextextended('ledgerdesk.migrate.' || current_schema(), 0))")
    try:
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration ("
            "name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        rows = await connection.fetch("SELECT name, checksum FROM schema_migration")
        known = {row["name"]: row["checksum"] for row in rows}
        applied = []
        for folder in folders:
            for path in sorted(folder.glob("*.sql")):
                name = f"{folder.parent.name}/{path.name}"
                text = path.read_text()
                checksum = hashlib.sha256(text.encode()).hexdigest()
                if name in known:
                    if known[name] != checksum:
                        raise MigrationError(
                            f"{name} was changed after it was applied: restore it and add a new migration"
                        )
                    continue
                async with connection.transaction():
                    await connection.execute(text)
                    await connection.execute(
                        "INSERT INTO schema_migration (name, checksum) VALUES ($1, $2)", name, checksum
                    )
                applied.append(name)
        return applied
    finally:
        await connection.execute(
            "SELECT pg_advisory_unlock(hashtextextended('ledgerdesk.migrate.' || current_schema(), 0))"
        )


async def wait_until_up(dsn: str, seconds: float = 30.0) -> None:
    """Wait until the server takes a connection.

    Raises:
        The last connection error, when it does not within `seconds`.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        try:
            connection = await asyncpg.connect(dsn, timeout=5)
        except LOST_CONNECTION:
            if loop.time() > deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            await connection.close()
            return


class Values:
    """Collects a statement's parameters."""

    def __init__(self, *values: Any) -> None:
        self.values = list(values)

    def __call__(self, value: Any) -> str:
        """Take a value, and return how the statement names it."""
        self.values.append(value)
        return f"${len(self.values)}"
