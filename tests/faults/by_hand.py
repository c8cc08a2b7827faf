"""What is done to a running stack by hand: tickets opened, events that no relay sends, a metric read, what was seen written down."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from shared.contracts.event import Event, NewEvent
from shared.testing.events import command, message
from shared.testing.stores import Stores
from shared.testing.wait import wait_until
from tests.faults import oracle, record
from tests.faults.apart import KEY, Apart


def post(desk: Apart, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send a command; return its answer."""
    answer = httpx.post(
        f"{desk.url}/api/v1{path}", json=body, headers={"Authorization": f"Bearer {KEY}"}, timeout=20, trust_env=False
    )
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


def opened(desk: Apart, subject: str) -> UUID:
    """Open a ticket; return its id."""
    requester = {"email": "ken@example.org", "name": "Ken"}
    return UUID(post(desk, "/tickets", {"subject": subject, "body": "words", "requester": requester})["id"])


def settle(desk: Apart, *, timeout: float = 90.0) -> None:
    """Wait until every view is what the oracle makes of the stores."""
    last: list[str] = []

    def agreed() -> bool:
        last[:] = asyncio.run(oracle.disagreements(desk.dsn))
        return not last

    try:
        wait_until(agreed, timeout=timeout)
    except TimeoutError:
        logs = "\n".join(process.said() for process in desk.processes.values())
        raise AssertionError(f"{last}\n{logs[-3000:]}") from None


def verified(desk: Apart, code: int = 0) -> str:
    """Run `ledgerdesk verify`, expect how it ends, return what it says."""
    done = desk.run("verify", "--wait", "20")
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def gauge(desk: Apart, name: str, service: str) -> float:
    """Return a service's figure from /metrics."""
    text = httpx.get(f"{desk.url}/metrics", timeout=20, trust_env=False).text
    found = re.search(rf'^{name}{{service="{service}"}} (\S+)$', text, re.MULTILINE)
    assert found is not None, text[-2000:]
    return float(found[1])


@contextmanager
def nothing_relayed(desk: Apart) -> Iterator[None]:
    """Stop HTTP and the relays; what intake's store gets meanwhile counts as sent, and never is."""
    desk.processes["http"].end()
    yield
    asyncio.run(_pass_over(desk.dsn))
    desk.processes["http"].start()
    wait_until(desk.ready, timeout=60, message=f"HTTP: {desk.processes['http'].said()}")


async def _pass_over(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("UPDATE intake.relay_cursor SET position = (SELECT max(position) FROM intake.event)")
    finally:
        await connection.close()


def appended(desk: Apart, tickets: Sequence[UUID], fact: Callable[[], NewEvent] = message) -> list[Event]:
    """Write an event into intake's store for each of these tickets; return them."""
    return asyncio.run(_append(desk.dsn, tickets, fact))


async def _append(dsn: str, tickets: Sequence[UUID], fact: Callable[[], NewEvent]) -> list[Event]:
    stores = Stores(dsn)
    try:
        store = await stores.open("intake")
        found = []
        for ticket in tickets:
            _, head = await store.load(ticket)
            (outcome,) = await store.append([command("intake", ticket, head, [fact()])[0]])
            assert outcome.kind == "appended", outcome
            found += (await store.load(ticket, head.version))[0]
        return found
    finally:
        await stores.close()


@contextmanager
def noted(desk: Apart, name: str, kind: str, sent: int) -> Iterator[None]:
    """Write a trial by hand into the record: how many events were `sent`, and whether all that was asserted of them held.

    Nobody counts here as the oracle does, so what only it counts is null.
    """
    started, wrong = time.monotonic(), ["it was broken off"]
    try:
        yield
        wrong = []
    finally:
        record.note(
            {
                "name": name, "kind": kind, "seed": None, "sent": sent, "attempts": None, "acknowledged": None,
                "found": None, "doubled": None, "skipped": None, "killed": None, "wrong": wrong,
                "seconds": round(time.monotonic() - started, 1), "broker": desk.broker,
                "postgresql": asyncio.run(_version(desk.dsn)),
            }
        )  # fmt: skip


async def _version(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()
