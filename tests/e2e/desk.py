"""What tests do at a running stack, over HTTP and at the command line, and what they then look for."""

import os
import re
import subprocess
import sys
from uuid import uuid4

import asyncpg
import httpx


def opened(client: httpx.Client, **changes) -> str:
    body = {"subject": f"Work {uuid4().hex[:8]}", "body": "words", "requester": {"email": "ken@example.org"}, **changes}
    return client.post("/tickets", json=body).raise_for_status().json()["id"]


def did(
    client: httpx.Client, method: str, path: str, body: object = None, status: tuple[int, ...] = (200, 201)
) -> httpx.Response:
    """Give a command once the ticket is known, and expect this answer."""
    answer = client.request(method, path, json=body)
    assert answer.status_code in status, f"{path}: {answer.status_code} {answer.text}"
    return answer


def seen(client: httpx.Client, answer: httpx.Response, path: str) -> dict:
    """Read with one's own write in it."""
    found = client.get(path, headers={"Ledgerdesk-After": answer.headers["Ledgerdesk-Version"]})
    assert "Ledgerdesk-Stale" not in found.headers
    return found.raise_for_status().json()


def entries(client, ticket, answer, kind) -> list[dict]:
    return [item for item in seen(client, answer, f"/tickets/{ticket}/timeline")["items"] if item["type"] == kind]


def ledgerdesk(stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as an operator would, who names the data directory and nothing else."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LEDGERDESK_") and k != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-m", "ledgerdesk.cli", *arguments, "--data", str(stack.data)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


async def everything(dsn: str, words: list[str]) -> list[str]:
    """Return every table and row in which one of these words stands, in any column, search vectors included."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
            "AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        pattern = "|".join(re.escape(word) for word in words)
        found = []
        for schema, table in tables:
            rows = await connection.fetch(f'SELECT t::text FROM "{schema}"."{table}" t WHERE t::text ~* $1', pattern)
            found += [f"{schema}.{table}: {row[0][:300]}" for row in rows]
        return found
    finally:
        await connection.close()
