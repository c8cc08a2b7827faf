"""A stack of our own and a real browser. Needs Chromium (`apt-get install chromium`, or CHROMIUM=/path/to/it)."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, async_playwright, expect

from shared.embedded import free_port
from shared.testing.wait import wait_until
from tests.browser import pseudo
from tests.browser.desk import PASSWORD, ROOT, People, Stack

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

expect.set_options(timeout=10_000)


def _is_ready(url: str, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the stack has ended: see its log above"
    try:
        return httpx.get(f"{url}/readyz", timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False


@contextmanager
def running_stack() -> Iterator[Stack]:
    """A whole stack on a free port, with nothing in it."""
    data = Path(tempfile.mkdtemp(prefix="ledgerdesk-browser-"))  # not pytest's folder: PostgreSQL runs as another user
    data.chmod(0o755)
    port, oidc_port = free_port(), free_port()
    corp = {
        "key": "corp", "name": "Corp", "issuer": f"http://127.0.0.1:{oidc_port}", "client_id": "ledgerdesk", "client_secret": "of a test",
    }  # fmt: skip
    pseudo.write(data / "locales")
    env = {
        **os.environ, "LEDGERDESK_DEMO_PASSWORD": PASSWORD, "LEDGERDESK_OIDC_PROVIDERS": json.dumps([corp]),
        "LEDGERDESK_LOCALES": str(data / "locales"),
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "ledgerdesk.up", "--data", str(data), "--port", str(port)], cwd=ROOT, env=env
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _is_ready(url, process), timeout=120, message="a stack that is ready")
        yield Stack(url, (data / "admin.key").read_text().strip(), oidc_port, data)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        shutil.rmtree(data, ignore_errors=True)


@contextmanager
def demo_stack() -> Iterator[Stack]:
    """A whole stack on a free port, with the demo's organisation and no ticket."""
    with running_stack() as one:
        subprocess.run(
            [sys.executable, "-m", "ledgerdesk.cli", "org", "apply", "examples/org.yaml", "--data", str(one.data)],
            cwd=ROOT, env={**os.environ, "LEDGERDESK_DEMO_PASSWORD": PASSWORD}, check=True, timeout=60,
        )  # fmt: skip
        yield one


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The stack that the tests share; or one that runs already, named by the environment."""
    if os.environ.get("LEDGERDESK_URL") and os.environ.get("LEDGERDESK_ADMIN_API_KEY"):
        yield Stack(os.environ["LEDGERDESK_URL"].rstrip("/"), os.environ["LEDGERDESK_ADMIN_API_KEY"])
        return
    with demo_stack() as one:
        yield one


@pytest.fixture(scope="module")
def empty_stack() -> Iterator[Stack]:
    """A stack of its own that has just been started for the first time: nobody has an account, nothing is configured."""
    with running_stack() as one:
        yield one


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser that this machine has; none is ever downloaded."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"there is no Chromium at {CHROMIUM}: apt-get install chromium, or set CHROMIUM")
    return CHROMIUM


@pytest.fixture(scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield started
        await started.close()


@asynccontextmanager
async def at(browser: Browser, stack: Stack) -> AsyncIterator[People]:
    """People with browsers. What a console complains about fails the test, unless it said that it expects it."""
    several = People(browser, stack.url)
    yield several
    for context in several.contexts:
        await context.close()
    assert several.complaints == []


@pytest.fixture
async def people(browser: Browser, stack: Stack) -> AsyncIterator[People]:
    """People at the stack that tests share."""
    async with at(browser, stack) as several:
        yield several


@pytest.fixture
async def visitors(browser: Browser, empty_stack: Stack) -> AsyncIterator[People]:
    """People who come to a stack for the first time."""
    async with at(browser, empty_stack) as several:
        yield several
