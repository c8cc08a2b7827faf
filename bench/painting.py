"""What a person waits for: pages painted in a browser, from one queue to the next, and how much is sent for a page.

Chromium has one renderer and the stack two cores with it, so a figure here is of a whole desk and a browser on one machine.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from bench.figures import Figure, time_figure
from bench.stack import Stack, command

TIMES = 12
"""How often each is looked at."""
THINKING = 700
"""Milliseconds between two pages: what the first one still fetches and opens is not the second one's to pay."""
PAINTED = 300.0
SWITCHED = 150.0
SENT = 500_000
LINE = "/api/v1/me"
"""An answer of one line, with no style, script, font or image: what a browser takes to paint anything at all."""
DOOR = "/sign-in"
"""The page that is everybody's first: whose browser has nothing of us has no session either."""
VIEWPORT: Any = {"width": 1280, "height": 860}
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]

_PAINT = """() => new Promise((done) => {
  const told = () => performance.getEntriesByName("first-contentful-paint")[0];
  const look = () => told() ? done(told().startTime) : requestAnimationFrame(look);
  look();
})"""
_SENT = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .reduce((sum, one) => sum + one.transferSize, 0)"""
_SWITCH = """(href) => new Promise((done) => {
  const link = () => document.querySelector(`#nav a[href="${href}"]`);
  const began = performance.now();
  const look = () => link()?.getAttribute("aria-current") === "page" && location.href.endsWith(href)
    ? requestAnimationFrame(() => setTimeout(() => done(performance.now() - began))) : requestAnimationFrame(look);
  link().click();
  look();
})"""
_QUEUES = (
    """() => [...document.querySelectorAll('#nav a[href^="/queue?tab="]')].map((one) => one.getAttribute("href"))"""
)


def chromium() -> str | None:
    """Return where this machine's browser is."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


async def looked(stack: Stack, tickets: int) -> list[Figure]:
    """Look at the main pages as a new visitor, and go from queue to queue; nothing where there is no browser."""
    browser = chromium()
    try:
        from playwright.async_api import async_playwright
    except ModuleNotFoundError:
        browser = None
    if browser is None:
        sys.stderr.write("no browser: `make browser` and a chromium are needed for the pages' figures\n")
        return []
    password = (stack.data / "demo.password").read_text().strip()
    ticket = await _a_ticket(stack.environment()["DATABASE_URL"])
    figures = []
    async with async_playwright() as playwright:
        chrome = await playwright.chromium.launch(executable_path=browser, args=ARGUMENTS)
        bare = [(await _visited(chrome, stack, (), LINE)).emptied for _ in range(TIMES)]
        figures.append(time_figure("first paint of a line of text, nothing in the cache", bare))
        doors = []
        for login, path, name in (
            ("john", "/queue?tab=all", "queue"), ("john", f"/tickets/{ticket}", "ticket"), ("ana", "/reports/volumes", "report"),
            ("ken", "/", "portal"), ("ada", "/admin", "health"),
        ):  # fmt: skip
            first = await chrome.new_context(base_url=f"http://127.0.0.1:{stack.port}", viewport=VIEWPORT)
            page = await first.new_page()
            await _sign_in(page, login, password)
            cookies = await first.cookies()
            await first.close()
            visits = [await _visited(chrome, stack, cookies, path) for _ in range(TIMES)]
            doors += [visit.door for visit in visits]
            sent = max(visit.sent for visit in visits)
            figures += [
                time_figure(f"first paint of the {name}, {tickets:,} tickets", [visit.after_door for visit in visits], p50=PAINTED),
                time_figure(f"first paint of the {name}, {tickets:,} tickets, once more", [visit.again for visit in visits], p50=PAINTED),
                time_figure(f"first paint of the {name}, {tickets:,} tickets, cache emptied", [visit.emptied for visit in visits], p50=PAINTED),
                Figure(f"sent for the {name}, {tickets:,} tickets", sent / 1000, "kB", None, f"under {SENT / 1000:.0f} kB", sent < SENT),
            ]  # fmt: skip
            if name == "queue":
                figures.append(await _switching(chrome, stack, cookies, tickets))
        figures.append(time_figure("first paint of the sign-in page, nothing in the cache", doors, p50=PAINTED))
        await chrome.close()
    return figures


@dataclass(frozen=True)
class Visit:
    """Seconds to the first paint of a page: from the sign-in page (itself painted by a browser that had nothing of us), once more,
    and by a browser that has the session but had its cache emptied; and the bytes that were sent to that one."""

    door: float
    after_door: float
    again: float
    emptied: float
    sent: int


async def _visited(chrome: Any, stack: Stack, cookies: Sequence[Any], path: str) -> Visit:
    """Visit a page as somebody new, and as somebody whose cache was emptied."""
    context, page = await _new(chrome, stack)
    door = await _painted(page, DOOR)
    await context.add_cookies(cookies)  # as signing in does; how long a password takes is no page's matter
    after_door, again = await _painted(page, path), await _painted(page, path)
    await context.close()
    context, page = await _new(chrome, stack)
    await context.add_cookies(cookies)
    emptied, sent = await _painted(page, path), await page.evaluate(_SENT)
    await context.close()
    return Visit(door, after_door, again, emptied, sent)


async def _new(chrome: Any, stack: Stack) -> tuple[Any, Any]:
    context = await chrome.new_context(base_url=f"http://127.0.0.1:{stack.port}", viewport=VIEWPORT)
    return context, await context.new_page()


async def _painted(page: Any, path: str) -> float:
    """Go there; return the seconds to the first paint. What the page still fetches and opens then is not the next one's to pay."""
    await page.goto(path, wait_until="load")
    seconds: float = await page.evaluate(_PAINT) / 1000
    await page.wait_for_timeout(THINKING)
    return seconds


async def _switching(chrome: Any, stack: Stack, cookies: Sequence[Any], tickets: int) -> Figure:
    """Go through the queues of the menu, three times round."""
    context = await chrome.new_context(base_url=f"http://127.0.0.1:{stack.port}", viewport=VIEWPORT)
    await context.add_cookies(cookies)
    page = await context.new_page()
    await page.goto("/queue?tab=all", wait_until="load")
    queues = await page.evaluate(_QUEUES)
    assert len(queues) > 3, queues
    samples = [await page.evaluate(_SWITCH, href) / 1000 for _ in range(3) for href in queues]
    await context.close()
    return time_figure(f"from one queue to the next, {tickets:,} tickets", samples[len(queues) :], p50=SWITCHED)


async def _sign_in(page: Any, login: str, password: str) -> None:
    await page.goto("/sign-in")
    await page.fill("form[action='/sign-in'] [name=login]", login)
    await page.fill("form[action='/sign-in'] [name=password]", password)
    await page.click("form[action='/sign-in'] button:not([type=button])")
    await page.wait_for_url(lambda url: "/sign-in" not in url)


async def _a_ticket(dsn: str) -> str:
    """Return the number of a ticket with a long story."""
    connection = await asyncpg.connect(dsn)
    number: str = await connection.fetchval(
        "SELECT number FROM workflow.ticket WHERE number IS NOT NULL AND status = 'open' ORDER BY (SELECT count(*) "
        "FROM workflow.timeline WHERE ticket_id = ticket.stream_id) DESC LIMIT 1"
    )
    await connection.close()
    return number


def measure(folder: Path) -> list[Figure]:
    """Look at the demo's desk."""
    data = folder / "painting"
    command("demo", "--no-stay", "--port", str(Stack(data).port), data=data)
    with Stack(data) as stack:
        return asyncio.run(looked(stack, 6000))
