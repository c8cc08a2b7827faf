"""German from the sign-in to the reply, also on a phone; and a language and time zone that are chosen."""

import re
from uuid import uuid4

from playwright.async_api import Page, expect

from tests.browser.desk import PASSWORD, People, Stack, picture
from tests.browser.test_accessible import AXE, findings
from tests.browser.test_sign_in import account
from tests.browser.walk import sign_in

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

    john = await sign_in(people, "john", "de-DE", reduced_motion="reduce")
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


async def test_language_and_zone_can_be_chosen(people: People, stack: Stack) -> None:
    login, page = await account(stack), await people.page()
    await page.goto("/kb?q=x")
    await page.get_by_role("button", name="Deutsch").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Wissensdatenbank")
    assert page.url.endswith("/kb?q=x")
    await page.goto("/sign-in")
    await page.get_by_label("Anmeldename oder E-Mail-Adresse").fill(login)
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
