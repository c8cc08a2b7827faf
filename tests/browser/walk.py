"""A walk over pages in a language in which every word of ours is in brackets: what is left in English, and where."""

import re
from dataclasses import dataclass, field
from zoneinfo import available_timezones

import yaml
from playwright.async_api import Page

from shared.contracts.permissions import PERMISSIONS
from tests.browser.desk import PASSWORD, ROOT, People, Stack

TEXTS = """() => {
    const found = [];
    const skipped = "script, style, noscript, code, kbd, time, template, [data-zone], .avatar, .brand, .words, .parked-event, .qr, .uplot";
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const parent = node.parentElement;
        const other = parent.closest("[lang]");
        if (parent.closest(skipped) || !node.textContent.trim() || (other && other.lang !== document.documentElement.lang)) continue;
        let text = node.textContent;
        if (parent.querySelector(":scope > code")) { // a sentence around commands or names of columns is one
            const whole = parent.cloneNode(true);
            for (const code of whole.querySelectorAll("code, time")) code.remove();
            text = whole.textContent;
        }
        found.push(text.trim().replace(/\\s+/g, " "));
    }
    for (const name of ["aria-label", "title", "placeholder", "alt", "data-hotkey-label", "data-hotkey-group", "data-palette", "data-palette-group"]) {
        for (const one of document.querySelectorAll(`[${name}]`)) if (!one.closest("time") && one.getAttribute(name)) found.push(one.getAttribute(name));
    }
    found.push(document.title);
    return [...new Set(found)];
}"""
"""Every text of a page that is not by its place somebody's own, and everything that is said for those who do not see it."""
NAMES = (
    "Ledgerdesk", "Corp", "Kafka", "English", "Deutsch", "Esperanto", "UTC", "CSV", "Markdown", "Ctrl", "Enter", "Esc", "Chrome", "Linux",
    "text/plain", "Sev-A", "Sev-B", "Sev-C", "field.device", "admin", "kB", "MB", "GET", "ISO",
)  # fmt: skip
"""What is called so in every language."""
LONG = 80


def _strings(value: object) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(_strings, value.keys()), *map(_strings, value.values()))
    if isinstance(value, list):
        return set().union(*map(_strings, value))
    return {" ".join(value.split())} if isinstance(value, str) else set()


def data_of(stack: Stack, words: set[str]) -> list[str]:
    """Return what people and the organisation have named: the longest first, so that none is part of another."""
    organisation = _strings(yaml.safe_load((ROOT / "examples" / "org.yaml").read_text()))
    with stack.api() as api:
        projections = {one["name"] for one in api.get("/internal/projections").json()["projections"]}
        subjects = {one["subject"] for one in api.get("/tickets", params={"limit": 200}).json()["items"]} - {None}
    found = organisation | words | projections | subjects | set(NAMES) | available_timezones() | set(PERMISSIONS)
    return sorted((one for one in found if len(one) > 1), key=len, reverse=True)


def untranslated(text: str, data: list[str]) -> str:
    """Return what of a text is neither in brackets nor data; empty if nothing is."""
    left = re.sub(r"⟦[^⟦⟧]*⟧", " ", text)
    if any(left.strip().removesuffix("...").strip() in one for one in data if len(one) > LONG):
        return ""  # a text of somebody's that is shown in part
    left = re.sub(
        r"[\w.+-]+@[\w.-]+|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]{4}-\w{3,}-[0-9]+", " ", left
    )  # addresses, ids, days
    for one in data:
        if one in left:
            left = re.sub(rf"(?<!\w){re.escape(one)}(?!\w)", " ", left)
    left = re.sub(r"\w*\d\w*", " ", left)
    return left.strip() if re.search(r"[^\W\d_]{2}", left) else ""


async def sign_in(people: People, login: str, locale: str, **options: object) -> Page:
    """Sign in, whatever the language of the page."""
    page = await people.page(locale=locale, **options)
    await page.goto("/sign-in")
    await page.locator("[name=login]").fill(login)
    await page.locator("[name=password]").fill(PASSWORD)
    await page.locator("form[action='/sign-in'] button").click()
    await page.wait_for_url(lambda url: "/sign-in" not in url)
    return page


@dataclass
class Walk:
    """Looks at pages, and notes what is left in English, and where."""

    data: list[str]
    found: dict[str, set[str]] = field(default_factory=dict)
    seen: int = 0

    async def look(self, page: Page, where: str) -> None:
        texts = await page.evaluate(TEXTS)
        self.seen += sum("⟦" in text for text in texts)
        for text in texts:
            if untranslated(text, self.data):
                self.found.setdefault(text, set()).add(where)

    async def go(self, page: Page, path: str, where: str = "") -> None:
        await page.goto(path)
        await self.look(page, where or path)

    @property
    def left(self) -> str:
        """What is left in English, a line each."""
        return "\n".join(
            f"{text[:90]!r} at {', '.join(sorted(where)[:2])}" for text, where in sorted(self.found.items())
        )
