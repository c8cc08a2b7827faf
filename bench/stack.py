"""What the embedded stack costs: seconds to ready, megabytes at rest, and events a second from a log to every view.

Beside the rate stands its ceiling, measured in the same run: PostgreSQL copying the same events into such tables, no more.

Run with `make bench`. It makes a log of its own (seeded), so that the figures can be had anywhere.
"""

import argparse
import asyncio
import csv
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import asyncpg
import httpx

MAPPING = Path(__file__).with_name("log.yaml")
ROOT = Path(__file__).parents[1]
OWNERS = ("intake", "routing", "workflow", "gateway")
PAGE = 1000  # rows a copy, as many as an owner takes facts a call


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


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


class Stack:
    """An embedded stack of its own, for as long as the `with` block lasts."""

    def __init__(self, data: Path) -> None:
        self.data, self.port = data, free_port()

    def __enter__(self) -> Self:
        started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ledgerdesk.up", "--data", str(self.data), "--port", str(self.port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT,
        )  # fmt: skip
        while True:
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2, trust_env=False).is_success:
                    break
            except httpx.HTTPError:
                assert self.process.poll() is None, "the stack ended; see its logs"
            time.sleep(0.02)
        self.seconds_to_ready = time.monotonic() - started
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def doctor(self) -> dict:
        out = subprocess.run(
            [sys.executable, "-m", "ledgerdesk.cli", "doctor", "--json", "--data", str(self.data)], capture_output=True,
            text=True, check=False, cwd=ROOT, env={**os.environ, "LEDGERDESK_URL": ""},
        )  # fmt: skip
        return json.loads(out.stdout)

    def environment(self) -> dict[str, str]:
        return json.loads((self.data / "run" / "environment.json").read_text())

    def client(self) -> httpx.Client:
        key = self.environment()["LEDGERDESK_ADMIN_API_KEY"]
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}/api/v1", headers=headers, trust_env=False)


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


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    figures = {"cores": os.cpu_count(), "load_before": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory(prefix="ledgerdesk-bench-", ignore_cleanup_errors=True) as scratch:
        data, log = Path(scratch) / "data", Path(scratch) / "log.csv"
        figures["source_rows"] = write_log(log, arguments.cases, seed=1)
        with Stack(data) as stack:
            figures["first_start_s"] = round(stack.seconds_to_ready, 2)
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
            figures |= {
                "events": events, "import_command_s": round(stated, 2), "visible_in_every_view_s": round(seconds, 2),
                "events_per_s_to_every_view": round(events / seconds), "ceiling_copy_events_per_s": round(ceiling),
                "of_ceiling": round(events / seconds / ceiling, 3),
            }  # fmt: skip
        with Stack(data) as stack:
            figures["restart_s"] = round(stack.seconds_to_ready, 2)
            time.sleep(5)  # at rest: not a wait for a condition, but the condition itself
            found = stack.doctor()
            figures["memory_at_rest_mb"] = found["memory_mb"]
            figures["memory_by_process_mb"] = {p["name"]: p["memory_mb"] for p in found["processes"]}
    for name, value in figures.items():
        print(f"{name:28} {value}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
