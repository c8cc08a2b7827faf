"""A topic's own fields on the new-ticket page: with script and without, refused and kept."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Locator, Page, expect

from shared.testing.wait import wait_until
from tests.browser.desk import People, Stack, picture

RUN = uuid4().hex[:6]
TOPIC = f"loans-{RUN}"
PHONE = {"viewport": {"width": 360, "height": 780}}


def a_field(key: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"key": f"{key}-{RUN}", "name": f"{key.title()} {RUN}", "type": kind, "topics": [TOPIC], **more}


def configure(stack: Stack) -> None:
    customers = {"required": True}
    choices = [{"key": "laptop", "name": "Laptop"}, {"key": "other", "name": "Something else"}]
    with stack.api() as api:
        body = {
            "topics": [{"key": TOPIC, "name": f"Loans {RUN}"}],
            "fields": [
                a_field("device", "choice", order=1, choices=choices, customer=customers, help="What you need."),
                a_field("serial", "text", order=2, customer=customers, shown_when=[{"field": f"field.device-{RUN}", "values": ["laptop"]}]),
                a_field("days", "integer", order=3),
                a_field("extras", "choices", order=4, choices=[{"key": "bag", "name": "Bag"}, {"key": "dock", "name": "Dock"}]),
                a_field("insured", "bool", order=5),
                a_field("from", "date", order=6),
            ],
        }  # fmt: skip
        answer = api.put("/internal/intake/organisation", json=body)
        assert answer.is_success, answer.text


@pytest.fixture(scope="module", autouse=True)
def _form(stack: Stack) -> None:
    """A topic of our own, with a field required of customers and one that depends on it."""
    configure(stack)

    def known() -> bool:
        with stack.api("ken") as api:
            return any(t["key"] == TOPIC and len(t["fields"]) >= 6 for t in api.get("/topics").json()["items"])

    wait_until(known, timeout=30)


def control(page: Page, key: str) -> Locator:
    return place(page, key).locator(f"[name='fields.{key}-{RUN}']")


def place(page: Page, key: str) -> Locator:
    return page.locator(f"[data-field='{key}-{RUN}']")


async def begin(page: Page, subject: str) -> None:
    await page.goto(f"/tickets/new?topic={TOPIC}")
    await page.get_by_label("Subject").fill(subject)
    await page.get_by_label("What happened").fill("For a week, please.")


async def opened(stack: Stack, page: Page, subject: str) -> dict[str, Any]:
    """Return what the fields of the ticket hold that the page shows."""
    await expect(page.locator("#live-head h1")).to_have_text(subject)
    number = page.url.rsplit("/", 1)[1].split("?")[0]

    def read() -> dict[str, Any]:
        with stack.api("ken") as api:
            return {one["key"]: one["value"] for one in api.get(f"/tickets/{number}/fields").json()["items"]}

    return await asyncio.to_thread(read)


async def test_a_conditional_field_comes_and_goes_and_the_ticket_has_the_values(people: People, stack: Stack) -> None:
    ken = await people.sign_in("ken", **PHONE)
    subject = f"A laptop {RUN}"
    await begin(ken, subject)
    await expect(control(ken, "serial")).to_have_count(0)
    await control(ken, "days").fill("7")
    await control(ken, "device").focus()
    await ken.keyboard.press("L")  # by keyboard alone
    await ken.keyboard.press("Tab")
    serial = control(ken, "serial")
    await expect(serial).to_be_visible()
    await expect(serial).to_have_attribute("required", "")
    await expect(control(ken, "days")).to_have_value("7")
    await serial.fill("S/N 17")
    await control(ken, "device").select_option("other")
    await expect(serial).to_have_count(0)
    await control(ken, "device").select_option("laptop")
    await expect(serial).to_have_value("S/N 17")
    await ken.get_by_label("Bag").check()
    await ken.get_by_label("Dock").check()
    await ken.get_by_label(f"Insured {RUN}").check()
    await control(ken, "from").fill("2026-12-01")
    assert await ken.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await picture(ken, "new-ticket-fields-phone")
    await ken.get_by_role("button", name="Open ticket").click()
    held = await opened(stack, ken, subject)
    facts = ken.locator("#live-head .facts")
    for text in ("Laptop", "S/N 17", "7", "Bag, Dock", "Yes", "2026-12-01"):
        await expect(facts.get_by_text(text, exact=True)).to_be_visible()
    assert await ken.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await picture(ken, "my-ticket-fields-phone")
    john = await people.sign_in("john")
    await john.goto(ken.url.split("?")[0])
    await expect(john.locator("#live-facts .facts").first).to_contain_text("Bag, Dock")
    assert {key: held[f"{key}-{RUN}"] for key in ("device", "serial", "days", "extras", "insured", "from")} == {
        "device": "laptop", "serial": "S/N 17", "days": 7, "extras": ["bag", "dock"], "insured": True, "from": "2026-12-01",
    }  # fmt: skip


async def test_another_topic_asks_for_other_things_and_words_stay(people: People) -> None:
    ken = await people.sign_in("ken")
    await begin(ken, f"Which form {RUN}")
    await control(ken, "days").fill("3")
    await ken.get_by_label("Topic").select_option("mail")
    await expect(control(ken, "device")).to_have_count(0)
    await ken.get_by_label("Topic").select_option(TOPIC)
    await expect(control(ken, "device")).to_be_visible()
    await expect(control(ken, "days")).to_have_value("3")
    await expect(ken.get_by_label("What happened")).to_have_value("For a week, please.")


async def test_without_script_the_form_says_what_else_is_asked(people: People, stack: Stack) -> None:
    ken = await people.sign_in("ken", java_script_enabled=False)
    subject = f"No script {RUN}"
    await begin(ken, subject)
    await control(ken, "device").select_option("laptop")
    await ken.get_by_role("button", name="Open ticket").click()
    await expect(ken.get_by_role("alert")).to_contain_text("there is more to fill in")
    await expect(control(ken, "device")).to_have_value("laptop")
    await expect(ken.get_by_label("Subject")).to_have_value(subject)
    await control(ken, "serial").fill("S/N 18")
    await control(ken, "device").select_option("other")
    await ken.get_by_role("button", name="Next").click()
    await expect(control(ken, "device")).to_have_value("other")
    await expect(control(ken, "serial")).to_have_count(0)
    await control(ken, "device").select_option("laptop")
    await ken.get_by_role("button", name="Next").click()
    await expect(control(ken, "serial")).to_have_value("S/N 18")
    await ken.get_by_role("button", name="Open ticket").click()
    held = await opened(stack, ken, subject)
    assert (held[f"device-{RUN}"], held[f"serial-{RUN}"]) == ("laptop", "S/N 18")


@pytest.mark.parametrize("script", [True, False])
async def test_what_is_refused_is_named_at_its_field_and_the_rest_stays(
    people: People, stack: Stack, script: bool
) -> None:
    people.expected.append("422")
    ken = await people.sign_in("ken", java_script_enabled=script)
    subject = f"Refused {script} {RUN}"
    await begin(ken, subject)
    await control(ken, "device").select_option("other")
    await control(ken, "days").fill("a week")
    await ken.get_by_label("Dock").check()
    await ken.get_by_role("button", name="Open ticket").click()
    await expect(place(ken, "days").locator(".field-error")).to_have_text("Must be a whole number, such as 42.")
    await expect(ken.locator(".field-error")).to_have_count(1)
    days = control(ken, "days")
    await expect(days).to_have_attribute("aria-invalid", "true")
    await expect(days).to_have_accessible_description("Must be a whole number, such as 42.")
    await expect(days).to_have_value("a week")
    await expect(control(ken, "device")).to_have_value("other")
    await expect(ken.get_by_label("Dock")).to_be_checked()
    await expect(ken.get_by_label("Bag")).not_to_be_checked()
    await expect(ken.get_by_label("Subject")).to_have_value(subject)
    await days.fill("7")
    await ken.get_by_role("button", name="Open ticket").click()
    held = await opened(stack, ken, subject)
    assert (held[f"days-{RUN}"], held[f"extras-{RUN}"]) == (7, ["dock"])


async def test_agents_see_what_agents_fill_in(people: People) -> None:
    john = await people.sign_in("john")
    await john.goto("/tickets/new?topic=mail")
    await expect(john.locator("[name='fields.cause']")).to_be_visible()
    ken = await people.sign_in("ken")
    await ken.goto("/tickets/new?topic=mail")
    await expect(ken.locator("[name='fields.since']")).to_be_visible()
    await expect(ken.locator("[name='fields.cause']")).to_have_count(0)
