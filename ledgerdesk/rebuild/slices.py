"""The bulk of a rebuild: whole streams, folded from their beginning, so that every row is new and is copied.

Streams' ids are random, so equal parts of their range hold about equally many. A part is read from all owners' stores and
folded in one transaction; several processes take parts in turn.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from ledgerdesk.rebuild import shadow
from ledgerdesk.rebuild.plan import Plan, plan_of
from shared import db
from shared.contracts.event import Event
from shared.eventstore.store import COLUMNS, event_of
from shared.projection.feed import NoFeed
from shared.projection.model import concerns
from shared.projection.projector import Projection

EVENTS_A_SLICE = 8000
_END = 2**128

Ends = dict[str, int]
"""Owner -> last position"""
Slice = tuple[UUID, UUID]
"""First and last stream id of a part"""


@dataclass(frozen=True, slots=True)
class Job:
    """What a process needs to fold a part. Plain values: it travels to another process."""

    dsn: str
    names: Sequence[str]
    schema: str
    ends: Ends


def parts(events: int) -> Iterator[Slice]:
    """Yield the parts of the range of stream ids, about `EVENTS_A_SLICE` events each."""
    count = max(1, -(-events // EVENTS_A_SLICE))
    for number in range(count):
        yield UUID(int=_END * number // count), UUID(int=_END * (number + 1) // count - 1)


async def read_connection(dsn: str) -> db.OwnConnection:
    """Open a connection that may read every store, and nothing else."""
    connection = await asyncpg.connect(dsn, server_settings={"role": db.role_of("verify"), "timezone": "UTC"})
    await db.prepare_connection(connection)
    return connection


async def types_of(connection: db.Connection, plan: Plan, owner: str) -> list[str]:
    """Return the types of an owner's events that concern the views."""
    rows = await connection.fetch(f'SELECT DISTINCT type FROM "{owner}".event')
    return [row["type"] for row in rows if any(concerns(m, row["type"], owner) for m in plan.models)]


def merged_plan(names: Sequence[str]) -> Plan:
    """Return the plan of these names, all of one service."""
    plans = [plan_of(name) for name in names]
    return Plan(plans[0].service, [model for plan in plans for model in plan.models])


async def fold_parts(job: Job, types: dict[str, list[str]], wanted: Sequence[Slice]) -> int:
    """Fold parts; returns how many events they held."""
    plan = merged_plan(job.names)
    stores = await read_connection(job.dsn)
    pool = await db.create_pool(job.dsn, plan.service, maximum=1)
    projection = Projection(plan.consumer, pool, plan.models, NoFeed())
    count = 0
    try:
        for first, last in wanted:
            events: list[Event] = []
            for owner, names in types.items():
                rows = await stores.fetch(
                    f'SELECT {COLUMNS} FROM "{owner}".event WHERE stream_id BETWEEN $1 AND $2 AND position <= $3 '
                    "AND type = ANY ($4) ORDER BY stream_id, version",
                    first, last, job.ends[owner], names,
                )  # fmt: skip
                events += [event_of(row, owner) for row in rows]
            async with pool.acquire() as connection, connection.transaction():
                await shadow.look_into(connection, plan, job.schema)
                await projection.fold_into(connection, events)
            count += len(events)
    finally:
        await pool.close()
        await stores.close()
    return count


def fold_parts_in_process(job: Job, types: dict[str, list[str]], wanted: Sequence[Slice]) -> int:
    """Do `fold_parts` in a process of its own."""
    return asyncio.run(fold_parts(job, types, wanted))
