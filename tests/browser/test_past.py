"""The time slider: a ticket as it was, by slider, by links without script, with nothing to do in the past."""

from uuid import uuid4

from playwright.async_api import Page, expect

from tests.browser.desk import People, Stack, picture, status
from tests.browser.test_accessible import AXE, findings
from tests.knowing import all_know


def made(stack: Stack) -> str:
    with stack.api() as api:
        body = {"subject": f"Past {uuid4().hex[:6]}", "body": "x", "requester": {"email": "past@example.org"}}
        number = str(api.post("/tickets", json=body).raise_for_status().json()["number"])
    with stack.api("jane") as jane:
        jane.post(f"/tickets/{number}/prioritise", json={"priority": "high"}).raise_for_status()
        jane.post(f"/tickets/{number}/hold", json={"reason": "parts"}).raise_for_status()
        jane.post(f"/tickets/{number}/resolve", json={"resolution": "Replaced."}).raise_for_status()
    with stack.api() as api:
        all_know(api)
    return number


async def is_past(page: Page) -> None:
    await expect(page.locator(".past")).to_contain_text("As it was")
    await expect(page.locator(".composer")).to_have_count(0)
    await expect(page.locator("#live-head .moves form, #live-head .moves a")).to_have_count(0)


async def test_back_and_forth(people: People, stack: Stack) -> None:
    number = made(stack)
    jane = await people.sign_in("jane")
    await jane.goto(f"/tickets/{number}")
    await expect(status(jane)).to_have_text("Resolved")
    await jane.get_by_role("link", name="As it was").click()
    await is_past(jane)
    await expect(status(jane)).to_have_text("Resolved")
    slider = jane.get_by_role("slider", name="Step of its history")
    await slider.focus()
    await jane.keyboard.press("Home")
    await expect(status(jane)).to_have_text("New")
    await expect(jane.locator(".timeline")).not_to_contain_text("Replaced.")
    await is_past(jane)
    if AXE.exists():
        assert await findings(jane, "the past") == []
    await picture(jane, "ticket-past")
    await jane.get_by_role("link", name="Back to now").click()
    await expect(jane.locator("#composer")).to_have_count(1)
    await expect(jane.locator(".past")).to_have_count(0)


async def test_without_script(people: People, stack: Stack) -> None:
    number = made(stack)
    jane = await people.sign_in("jane", java_script_enabled=False)
    await jane.goto(f"/tickets/{number}?step=1")
    await expect(status(jane)).to_have_text("New")
    await is_past(jane)
    seen = set()
    while await jane.get_by_role("link", name="Later").count():
        await jane.get_by_role("link", name="Later").click()
        seen.add(await status(jane).inner_text())
    assert {"On hold", "Resolved"} <= seen
    await jane.goto(f"/tickets/{number}?step=nonsense")
    await expect(jane.locator(".past")).to_have_count(0)
