"""No words of ours are left in English: every page, in a language in which all of ours are in brackets."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pyotp
import pytest
from playwright.async_api import expect

from services.gateway.pages.configuring.kinds import KINDS
from services.gateway.pages.moves import AT_ONCE, MOVES, WRITING
from services.gateway.pages.queue import TABS
from tests.browser import pseudo
from tests.browser.conftest import demo_stack
from tests.browser.desk import PASSWORD, People, Stack
from tests.browser.test_parked import poison, poisoned_ticket
from tests.browser.test_sign_in import account
from tests.browser.walk import Walk, data_of, sign_in, untranslated


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack of its own: what other tests have named would be taken for words of ours."""
    with demo_stack() as one:
        yield one


REPORTS = ("volumes", "activities", "moves", "durations", "backlog", "agents", "reopens")


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


async def _outside(walk: Walk, people: People, guest_link: str) -> None:
    page = await people.page(locale=pseudo.TAG)
    people.expected.append("the server responded with a status of 410")  # of a link that is not good
    for path in ("/sign-in", "/sign-in?expired=1", "/guest-ask", "/guest?link=x", "/kb", "/set-password?token=x"):
        await walk.go(page, path)
    await walk.go(page, guest_link, "a guest's ticket")


async def _what_scripts_say(walk: Walk, people: People, number: str, subject: str) -> None:
    page = await sign_in(people, "jane", pseudo.TAG)
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
    walk = Walk(data_of(stack, told))
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
        page = await sign_in(people, login, pseudo.TAG)
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
    assert not walk.left


def test_the_test_sees_what_is_left_in_english() -> None:
    assert untranslated("⟦Priority: ⟧High", ["Ken Ito"]) == "High"
    assert untranslated("⟦Reply to ⟧Ken Ito · 24 · a1", ["Ken Ito"]) == ""
    assert untranslated("Kenneth", ["Ken"]) == "Kenneth"


async def test_what_is_seen_in_passing_is_not_left_in_english(people: People, stack: Stack) -> None:
    """Pages that are there only for a moment, or after something went wrong: a code, waiting, what is parked, a bulk move."""
    people.expected += ["status of 401", "status of 422"]  # a code that is wrong, a form that is not complete
    tag = f"zyx-{uuid4().hex[:6]}"
    subject = f"Parked {tag}"
    first, other, _ = await asyncio.to_thread(_a_busy_ticket, stack, subject)
    told = {
        subject, f"{subject} again", "Sam Sample", "Ken", "lin@example.org", "Lin", tag, "vpn", "Why, says Zyx", "CheckViolationError",
    }  # fmt: skip
    walk = Walk(data_of(stack, told))
    await _the_code(walk, people, stack)
    await _a_bulk_move(walk, people, first, other)
    await _what_is_parked(walk, people, stack, tag)
    assert walk.seen > 50, "the language was not that of the test"
    assert not walk.left


def _with_codes(stack: Stack, login: str) -> None:
    """Set up one-time codes for an account."""
    with httpx.Client(base_url=f"{stack.url}/api/v1", timeout=30, trust_env=False) as api:
        session = api.post("/sessions", json={"login": login, "password": PASSWORD}).raise_for_status().json()
        api.headers["Authorization"] = f"Bearer {session['token']}"
        secret = api.post("/me/totp", json={"current": PASSWORD}).raise_for_status().json()["secret"]
        api.post("/me/totp/confirm", json={"code": pyotp.TOTP(secret).now()}).raise_for_status()


async def _the_code(walk: Walk, people: People, stack: Stack) -> None:
    login = await account(stack)
    await asyncio.to_thread(_with_codes, stack, login)
    page = await people.page(locale=pseudo.TAG)
    await page.goto("/sign-in")
    await page.locator("[name=login]").fill(login)
    await page.locator("[name=password]").fill(PASSWORD)
    await page.locator("form[action='/sign-in'] button").click()
    await expect(page.locator("[name=code]")).to_be_visible()
    assert await page.locator("html").get_attribute("lang") == pseudo.TAG
    await walk.look(page, "the code")
    await page.locator("[name=code]").fill("000000")
    await page.locator("form[action='/sign-in/code'] button").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await walk.look(page, "a code that is wrong")


async def _a_bulk_move(walk: Walk, people: People, first: str, other: str) -> None:
    page = await sign_in(people, "john", pseudo.TAG)
    for verb in ("resolve", "close"):  # one of the two is resolved already, the other has a task left
        await page.goto("/queue?tab=all")
        for number in (first, other):
            await page.locator(f".ticket-row[data-number='{number}'] .pick").check()
        await page.locator("#bulk [data-bulk='']").click()
        sheet = page.locator("dialog#sheet .sheet")
        await sheet.locator(f"a[href^='/bulk/{verb}?']").click()
        await sheet.locator("textarea").first.fill("Mended")
        await sheet.locator("[data-send]").click()
        await expect(sheet.locator("tbody tr").first).to_be_visible()
        await walk.look(page, f"after {verb} on several")
    # He has written, so a ticket that nobody knows may be one that is on its way to him.
    await page.goto(f"/tickets/{first}")
    await page.keyboard.press("w")
    await expect(page.locator("#toaster h2").first).to_be_visible()
    await page.goto("/tickets/999999?opened=1", wait_until="commit")
    await expect(page.locator(".door h1")).to_be_visible()
    await walk.look(page, "waiting")


async def _what_is_parked(walk: Walk, people: People, stack: Stack, tag: str) -> None:
    page = await sign_in(people, "ada", pseudo.TAG)
    async with poison(stack, tag):
        number = await asyncio.to_thread(poisoned_ticket, stack, tag)
        await walk.go(page, "/admin/parked", "what is parked")
        await page.locator("section.parked", has_text=number).locator("a[href$='/discard']").click()
        form = page.locator("form[action$='/discard']")
        await expect(form).to_be_visible()
        await walk.look(page, "discarding")
        for box in await form.locator("[name=events]").all():
            await box.uncheck()
        await form.locator("[name=reason]").fill("Why, says Zyx")
        await form.locator("[data-variant=destructive]").click()
        await expect(page.locator(".field-error")).to_be_visible()
        await walk.look(page, "discarding nothing")
        for box in await form.locator("[name=events]").all():
            await box.check()
        await form.locator("[data-variant=destructive]").click()
        await page.wait_for_url("**/admin/parked")
        await expect(page.locator("#toaster h2").first).to_be_visible()
        await walk.look(page, "what was discarded")
