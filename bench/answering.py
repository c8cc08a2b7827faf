"""`POST /tickets` on the embedded stack with everything running, beside an empty FastAPI route that takes the same body."""

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import asyncpg
import httpx

from bench.figures import Figure, percentile, rate_figure, time_figure
from bench.load import Answers, at_rate, closed, request
from bench.stack import ROOT, Stack, free_port

ROUTE = "/api/v1/tickets"
RATES = (100, 200, 400)
_numbers = itertools.count()


def posts(key: str) -> Callable[[], bytes]:
    """Return a maker of requests that each open a ticket, by one of a thousand requesters."""

    def make() -> bytes:
        number = next(_numbers)
        body = {
            "subject": f"The VPN drops every ten minutes ({number})",
            "body": "Since this morning the connection is lost every ten minutes, also by cable. The light on the box is red. " * 3,
            "requester": {"email": f"bench-{number % 1000}@example.org", "name": f"Bench {number % 1000}"},
            "priority": "normal", "tags": ["bench"],
        }  # fmt: skip
        return request("POST", ROUTE, key, json.dumps(body).encode())

    return make


def empty_route(port: int) -> None:
    """Serve an empty route: FastAPI, uvicorn and the same model, nothing behind it."""
    import uvicorn
    from fastapi import FastAPI

    from services.intake.api import NewTicket

    app = FastAPI(openapi_url=None)

    @app.post(ROUTE, status_code=201)
    async def empty(body: NewTicket) -> dict[str, Any]:
        return {"id": "00000000-0000-0000-0000-000000000000", "number": "1", "subject": body.subject}

    uvicorn.run(app, port=port, loop="uvloop", http="httptools", log_level="warning", access_log=False)


class Empty:
    """The empty route in a process of its own."""

    def __enter__(self) -> int:
        port = free_port()
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"from bench.answering import empty_route; empty_route({port})"], cwd=ROOT
        )
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/", timeout=1, trust_env=False)
            except httpx.HTTPError:
                assert self._process.poll() is None, "the empty route ended"
                time.sleep(0.02)
            else:
                return port

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)


def _good(answers: Answers) -> Answers:
    assert not answers.bad, answers.bad[0][:500]
    return answers


async def measure(stack: Stack, seconds: float = 6.0) -> list[Figure]:
    """Measure closed loops, fixed rates, and how soon a ticket is seen."""
    make = posts(stack.environment()["LEDGERDESK_ADMIN_API_KEY"])
    figures = []
    _good(await closed(stack.port, make, 8, 2))  # a thousand requesters are known from here on
    with Empty() as port:
        await closed(port, make, 8, 1)
        for clients in (1, 8, 32):
            bare = _good(await closed(port, make, clients, seconds / 3))
            ours = _good(await closed(stack.port, make, clients, seconds))
            p50, p99 = (round(1000 * percentile(ours.seconds, q), 1) for q in (0.5, 0.99))
            promised = {"least": 450.0} if clients == 8 else {}
            figures.append(
                rate_figure(f"POST /tickets, {clients} clients", ours.rate, bare.rate, unit="requests/s", p50_ms=p50, p99_ms=p99, **promised)
            )  # fmt: skip
            if promised:
                figures.append(time_figure(f"POST /tickets, {clients} clients: time", ours.seconds, p99=50))
            await _settled(stack)
        key = stack.environment()["LEDGERDESK_ADMIN_API_KEY"]
        bare_rate = await ordinary(port, key, 8, seconds / 2)
        figures.append(
            rate_figure(
                "POST /tickets, 8 ordinary clients (httpx)", await ordinary(stack.port, key, 8, seconds), bare_rate,
                unit="requests/s", share=0.25,
            )
        )  # fmt: skip
        await _settled(stack)
    for rate in RATES:
        answers = _good(await at_rate(stack.port, make, rate, seconds))
        figures.append(time_figure(f"POST /tickets at {rate}/s", answers.seconds, rate=round(answers.rate)))
        await _settled(stack)
    return figures


async def ordinary(port: int, key: str, clients: int, seconds: float) -> float:
    """Open tickets with a client as people use it (httpx), which takes a core for itself; returns requests a second."""
    done = 0
    make = posts(key)
    async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {key}"}) as client:
        started = time.perf_counter()

        async def one() -> None:
            nonlocal done
            while time.perf_counter() - started < seconds:
                body = json.loads(make().partition(b"\r\n\r\n")[2])
                (await client.post(f"http://127.0.0.1:{port}{ROUTE}", json=body)).raise_for_status()
                done += 1

        await asyncio.gather(*(one() for _ in range(clients)))
        return done / (time.perf_counter() - started)


async def _settled(stack: Stack) -> None:
    """Wait until every view has everything."""
    with stack.client() as client:
        while True:
            said = client.get("/internal/projections").raise_for_status().json()
            heads = {owner["owner"]: owner["position"] for owner in said["owners"]}
            done = all(
                p["inbox"] == 0 and all(mark >= heads[o] for o, mark in p["watermarks"].items())
                for p in said["projections"]
            )
            if done and all(owner["waiting"] == 0 for owner in said["owners"]):
                return
            await asyncio.sleep(0.1)


async def visible(stack: Stack, rate: float = 200, seconds: float = 10.0) -> list[Figure]:
    """Measure from an acknowledgement to the row in the ticket view and in the reports, looking every 2 ms."""
    make = posts(stack.environment()["LEDGERDESK_ADMIN_API_KEY"])
    dsn = stack.environment()["DATABASE_URL"]
    acknowledged: dict[str, float] = {}
    seen: dict[str, list[float]] = {"workflow.ticket": [], "reporting.entry": []}
    done = asyncio.Event()

    def keep(now: float, answer: bytes) -> None:
        acknowledged[json.loads(answer.partition(b"\r\n\r\n")[2])["id"]] = now

    async def watch(table: str, column: str) -> None:
        connection = await asyncpg.connect(dsn)
        found: set[str] = set()
        while not (done.is_set() and len(found) == len(acknowledged)):
            wanted = [ticket for ticket in acknowledged if ticket not in found]
            if wanted:
                rows = await connection.fetch(
                    f"SELECT DISTINCT {column}::text AS id FROM {table} WHERE {column} = ANY ($1::uuid[])", wanted
                )
                now = time.perf_counter()
                seen[table] += [now - acknowledged[row["id"]] for row in rows]
                found.update(row["id"] for row in rows)
            await asyncio.sleep(0.002)
        await connection.close()

    async def load() -> None:
        _good(await at_rate(stack.port, make, rate, seconds, keep))
        done.set()

    await asyncio.gather(load(), watch("workflow.ticket", "stream_id"), watch("reporting.entry", "ticket_id"))
    await _settled(stack)
    return [
        time_figure(f"acknowledged to visible in {where} at {rate:g}/s", seen[table], p50=50, p99=150)
        for where, table in (("the ticket view", "workflow.ticket"), ("the reports", "reporting.entry"))
    ]
