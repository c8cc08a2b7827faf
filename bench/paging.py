"""What people look at, at ten thousand, a hundred thousand and a million tickets; and the rebuild that made the views."""

import asyncio
import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import asyncpg

from bench.figures import Figure, rate_figure, time_figure
from bench.load import Connection, connect, request
from bench.painting import looked
from bench.stack import Stack, command
from shared.service_names import SERVICES

WORKED = "status=new&status=open&status=on_hold"
LOOKS = 400
"""How often each is looked at."""


async def look(connection: Connection, asks: Sequence[Callable[[], bytes]], times: int = LOOKS) -> list[float]:
    """Ask all of these one after another, as a page does, so many times; returns the seconds of each time."""
    samples = []
    for turn in range(times + 20):
        started = time.perf_counter()
        for ask in asks:
            answer = await connection.ask(ask())
            assert answer[9:12] == b"200", answer[:300]
        if turn >= 20:  # the first ones warm
            samples.append(time.perf_counter() - started)
    return samples


async def pages(stack: Stack, tickets: int) -> list[Figure]:
    """Look at tickets, queues, counts and a dashboard."""
    key = stack.environment()["LEDGERDESK_ADMIN_API_KEY"]
    database = await asyncpg.connect(stack.environment()["DATABASE_URL"])
    rows = await database.fetch(
        "SELECT stream_id::text AS id FROM workflow.ticket WHERE number IS NOT NULL LIMIT 20000"
    )
    last = await database.fetchval("SELECT max(day) FROM reporting.day_sum")
    await database.close()
    ids = [row["id"] for row in rows]
    dice = random.Random(1)  # noqa: S311 -- which tickets are looked at, no secret

    def get(path: str) -> Callable[[], bytes]:
        return lambda: request("GET", f"/api/v1{path}", key)

    def some(path: str) -> Callable[[], bytes]:
        return lambda: request("GET", f"/api/v1{path.format(dice.choice(ids))}", key)

    month = f"from={last.replace(day=1)}"
    connection = await connect(stack.port)
    measures = (
        ("ticket and timeline", [some("/tickets/{}"), some("/tickets/{}/timeline")], 25),
        ("first queue page", [get(f"/tickets?{WORKED}&limit=50")], 25),
        ("queue counts", [get("/tickets/counts")], 25),
        ("dashboard (volumes and moves of the month, backlog by day)",
         [get(f"/reports/volumes?{month}"), get(f"/reports/moves?{month}"), get(f"/reports/backlog?{month}&group_by=day")], 150),
    )  # fmt: skip
    return [
        time_figure(f"{name}, {tickets:,} tickets", await look(connection, asks), p99=limit)
        for name, asks, limit in measures
    ]


async def copied(dsn: str) -> float:
    """The ceiling of a rebuild of reporting: PostgreSQL copies the same rows into such tables; returns the seconds."""
    connection = await asyncpg.connect(dsn)
    seconds = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for table in ("ticket", "entry"):
            columns = [
                row["attname"]
                for row in await connection.fetch(
                    "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND attgenerated = '' "
                    "AND NOT attisdropped ORDER BY attnum", f"reporting.{table}",
                )
            ]  # fmt: skip
            file = Path(folder) / table
            await connection.copy_from_query(
                f"SELECT {', '.join(columns)} FROM reporting.{table}", output=str(file), format="binary"
            )
            await connection.execute(f"CREATE TABLE bench_{table} (LIKE reporting.{table} INCLUDING ALL)")
            started = time.perf_counter()
            await connection.copy_to_table(f"bench_{table}", source=str(file), columns=columns, format="binary")
            seconds += time.perf_counter() - started
            await connection.execute(f"DROP TABLE bench_{table}")
    await connection.close()
    return seconds


async def _counted(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    events: int = await connection.fetchval("SELECT count(*) FROM reporting.entry")
    await connection.close()
    return events


def measure(folder: Path, tickets: int) -> list[Figure]:
    """Seed so many tickets, rebuild, and look."""
    data = folder / f"stack-{tickets}"
    command("demo", "--no-stay", "--tickets", "1", "--port", str(Stack(data).port), data=data)
    seeding = command("seed", "--tickets", str(tickets), data=data)
    taken = {name: command("rebuild", name, data=data) for name in SERVICES}
    with Stack(data) as stack:
        dsn = stack.environment()["DATABASE_URL"]
        events = asyncio.run(_counted(dsn))
        seen = asyncio.run(pages(stack, tickets))
        seen += asyncio.run(looked(stack, tickets))
        ceiling = asyncio.run(copied(dsn))
    size = sum(path.stat().st_size for path in data.rglob("*") if path.is_file())
    rebuilt = rate_figure(
        f"rebuild of reporting, {events:,} events", events / taken["reporting"], events / ceiling, least=5556,
        seconds=round(taken["reporting"], 1), others_s=json.dumps({k: round(v, 1) for k, v in taken.items() if k != "reporting"}),
        seeding_s=round(seeding, 1),
    )  # fmt: skip
    return [rebuilt, *seen, Figure(f"disk per 10,000 tickets, at {tickets:,}", size / 1e6 / (tickets / 10_000), "MB")]
