"""The first visit: an empty stack greets who has its key, and nobody else becomes anybody; then a desk is made that works."""

import asyncio
import re
from uuid import uuid4

from playwright.async_api import Page, expect

from tests.browser.desk import People, Stack, picture

A_PASSWORD = "umbrella kettle marathon"


async def fill(page: Page, secret: str, password: str = A_PASSWORD, again: str | None = None) -> None:
    await page.get_by_label("Administrator's key").fill(secret)
    await page.get_by_label("Your name").fill("Frieda First")
    await page.get_by_label("Login").fill("frieda")
    await page.get_by_label("E-mail address").fill("frieda@first.example")
    await page.get_by_label("Password").fill(password)
    await page.get_by_label("The same again").fill(password if again is None else again)
    await page.get_by_role("button", name="Make the account").click()


async def signed_in(visitors: People) -> Page:
    page = await visitors.page()
    await page.goto("/sign-in")
    await page.get_by_label("Login or e-mail address").fill("frieda")
    await page.get_by_label("Password").fill(A_PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/queue")
    return page


def accounts(stack: Stack) -> list[str]:
    with stack.api() as api:
        return [one["login"] for one in api.get("/accounts").json()["items"]]


async def test_the_first_account_is_whose_the_key_is(visitors: People, empty_stack: Stack) -> None:
    visitors.expected += ["422", "403"]
    page = await visitors.page(viewport={"width": 360, "height": 780})
    await page.goto("/")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Welcome to your desk")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await picture(page, "welcome-phone")
    await fill(page, "ldk_" + "0" * 64)
    await expect(page.locator(".field-error")).to_contain_text("not the administrator's key")
    await expect(page.get_by_label("Your name")).to_have_value("Frieda First")
    await fill(page, empty_stack.admin_key, "frieda1234")
    await expect(page.locator(".field-error")).not_to_have_count(0)
    await fill(page, empty_stack.admin_key, again="something else")
    await expect(page.locator(".field-error")).to_contain_text("not the same")
    assert await asyncio.to_thread(accounts, empty_stack) == [], "whatever is wrong, nothing is made"
    mallory = await visitors.page()
    answer = await mallory.request.post("/welcome", form={"secret": empty_stack.admin_key, "login": "mallory"})
    assert answer.status == 403, "a form that is not ours, even with the key"
    await mallory.goto("/welcome")
    await fill(mallory, "")
    assert await asyncio.to_thread(accounts, empty_stack) == []

    await fill(page, empty_stack.admin_key)
    await page.wait_for_url("**/welcome/desk")
    await expect(page.get_by_role("heading", level=1)).to_have_text("First steps")
    await picture(page, "welcome-desk-phone")
    assert await asyncio.to_thread(accounts, empty_stack) == ["frieda"]
    await mallory.goto("/welcome")
    await expect(mallory.get_by_role("heading", level=1)).to_have_text("Sign in")
    answer = await mallory.request.post("/welcome", form={"secret": empty_stack.admin_key, "login": "mallory"})
    assert "Welcome" not in await answer.text()


async def test_a_desk_is_made_that_works(visitors: People) -> None:
    """After the test above: the desk has its administrator, and nothing else."""
    visitors.expected.append("422")
    page = await signed_in(visitors)
    await page.goto("/")
    await page.wait_for_url("**/welcome/desk")
    await page.get_by_label("Name of the desk").fill("First Help")
    await page.get_by_label("Department").fill("Büro & Technik")
    await page.get_by_label("Name", exact=True).fill("Anton Agent")
    await page.get_by_role("button", name="Set up the desk").click()
    await expect(page.locator(".field-error")).not_to_have_count(0)
    await expect(page.get_by_label("Department")).to_have_value("Büro & Technik")
    await page.get_by_label("Login").fill("anton")
    await page.get_by_label("E-mail address").fill("anton@first.example")
    await page.locator("form[action='/welcome/desk'] [name=key]").evaluate("e => (e.value = 'x'.repeat(300))")
    await page.get_by_role("button", name="Set up the desk").click()  # all is made but the link
    await expect(page.get_by_role("alert")).to_contain_text("send the form again")
    await expect(page.get_by_label("Login")).to_have_value("anton")
    await page.get_by_role("button", name="Set up the desk").click()
    await expect(page.get_by_role("status")).to_contain_text("Your desk is ready")
    link = await page.locator(".outcome code").inner_text()
    anton = await visitors.page()
    await anton.goto(link)
    await anton.get_by_label("New password").fill(A_PASSWORD)
    await anton.get_by_label("The same again").fill(A_PASSWORD)
    await anton.get_by_role("button", name="Set it and sign in").click()
    await anton.wait_for_url("**/queue")
    await page.goto("/tickets/new")
    await page.get_by_label("E-mail address").fill("ken@first.example")
    await page.get_by_label("Subject").fill("The first one")
    await page.get_by_label("What happened").fill("It works.")
    await page.get_by_label("Topic").select_option(label="General question")
    await page.get_by_role("button", name="Open ticket").click()
    await expect(page.locator("#live-head h1")).to_have_text("The first one")
    await expect(page.locator("main")).to_contain_text("Büro & Technik")
    await expect(page.locator("main")).to_contain_text("Anton Agent")
    await anton.goto("/queue?tab=mine")
    await expect(anton.locator(".ticket-row")).to_contain_text("The first one")
    await expect(anton).to_have_title(re.compile("· First Help$"))
    await page.goto("/")
    await page.wait_for_url(re.compile("/queue$"))


async def test_a_whole_organisation_is_loaded(visitors: People, empty_stack: Stack) -> None:
    """After the tests above. What is there already stays."""
    visitors.expected.append("422")
    page = await signed_in(visitors)
    csrf = await page.locator("[name=csrf]").first.input_value()
    for what, text, said in (
        ("file", b"departments: [{key: a, colour: red}]", "departments.0.name"),
        ("file", b"\xff\xfe", "This is no text"),
        ("file", b"departments: [{key: further, name: Further}]", "entries changed"),
        ("example", b"", "entries changed"),
    ):
        answer = await page.request.post(
            "/welcome/organisation",
            multipart={
                "csrf": csrf, "key": uuid4().hex, "what": what, "file": {"name": "o.yaml", "mimeType": "text/yaml", "buffer": text},
            },
        )  # fmt: skip
        assert said in await answer.text()
    with empty_stack.api() as api:
        known = {one["key"] for one in api.get("/departments").json()["items"]}
    assert known >= {"buro-technik", "further", "support"}
    await page.goto("/admin/organisation/department/entry/further")
    await expect(page.locator("table.figures tbody")).to_contain_text("Frieda First")
