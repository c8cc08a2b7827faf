"""What a stack had reacted to when it was backed up, so that a restored one neither reacts twice nor forgets to.

A service reacts to an event once it has projected it. Views are not backed up, and filling them again must not look like news:
so the backup says, for each service that reacts, up to which position of each owner everything was projected, which single
events past that were, and what still waited in the inbox; and of rules on time, with which tickets they have had their time. Taken in
the same snapshot as the stores.
"""

from typing import Any

from shared import db
from shared.contracts.topic_names import TICKETS
from shared.projection import checkpoints
from shared.projection.checkpoints import Checkpoint

REACTING = ("routing", "workflow")
TIMERS = {
    "rule_timer": {
        "ticket_id": "uuid", "rule": "text", "anchor": "timestamptz", "at": "timestamptz", "try_at": "timestamptz", "fired": "boolean",
    },
    "rule_laid": {"rule": "text", "asked": "jsonb", "laid_at": "timestamptz"},
}  # fmt: skip
"""Routing's tables of rules on time: column to type."""


async def lock(connection: db.Connection) -> None:
    """Keep the tables that are read from being replaced by a rebuild. Before the transaction's first query."""
    tables = ", ".join(f'"{service}".ticket' for service in REACTING)
    await connection.execute(f"LOCK TABLE {tables} IN ACCESS SHARE MODE")


async def read(connection: db.Connection) -> dict[str, Any]:
    """Return the state of every reacting service's reactions. Inside the snapshot of the backup."""
    found = {service: await _of(connection, service) for service in REACTING}
    found["routing"] |= await read_timers(connection)
    return found


async def read_timers(connection: db.Connection) -> dict[str, list[list[str | None]]]:
    """Return the tables of rules on time, their values as text."""
    found = {}
    for table, kinds in TIMERS.items():
        text = ", ".join(f"{column}::text" for column in kinds)
        found[table] = [list(row) for row in await connection.fetch(f'SELECT {text} FROM "routing".{table}')]
    return found


async def write_timers(connection: db.Connection, tables: dict[str, list[list[str | None]]]) -> None:
    """Put them back."""
    for table, kinds in TIMERS.items():
        values = ", ".join(f"${n}::text::{kind}" for n, kind in enumerate(kinds.values(), 1))
        await connection.executemany(
            f'INSERT INTO "routing".{table} ({", ".join(kinds)}) VALUES ({values})', tables.get(table, [])
        )


async def _of(connection: db.Connection, service: str) -> dict[str, Any]:
    rows = await connection.fetch(
        f'SELECT topic, partition, next_offset, watermarks FROM "{service}".projection_checkpoint WHERE consumer = $1',
        f"{service}.views",
    )
    places = {
        (r["topic"], r["partition"]): Checkpoint(r["next_offset"], r["watermarks"])
        for r in rows
        if r["topic"] == TICKETS
    }
    floor = {owner: int(mark["position"]) for owner, mark in checkpoints.floor(places, [TICKETS]).items()}
    done: list[str] = []
    for owner in checkpoints.publishers([TICKETS]):
        ahead = await connection.fetch(
            f"""
            SELECT e.event_id FROM "{owner}".event e JOIN "{service}".ticket t ON t.stream_id = e.stream_id
            WHERE e.position > $1 AND e.version <= coalesce((t.versions ->> $2)::int, 0)
            """,
            floor.get(owner, 0), owner,
        )  # fmt: skip
        done += [str(row["event_id"]) for row in ahead]
    inbox = await connection.fetch(f'SELECT event FROM "{service}".reaction_inbox ORDER BY id')
    return {"floor": floor, "done": done, "inbox": [row["event"] for row in inbox]}


async def write(connection: db.Connection, reactions: dict[str, Any]) -> None:
    """Put the state back, in the transaction that restores the stores."""
    for service, state in reactions.items():
        await connection.executemany(
            f'INSERT INTO "{service}".reaction_floor (source, position) VALUES ($1, $2)', list(state["floor"].items())
        )
        await connection.executemany(
            f'INSERT INTO "{service}".reaction_done (event_id) VALUES ($1)', [(event_id,) for event_id in state["done"]]
        )
        await connection.executemany(
            f'INSERT INTO "{service}".reaction_inbox (event) VALUES ($1)', [(event,) for event in state["inbox"]]
        )
    await write_timers(connection, reactions["routing"])
