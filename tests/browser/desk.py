"""What the browser tests work with: a stack, people with browsers, what people do, pictures of it."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

from tests.knowing import all_know

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "output" / "screenshots"
PASSWORD = "demo-password"
TOKEN = re.compile(r'name="csrf" value="(\w+)"')


@dataclass
class Stack:
    url: str
    admin_key: str
    oidc_port: int = 0
    data: Path | None = None

    def api(self, on_behalf_of: str | None = None) -> httpx.Client:
        """Return a client with the administrator's key, acting for somebody if told so."""
        headers = {"Authorization": f"Bearer {self.admin_key}"}
        if on_behalf_of:
            headers["Ledgerdesk-On-Behalf-Of"] = on_behalf_of
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=30, trust_env=False)


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
            **{"base_url": self.url, "locale": "en-GB", "timezone_id": "Europe/Vienna", "viewport": {"width": 1280, "height": 860}, **options}
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
        await page.wait_for_url(lambda url: "/sign-in" not in url)
        await page.wait_for_load_state()
        return page


async def open_ticket(page: Page, subject: str, body: str = "It does not work.", topic: str = "general") -> str:
    await page.goto("/tickets/new")
    await page.get_by_label("Subject").fill(subject)
    await page.get_by_label("What happened").fill(body)
    await page.get_by_label("Topic").select_option(topic)
    await page.get_by_role("button", name="Open ticket").click()
    await expect(page.locator("#live-head h1")).to_have_text(subject)
    return page.url.rsplit("/", 1)[1].split("?")[0]


def by_telephone(stack: Stack, subject: str) -> tuple[str, str]:
    """Return the id and number of a ticket whose requester has no account."""
    with stack.api() as api:
        body = {
            "subject": subject,
            "body": "Rang at nine.",
            "requester": {"email": f"g-{uuid4().hex[:6]}@guests.example", "name": "Gill Guest"},
        }
        ticket = api.post("/tickets", json=body).json()
        all_know(api)
    return ticket["id"], ticket["number"]


async def write(page: Page, what: str, text: str) -> None:
    """Write a note or a reply."""
    await page.locator(f".composer label.tab.{what}").click()
    form = page.locator(f"form.write.{what}")
    await form.locator("textarea").fill(text)
    await form.locator("[data-send]").click()


async def begin(page: Page, label: str) -> Locator:
    """Begin a move: its form, in the dialog."""
    button = page.locator(f"#live-head [data-palette='{label}']").first
    if not await button.is_visible():
        await page.locator("#live-head details.menu > summary").click()
    await button.click()
    sheet = page.locator("dialog#sheet .sheet")
    await expect(sheet).to_be_visible()
    return sheet


async def make(page: Page, label: str, **fields: str) -> None:
    """Make a move that asks something."""
    sheet = await begin(page, label)
    for name, value in fields.items():
        field = sheet.locator(f"[name={name}]:not([type=hidden])").first
        await (field.select_option(value) if await field.evaluate("e => e.tagName") == "SELECT" else field.fill(value))
    await sheet.locator("button[data-send]").click()
    await expect(sheet).to_be_hidden()


async def at_once(page: Page, label: str) -> None:
    """Make a move that asks nothing."""
    await page.locator(f"#live-head [data-palette='{label}']").first.click()


def row(page: Page, subject: str) -> Locator:
    return page.locator(".ticket-row", has_text=subject)


def status(page: Page) -> Locator:
    return page.locator("#live-head .badge").first


async def picture(page: Page, name: str) -> None:
    """Keep a picture of a page, for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
