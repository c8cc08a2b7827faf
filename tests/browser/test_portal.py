"""A requester's life in the portal on a phone; and his organisation's tickets, where its people see each other's."""

import asyncio
from uuid import uuid4

from playwright.async_api import Page, Route, expect

from shared.testing.wait import wait_until
from tests.browser.desk import People, Stack, picture

PHONE = {"viewport": {"width": 375, "height": 740}}


async def comes(page: Page, address: str, part: str) -> None:
    """Wait until the person's own session is answered so: each service remembers for a second who he is."""
    async with asyncio.timeout(20):
        while not (await (await page.request.get(f"/api/v1{address}")).json())[part]:
            await asyncio.sleep(0.1)


async def fits(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than the phone"


def article(stack: Stack, title: str) -> None:
    with stack.api() as api:
        made = (
            api.post("/articles", json={"title": title, "body": "Press both buttons."}).raise_for_status().json()["id"]
        )
        api.post(f"/articles/{made}/publish", json={"visibility": "public"}).raise_for_status()
        wait_until(lambda: api.get("/articles/suggest", params={"q": title}).json()["items"], message="the article")


async def test_a_requesters_life_on_a_phone(people: People, stack: Stack) -> None:
    word = f"dock{uuid4().hex[:6]}"
    article(stack, f"When the {word} hums")
    ken = await people.sign_in("ken", **PHONE)
    await expect(ken.get_by_role("heading", name="What can we help with")).to_be_visible()
    await fits(ken)
    await ken.locator(".topics").get_by_role("link", name="Hardware").click()
    await ken.locator("[name='fields.device']").select_option("laptop")
    await ken.get_by_label("Subject").press_sequentially(f"My {word} hums")
    await expect(ken.locator("#suggested")).to_contain_text(f"When the {word} hums")
    await ken.get_by_label("What happened").fill("Since Monday.")
    serial = ken.locator("[name='fields.serial']")
    if await serial.count():
        await serial.fill("S/N 1")
    await fits(ken)
    await picture(ken, "portal-new-phone")
    await ken.get_by_role("button", name="Open ticket").click()
    await expect(ken.get_by_role("heading", name=f"My {word} hums")).to_be_visible()
    number = ken.url.rsplit("/", 1)[1].split("?")[0]

    with stack.api("john") as john:
        wait_until(
            lambda: john.post(f"/tickets/{number}/replies", json={"body": "Is it loud?"}).is_success, message="a reply"
        )
        await expect(ken.locator("#live-timeline")).to_contain_text("Is it loud?")  # without a reload
        await ken.get_by_label("Your message").fill("Very.")
        await ken.get_by_role("button", name="Send message").click()
        await expect(ken.locator("#live-timeline")).to_contain_text("Very.")
        await fits(ken)
        john.post(f"/tickets/{number}/resolve", json={"resolution": "A new fan."}).raise_for_status()
    status = ken.locator("#live-head .badge").first
    await expect(status).to_have_text("Resolved")
    await ken.locator("label[for=score-5]").click()
    await ken.get_by_role("button", name="Send rating").click()
    await expect(ken.locator("#live-outcome")).to_contain_text("5 of 5")
    await picture(ken, "portal-rated-phone")
    for verb, after in (("Close", "Closed"), ("Reopen", "Open")):
        await ken.locator("#live-moves").get_by_role("link", name=verb).click()
        await ken.locator("dialog#sheet button[data-send]").click()
        await expect(status).to_have_text(after)
    await fits(ken)


async def test_a_colleagues_ticket_where_the_organisation_shares(people: People, stack: Stack) -> None:
    word = f"copier{uuid4().hex[:6]}"
    entry = {"key": "example", "name": "Example Company", "domains": ["example.org"]}
    with stack.api() as api, stack.api("ken") as his:
        body = {
            "subject": f"The {word}",
            "body": "x",
            "requester": {"email": "kim@example.org", "name": "Kim Colleague"},
        }
        api.post("/tickets", json=body).raise_for_status()
        ken = await people.sign_in("ken", **PHONE)
        await expect(ken.get_by_role("navigation", name="Which tickets").get_by_role("link")).to_have_count(4)
        try:
            api.put(
                "/internal/intake/organisation", json={"organisations": [{**entry, "shared": True}]}
            ).raise_for_status()
            await comes(ken, "/me", "organisation")
            await comes(ken, f"/tickets?q={word}", "items")
            await ken.goto("/queue")
            tabs = ken.get_by_role("navigation", name="Which tickets")
            await tabs.get_by_role("link", name="My organisation").click()
            await expect(ken.locator(".my-tickets")).to_contain_text(f"The {word}")
            await expect(ken.locator(".my-tickets")).to_contain_text("Kim Colleague")
            await fits(ken)
            await picture(ken, "portal-organisation-phone")
            new = f"toner{uuid4().hex[:6]}"
            asks = {"email": f"{new}@example.org", "name": "New Colleague"}
            api.post("/tickets", json={"subject": f"The {new}", "body": "x", "requester": asks}).raise_for_status()
            await expect(ken.locator(".my-tickets")).to_contain_text(f"The {new}")  # without a reload, of somebody new
            await tabs.get_by_role("link", name="My own").click()
            await expect(tabs.get_by_role("link", name="My own")).to_have_attribute("aria-current", "true")
            await expect(ken.locator("main")).not_to_contain_text(word)
            await ken.goto("/queue?tab=organisation")
            await ken.get_by_role("link", name=f"The {word}").click()
            await expect(ken.get_by_role("heading", name=f"The {word}")).to_be_visible()
        finally:
            api.put(
                "/internal/intake/organisation", json={"organisations": [{**entry, "shared": False}]}
            ).raise_for_status()
            wait_until(lambda: his.get("/me").json()["organisation"] is None, message="it shares no more")


async def test_what_the_stream_has_told_of_is_waited_for_again(people: People, stack: Stack) -> None:
    """Where a look could not wait any longer, the next one waits for the same."""
    ken = await people.sign_in("ken", **PHONE)
    asked: list[str] = []

    async def answer_late(route: Route) -> None:
        if "ledgerdesk-live" not in route.request.headers:
            await route.continue_()
            return
        answer = await route.fetch()
        told = route.request.headers.get("ledgerdesk-after", "")
        asked.extend([told] if told else [])
        late = told and len(asked) < 3
        toast = "<div class='toast' data-duration='60000' data-stale>late</div>" if late else ""
        text = (await answer.text()).replace("<div data-toasts>", f"<div data-toasts>{toast}")
        await route.fulfill(response=answer, body=text)

    await ken.goto("/queue")
    await ken.route("**/queue*", answer_late)
    with stack.api("ken") as his:
        made = his.post("/tickets", json={"subject": "Waited for", "body": "x"}).raise_for_status().json()
    created = f"{made['id']}:intake:1"
    async with asyncio.timeout(20):
        while sum(created in one for one in asked) < 3:
            await asyncio.sleep(0.05)
    await expect(ken.locator("#toaster .toast")).to_have_count(1)
