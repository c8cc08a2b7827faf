"""Lists by keys alone: what the cursor is on is what Enter opens, wherever the focus was before."""

from uuid import uuid4

from playwright.async_api import expect

from tests.browser.desk import People, Stack, by_telephone, row

RUN = uuid4().hex[:6]


async def test_enter_opens_what_the_cursor_is_on(people: People, stack: Stack) -> None:
    by_telephone(stack, f"Keyed {RUN}")
    jane = await people.sign_in("jane")
    await jane.goto(f"/queue?tab=all&q=Keyed {RUN}")
    await expect(row(jane, f"Keyed {RUN}")).to_be_visible()
    await jane.locator("#nav").get_by_role("link", name="Overdue").focus()
    await jane.keyboard.press("j")
    await expect(row(jane, f"Keyed {RUN}").locator(".subject")).to_be_focused()
    await jane.keyboard.press("Enter")
    await expect(jane.locator("#live-head h1")).to_have_text(f"Keyed {RUN}")
    await jane.keyboard.press("u")
    await expect(jane.locator("#pane article")).to_have_count(0)
    await expect(row(jane, f"Keyed {RUN}")).to_be_visible()
