"""A stack of our own and a real browser. Needs Chromium (`apt-get install chromium`, or CHROMIUM=/path/to/it)."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from shared.embedded import free_port
from shared.testing.wait import wait_until

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "output" / "screenshots"
PASSWORD = "demo-password"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

expect.set_options(timeout=10_000)


@dataclass
class Stack:
    url: str
    admin_key: str

    def api(self, on_behalf_of: str | None = None) -> httpx.Client:
        """Return a client with the administrator's key, acting for somebody if told so."""
        headers = {"Authorization": f"Bearer {self.admin_key}"}
        if on_behalf_of:
            headers["Ledgerdesk-On-Behalf-Of"] = on_behalf_of
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=30, trust_env=False)


def _is_ready(url: str, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the stack has ended: see its log above"
    try:
        return httpx.get(f"{url}/readyz", timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole stack on a free port, with the demo's organisation; or one that runs already, named by the environment."""
    if os.environ.get("LEDGERDESK_URL") and os.environ.get("LEDGERDESK_ADMIN_API_KEY"):
        yield Stack(os.environ["LEDGERDESK_URL"].rstrip("/"), os.environ["LEDGERDESK_ADMIN_API_KEY"])
        return
    data = Path(tempfile.mkdtemp(prefix="ledgerdesk-browser-"))  # not pytest's folder: PostgreSQL runs as another user
    data.chmod(0o755)
    port = free_port()
    env = {**os.environ, "LEDGERDESK_DEMO_PASSWORD": PASSWORD}
    process = subprocess.Popen(
        [sys.executable, "-m", "ledgerdesk.up", "--data", str(data), "--port", str(port)], cwd=ROOT, env=env
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _is_ready(url, process), timeout=120, message="a stack that is ready")
        subprocess.run(
            [sys.executable, "-m", "ledgerdesk.cli", "org", "apply", "examples/org.yaml", "--data", str(data)],
            cwd=ROOT, env=env, check=True, timeout=60,
        )  # fmt: skip
        yield Stack(url, (data / "admin.key").read_text().strip())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"there is no Chromium at {CHROMIUM}: apt-get install chromium, or set CHROMIUM")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        await started.close()


@dataclass
class People:
    """Opens browsers of their own for people, and hears what their consoles complain about."""

    browser: Browser
    url: str
    contexts: list[BrowserContext] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    async def page(self, **options: object) -> Page:
        context = await self.browser.new_context(
            base_url=self.url, locale="en-GB", timezone_id="Europe/Vienna", viewport={"width": 1280, "height": 860}, **options
        )  # fmt: skip
        self.contexts.append(context)
        page = await context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(text in message.text for text in self.expected):
            self.complaints.append(f"{message.type}: {message.text}")

    async def sign_in(self, login: str, **options: object) -> Page:
        page = await self.page(**options)
        await page.goto("/sign-in")
        await page.get_by_label("Login or e-mail address").fill(login)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/queue")
        return page


@pytest.fixture
async def people(browser: Browser, stack: Stack) -> AsyncIterator[People]:
    """People with browsers. What a console complains about fails the test, unless it said that it expects it."""
    several = People(browser, stack.url)
    yield several
    for context in several.contexts:
        await context.close()
    assert several.complaints == []


async def picture(page: Page, name: str) -> None:
    """Keep a picture of a page, for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
