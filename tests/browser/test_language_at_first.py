"""The first visit to an empty desk is not left in English either."""

from playwright.async_api import expect

from tests.browser import pseudo
from tests.browser.desk import People, Stack
from tests.browser.walk import Walk, data_of


async def test_the_first_visit_is_not_left_in_english(visitors: People, empty_stack: Stack) -> None:
    visitors.expected.append("422")
    about = {"name": "Zyx First", "login": "zyx", "email": "zyx@first.example"}
    walk = Walk(data_of(empty_stack, {*about.values(), "Zyx Desk", "Anton Agent", "anton", "ldk_"}))
    page = await visitors.page(locale=pseudo.TAG)

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
    assert not walk.left
