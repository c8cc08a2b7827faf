"""No words of ours are left in English; German from the sign-in to the reply, also on a phone."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from uuid import uuid4
from zoneinfo import available_timezones

import pytest
import yaml
from playwright.async_api import Browser, Page, expect

from services.gateway.pages.configuring.kinds import KINDS
from services.gateway.pages.moves import AT_ONCE, MOVES, WRITING
from services.gateway.pages.queue import TABS
from shared.contracts.permissions import PERMISSIONS
from tests.browser import pseudo
from tests.browser.conftest import demo_stack
from tests.browser.desk import PASSWORD, ROOT, People, Stack, picture
from tests.browser.test_accessible import AXE, findings

TEXTS = """() => {
    const found = [];
    const skipped = "script, style, noscript, code, kbd, time, template, [data-zone], .avatar, .brand, .words, .qr, .uplot";
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


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack of its own: what other tests have named would be taken for words of ours."""
    with demo_stack() as one:
        yield one


REPORTS = ("volumes", "activities", "moves", "durations", "backlog", "agents", "reopens")
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


def _data(stack: Stack, words: set[str]) -> list[str]:
    """Return what people and the organisation have named: the longest first, so that none is part of another."""
    organisation = _strings(yaml.safe_load((ROOT / "examples" / "org.yaml").read_text()))
    with stack.api() as api:
        projections = {one["name"] for one in api.get("/internal/projections").json()["projections"]}
    found = organisation | words | projections | set(NAMES) | available_timezones() | set(PERMISSIONS)
    return sorted((one for one in found if len(one) > 1), key=len, reverse=True)


def _untranslated(text: str, data: list[str]) -> str:
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


async def _sign_in(people: People, login: str, locale: str, **options: object) -> Page:
    page = await people.page(locale=locale, **options)
    await page.goto("/sign-in")
    await page.locator("[name=login]").fill(login)
    await page.locator("[name=password]").fill(PASSWORD)
    await page.locator("form[action='/sign-in'] button").click()
    await page.wait_for_url(lambda url: "/sign-in" not in url)
    return page


def _a_busy_ticket(stack: Stack, subject: str) -> tuple[str, str, str]:
    """Return the numbers of a ticket to which much has happened, and of one that is resolved, and an article's id."""

    def post(api, path: str, **body: object) -> dict:
        answer = api.post(path, json=body or None)
        assert answer.is_success, f"{path}: {answer.text}"
        return answer.json() if answer.content else {}

    with stack.api("ken") as ken, stack.api("john") as john, stack.api("ada") as ada:
        first = post(ken, "/tickets", subject=subject, body="It is out.", topic="network")["number"]
        other = post(ken, "/tickets", subject=f"{subject} again", body="Still out.", topic="mail")["number"]
        for verb, body in (
            ("assign", {"agent": "john", "message": "Have a look"}), ("prioritise", {"priority": "high", "severity": "Sev-B"}),
            ("notes", {"body": "A note"}), ("replies", {"body": "A reply"}), ("hold", {"reason": "A part"}), ("resume", {}),
            ("tags", {"add": ["vpn"]}), ("escalate", {}), ("acknowledge", {}), ("watch", {}), ("transfer", {"department": "support"}),
            ("refer", {"agent": "jane"}), ("tasks", {"title": "Look", "agent": "john"}), ("time", {"minutes": 30, "note": "Looked", "billable": True}),
            ("links", {"kind": "related", "ticket": other}), ("release", {}), ("claim", {}),
            ("collaborators", {"email": "lin@example.org", "name": "Lin"}),
        ):  # fmt: skip
            post(john, f"/tickets/{first}/{verb}", **body)
        post(ken, f"/tickets/{first}/messages", body="Another message")
        post(john, f"/tickets/{other}/assign", agent="john")
        post(john, f"/tickets/{other}/resolve", resolution="Mended")
        upload = ada.post("/attachments", content=b"\x00", headers={"Content-Type": "application/octet-stream"}).json()[
            "upload"
        ]
        files = [{"upload": upload, "name": "0.1"}]
        article = post(ada, "/articles", title="Help yourself", body="Turn it on.", attachments=files)["id"]
        post(ada, f"/articles/{article}/publish", visibility="public")
    return first, other, article


def _pages(first: str, other: str, article: str) -> dict[str, list[str]]:
    forms = [f"/tickets/{first}/{verb}" for verb in MOVES if verb not in WRITING | AT_ONCE]
    kinds = [f"/admin/organisation/{kind}{more}" for kind in KINDS for more in ("", "/new")]
    return {
        "ken": [
            "/queue", "/queue?tab=all", "/queue?tab=closed", "/tickets/new", "/tickets/new?topic=hardware", f"/tickets/{first}", f"/tickets/{other}",
            "/kb", f"/kb/{article}", "/profile", f"/tickets/{first}/collaborators",
        ],
        "john": [
            *(f"/queue?tab={tab}" for tab in TABS), "/queue?tab=open&q=nothing-of-that-name", "/queues", "/queues/new", "/inbox", "/tickets/new",
            f"/tickets/{first}", f"/tickets/{first}?list=tab%3Dall", f"/tickets/{first}?step=3", f"/tickets/{first}/help", f"/tickets/{other}", *forms,
            f"/bulk/choose?tickets={first}", f"/bulk/tags?tickets={first}&tickets={other}", "/kb", "/kb/new", f"/kb/{article}",
            f"/kb/{article}/edit", f"/kb/{article}/versions",
        ],
        "ana": [
            "/queue", "/reports", *(f"/reports/{name}" for name in REPORTS), "/reports/volumes?group_by=department",
            '/reports/moves/counted?figure=count&row={"kind":"created"}&priority=normal', '/reports/durations/counted?figure=median&row={"name":"case_duration"}',
        ],
        "ada": [
            "/admin", "/admin/dead-letters", "/welcome/desk", "/admin/accounts", "/admin/keys", "/admin/audit", "/admin/parked", "/admin/accounts/new", "/admin/form?topic=hardware", *kinds,
            "/admin/organisation/rule/entry/outage-is-urgent", "/admin/organisation/team/entry/on-call",
        ],
    }  # fmt: skip


def _of_johns_own(stack: Stack, subject: str, number: str) -> list[str]:
    """Return the addresses of a queue that he has saved, of a ticket's fields, and of a note of his to be put right."""
    with stack.api("john") as john:
        body = {"name": subject, "filters": {"tag": ["vpn"]}, "columns": ["topic"]}
        queue = john.post("/queues", json=body).raise_for_status().json()["id"]
        items = john.get(f"/tickets/{number}/timeline").raise_for_status().json()["items"]
    note = next(item["id"] for item in items if item["type"] == "noted")
    return [
        f"/queues/{queue}",
        f"/queue?tab=saved-{queue}",
        f"/tickets/{number}/fields",
        f"/tickets/{number}/words/{note}",
    ]


def _a_dashboard(stack: Stack, name: str) -> str:
    tiles = [{"report": "moves", "look": "table"}, {"report": "durations", "look": "table"}]
    with stack.api("ana") as ana:
        made = ana.post("/dashboards", json={"name": name, "tiles": tiles}).raise_for_status().json()
    return str(made["id"])


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
            if _untranslated(text, self.data):
                self.found.setdefault(text, set()).add(where)

    async def go(self, page: Page, path: str, where: str = "") -> None:
        await page.goto(path)
        await self.look(page, where or path)


async def _outside(walk: Walk, people: People, guest_link: str) -> None:
    page = await people.page(locale=pseudo.TAG)
    people.expected.append("the server responded with a status of 410")  # of a link that is not good
    for path in ("/sign-in", "/sign-in?expired=1", "/guest-ask", "/guest?link=x", "/kb", "/set-password?token=x"):
        await walk.go(page, path)
    await walk.go(page, guest_link, "a guest's ticket")


async def _what_scripts_say(walk: Walk, people: People, number: str, subject: str) -> None:
    page = await _sign_in(people, "jane", pseudo.TAG)
    await page.goto(f"/tickets/{number}")
    await page.keyboard.press("?")
    await expect(page.locator("#keys h3").first).to_be_visible()
    await walk.look(page, "the shortcuts")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+k")
    await page.locator("#palette input").fill(subject)
    await expect(page.locator("#palette .badge").first).to_be_visible()
    await walk.look(page, "the palette")
    await page.keyboard.press("Escape")
    await page.locator("[data-theme-switch]").click()
    await page.keyboard.press("w")
    await expect(page.locator("#toaster h2").first).to_be_visible()
    await page.locator(".composer label.tab.note").click()
    await page.locator("form.write.note textarea").fill("A note")
    await expect(page.locator("form.write.note [data-draft-said]")).not_to_be_empty()
    await walk.look(page, "after moves")


async def test_nothing_that_we_say_is_left_in_english(people: People, stack: Stack) -> None:
    subject = f"Zyx {uuid4().hex[:6]}"
    first, other, article = _a_busy_ticket(stack, subject)
    told = {
        subject, f"{subject} again", "Ken", "lin@example.org", "Have a look", "A part", "Look", "Looked", "Lin", "Help yourself", "vpn",
        "Turn it on", "application/octet-stream", "A note", "A reply", "Another message", "It is out", "Still out", "Mended", "nothing-of-that-name",
    }  # fmt: skip
    walk = Walk(_data(stack, told))
    with stack.api() as api:
        body = {"subject": subject, "body": "A note", "requester": {"email": "lin@example.org", "name": "Lin"}}
        guests = api.post("/tickets", json=body).raise_for_status().json()["number"]
        link = api.post(f"/tickets/{guests}/guest-links").raise_for_status().json()["url"]
        account = api.get("/accounts").raise_for_status().json()["items"][0]["person_id"]
    await _outside(walk, people, link)
    pages = _pages(first, other, article)
    pages["john"].append(f"/tickets/{guests}/help")
    pages["ada"].append(f"/admin/accounts/{account}")
    pages["john"] += _of_johns_own(stack, subject, first)
    pages["ana"] += ["/dashboards", f"/dashboards/{_a_dashboard(stack, subject)}"]
    for login, paths in pages.items():
        page = await _sign_in(people, login, pseudo.TAG)
        assert await page.locator("html").get_attribute("lang") == pseudo.TAG
        for path in paths:
            await page.goto(path)
            if path.startswith("/dashboards/"):
                await expect(page.locator(".tile table.figures, .tile .plot")).to_have_count(
                    2
                )  # they come by themselves
            await walk.look(page, f"{login} {path}")
    await _what_scripts_say(walk, people, first, subject)
    assert walk.seen > 1000, "the language was not that of the test"
    left = [f"{text[:90]!r} at {', '.join(sorted(where)[:2])}" for text, where in sorted(walk.found.items())]
    assert not left, "\n".join(left)


@pytest.fixture
async def first(browser: Browser, empty_stack: Stack) -> AsyncIterator[People]:
    """Those who come to a stack for the first time."""
    several = People(browser, empty_stack.url)
    yield several
    for context in several.contexts:
        await context.close()
    assert several.complaints == []


async def test_the_first_visit_is_not_left_in_english(first: People, empty_stack: Stack) -> None:
    first.expected.append("422")
    about = {"name": "Zyx First", "login": "zyx", "email": "zyx@first.example"}
    walk = Walk(_data(empty_stack, {*about.values(), "Zyx Desk", "Anton Agent", "anton", "ldk_"}))
    page = await first.page(locale=pseudo.TAG)

    async def greet(secret: str) -> None:
        for name, text in {
            **about,
            "secret": secret,
            "password": "umbrella kettle marathon",
            "again": "umbrella kettle marathon",
        }.items():
            await page.locator(f"[name={name}]").fill(text)
        await page.locator("form[action='/welcome'] button").click()

    await page.goto("/welcome")
    assert await page.locator("html").get_attribute("lang") == pseudo.TAG
    await walk.look(page, "/welcome")
    await greet("ldk_" + "0" * 64)
    await expect(page.locator(".field-error")).to_have_count(1)
    await walk.look(page, "/welcome, with another key")
    await greet(empty_stack.admin_key)
    await page.wait_for_url("**/welcome/desk")
    await walk.look(page, "/welcome/desk")
    form = page.locator("form[action='/welcome/desk']")
    for name, text in {
        "desk": "Zyx Desk",
        "department": "Zyx First",
        "topic": "Zyx Desk",
        "agent_name": "Anton Agent",
    }.items():
        await form.locator(f"[name={name}]").fill(text)
    await form.locator("button").click()
    await expect(page.locator(".field-error").first).to_be_visible()
    await walk.look(page, "/welcome/desk, not whole")
    await form.locator("[name=agent_login]").fill("anton")
    await form.locator("[name=agent_email]").fill("anton@first.example")
    await form.locator("button").click()
    await expect(page.locator(".outcome code")).to_be_visible()
    await walk.look(page, "/welcome/desk, done")
    assert walk.seen > 50, "the language was not that of the test"
    left = [f"{text[:90]!r} at {', '.join(sorted(where)[:2])}" for text, where in sorted(walk.found.items())]
    assert not left, "\n".join(left)


def test_the_test_sees_what_is_left_in_english() -> None:
    assert _untranslated("⟦Priority: ⟧High", ["Ken Ito"]) == "High"
    assert _untranslated("⟦Reply to ⟧Ken Ito · 24 · a1", ["Ken Ito"]) == ""
    assert _untranslated("Kenneth", ["Ken"]) == "Kenneth"


PHONE = {"viewport": {"width": 375, "height": 800}, "has_touch": True}


async def test_german_from_signing_in_to_the_reply(people: People) -> None:
    subject = f"Drucker druckt nicht {uuid4().hex[:6]}"
    problems: list[str] = []

    async def check(page: Page, where: str) -> None:
        assert await page.locator("html").get_attribute("lang") == "de"
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{where} is too wide"
        if AXE.exists():
            problems.extend(await findings(page, where))

    ken = await people.page(locale="de-AT", reduced_motion="reduce", **PHONE)
    await ken.goto("/sign-in")
    await expect(ken.get_by_role("heading", level=1)).to_have_text("Anmelden")
    await check(ken, "sign-in")
    await ken.get_by_label("Anmeldename oder E-Mail-Adresse").fill("ken")
    await ken.get_by_label("Passwort").fill(PASSWORD)
    await ken.get_by_role("button", name="Anmelden", exact=True).click()
    await expect(ken.get_by_role("heading", level=1)).to_have_text("Womit können wir helfen, Ken?")
    await check(ken, "portal")
    await picture(ken, "german-portal")
    await ken.goto("/tickets/new?topic=general")
    await check(ken, "new ticket")
    await ken.get_by_label("Betreff").fill(subject)
    await ken.get_by_label("Was ist geschehen").fill("Seit heute früh.")
    await ken.get_by_role("button", name="Ticket eröffnen").click()
    await expect(ken.locator("#live-head h1")).to_have_text(subject)
    await expect(ken.locator("#live-head .badge").first).to_have_text("Neu")
    number = ken.url.rsplit("/", 1)[1].split("?")[0]
    await check(ken, "my ticket")

    john = await _sign_in(people, "john", "de-DE", reduced_motion="reduce")
    await expect(john.locator("#nav")).to_contain_text("Nicht zugewiesen")
    await check(john, "queue")
    await picture(john, "german-queue")
    await john.goto(f"/tickets/{number}?list=tab%3Dall")
    await check(john, "ticket")
    await john.locator(".composer label.tab.reply").click()
    await expect(john.locator("form.write.reply")).to_contain_text("Ken Ito")
    await john.locator("form.write.reply textarea").fill("Wir sehen nach.")
    await john.get_by_role("button", name="Antwort senden").click()
    await expect(john.locator("#toaster")).to_contain_text("Antwort gesendet.")
    await expect(john.locator(".card-entry.reply .kind")).to_have_text("Antwort an die anfragende Person")
    await picture(john, "german-ticket")
    await john.set_viewport_size({"width": 375, "height": 800})
    for path in ("/queue", f"/tickets/{number}", "/inbox", "/queues/new", "/profile"):
        await john.goto(path)
        await check(john, f"phone {path}")
    await expect(ken.locator(".card-entry.reply")).to_contain_text("Wir sehen nach.")
    assert problems == []


async def test_language_and_zone_can_be_chosen(people: People) -> None:
    page = await people.page()
    await page.goto("/kb?q=x")
    await page.get_by_role("button", name="Deutsch").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Wissensdatenbank")
    assert page.url.endswith("/kb?q=x")
    await page.goto("/sign-in")
    await page.get_by_label("Anmeldename oder E-Mail-Adresse").fill("john")
    await page.get_by_label("Passwort").fill(PASSWORD)
    await page.get_by_role("button", name="Anmelden", exact=True).click()
    await page.wait_for_url(lambda url: "/sign-in" not in url)
    await page.goto("/profile")
    assert await page.locator("time").first.get_attribute("title") is not None
    await page.get_by_label("Zeitzone").select_option("Asia/Tokyo")
    await page.get_by_role("region", name="Sprache und Zeit").get_by_role("button", name="Speichern").click()
    await expect(page.locator("html")).to_have_attribute("data-time-zone", "Asia/Tokyo")
    shown = page.locator(".profile time").first
    await expect(shown).to_have_attribute("title", re.compile(r"Asia/Tokyo"))
    local = await shown.evaluate(
        "t => new Intl.DateTimeFormat('de', {hour: '2-digit', minute: '2-digit', timeZone: 'Asia/Tokyo'}).format(new Date(t.dateTime))"
    )
    await expect(shown).to_contain_text(local)
    await page.locator("[name=language]").select_option("en")
    await page.locator("[name=zone]").select_option("")
    await page.get_by_role("region", name="Sprache und Zeit").get_by_role("button", name="Speichern").click()
    await expect(page.get_by_role("heading", name="Language and time")).to_be_visible()
    assert await page.locator("html").get_attribute("data-time-zone") is None
