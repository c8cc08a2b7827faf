"""What a stack costs to start and to keep, and events a second from a log to every view.

Beside the rate stands its ceiling, measured in the same run: PostgreSQL copying the same events into such tables, no more.
The log is made up (seeded), so that the figures can be had anywhere.
"""

import asyncio
import csv
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from bench.figures import Figure, rate_figure
from bench.stack import ROOT, Stack
from shared.service_names import OWNERS

MAPPING = Path(__file__).with_name("log.yaml")
PAGE = 1000  # rows a copy, as many as an owner takes facts a call


def write_log(path: Path, cases: int, seed: int) -> int:
    """Write a log of status rows; return how many rows."""
    dice = random.Random(seed)  # noqa: S311 -- a made-up log, no secret
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = 0
    with path.open("w", newline="") as file:
        log = csv.writer(file)
        log.writerow(["case", "time", "state", "by", "group", "assignee", "priority", "caller"])
        for case in range(cases):
            moment = start + timedelta(minutes=case * 7)
            states = ["New", "Active", *dice.choice([[], ["Waiting", "Active"]]), "Resolved", "Closed"]
            group, agent = f"Group {dice.randrange(20)}", ""
            for state in states:
                if state == "Active":
                    agent = f"Agent {dice.randrange(80)}"
                log.writerow([f"C{case:07}", moment.strftime("%Y-%m-%d %H:%M:%S"), state, agent or "Desk", group, agent, "3",
                              f"Caller {dice.randrange(2000)}"])  # fmt: skip
                moment += timedelta(minutes=dice.randrange(1, 600))
                rows += 1
    return rows


def positions(client: httpx.Client) -> tuple[dict[str, int], list[dict[str, int]]]:
    """How far the owners' stores are, and each service's views."""
    said = client.get("/internal/projections").raise_for_status().json()
    return {o["owner"]: o["position"] for o in said["owners"]}, [p["watermarks"] for p in said["projections"]]


def caught_up(heads: dict[str, int], views: list[dict[str, int]]) -> bool:
    return all(mark >= heads[owner] for marks in views for owner, mark in marks.items())


async def copied(dsn: str) -> float:
    """The ceiling: seconds for which PostgreSQL, and nobody else, copies the same events into a table like theirs."""
    connection = await asyncpg.connect(dsn)
    seconds = 0.0
    for owner in OWNERS:
        rows = await connection.fetch(f"SELECT * FROM {owner}.event ORDER BY position")
        await connection.execute(f"CREATE TABLE bench_{owner} (LIKE {owner}.event INCLUDING ALL)")
        columns = list(rows[0].keys()) if rows else []
        started = time.monotonic()
        for begin in range(0, len(rows), PAGE):
            await connection.copy_records_to_table(
                f"bench_{owner}", records=rows[begin : begin + PAGE], columns=columns
            )
        seconds += time.monotonic() - started
    await connection.close()
    return seconds


def memory(name: str, stack: Stack) -> Figure:
    """Return the megabytes of all processes together (shared memory counted once), each process's beside it."""
    found = stack.doctor()
    parts: dict[str, Any] = {process["name"]: process["memory_mb"] for process in found["processes"]}
    return Figure(name, found["memory_mb"], "MB", more=parts)


def measure(folder: Path, cases: int = 3000) -> list[Figure]:
    """Start a stack, import a log, stop, start again."""
    data, log = folder / "data", folder / "log.csv"
    write_log(log, cases, seed=1)
    with Stack(data) as stack:
        figures = [Figure("first start", stack.seconds_to_ready, "s")]
        client = stack.client()
        before, _ = positions(client)
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "ledgerdesk.cli", "import", str(log), "--mapping", str(MAPPING), "--data", str(data)],
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        stated = time.monotonic() - started
        while True:
            heads, views = positions(client)
            if caught_up(heads, views):
                break
            time.sleep(0.05)
        seconds = time.monotonic() - started
        events = sum(heads[owner] - before[owner] for owner in heads)
        ceiling = sum(heads.values()) / asyncio.run(copied(stack.environment()["DATABASE_URL"]))
        figures.append(
            rate_figure("import, to every view", events / seconds, ceiling, events=events, stated_s=round(stated, 2))
        )
    with Stack(data) as stack:
        figures.append(Figure("restart", stack.seconds_to_ready, "s"))
        time.sleep(5)  # at rest: not a wait for a condition, but the condition itself
        figures.append(memory("memory at rest", stack))
    return figures
