"""A move on many tickets of which some cannot make it: what was done, what was not, why, and the way back."""

from uuid import uuid4

from playwright.async_api import expect

from tests.browser.desk import People, Stack, picture, row
from tests.knowing import all_know

RUN = uuid4().hex[:6]


def opened(stack: Stack, name: str, count: int) -> list[str]:
    """Return the numbers of so many tickets; the second is resolved, and can be held no more."""
    numbers = []
    with stack.api() as api:
        for n in range(count):
            body = {"subject": f"{name} {n}", "body": "x", "requester": {"email": f"{name.lower()}@example.org"}}
            numbers.append(api.post("/tickets", json=body).raise_for_status().json()["number"])
        all_know(api)
        api.post(f"/tickets/{numbers[1]}/resolve", json={"resolution": "Done."}).raise_for_status()
        all_know(api)
    return numbers


async def test_what_could_not_be_moved_is_named_with_its_reason(people: People, stack: Stack) -> None:
    numbers = opened(stack, f"Many{RUN}", 3)
    lea = await people.sign_in("lea")
    await lea.goto(f"/queue?tab=all&q=Many{RUN}")
    await expect(row(lea, f"Many{RUN}")).to_have_count(3)
    for box in await lea.locator(".pick").all():
        await box.check()
    await lea.locator("#bulk [data-bulk=hold]").click()
    sheet = lea.locator("#sheet .sheet")
    await sheet.locator("[data-send]").click()
    await expect(sheet).to_contain_text("Hold: 2 tickets.")
    await expect(sheet.locator("tbody tr")).to_have_count(1)
    await expect(sheet.locator("tbody tr")).to_contain_text(numbers[1])
    await expect(lea.locator(".ticket-row .status-on_hold")).to_have_count(2)
    await picture(lea, "bulk-failed")
    await sheet.get_by_role("button", name="Undo").click()
    await expect(lea.locator(".ticket-row .status-on_hold")).to_have_count(0)


async def test_a_form_opened_as_a_page_answers_as_a_page(people: People, stack: Stack) -> None:
    numbers = opened(stack, f"Page{RUN}", 2)
    lea = await people.sign_in("lea")
    await lea.goto("/queue?tab=all")
    address = "/bulk/hold?" + "&".join(f"tickets={number}" for number in numbers)
    await lea.goto(address)
    await lea.get_by_role("button", name="Cancel").click()
    await lea.wait_for_url("**/queue?tab=all")
    await lea.goto(address)
    await lea.locator("[data-send]").click()
    sheet = lea.locator("#main .sheet")
    await expect(sheet).to_contain_text("Hold: 1 ticket.")
    await expect(sheet.locator("tbody tr")).to_contain_text(numbers[1])
    await sheet.get_by_role("button", name="Undo").click()
    await expect(lea.locator("#toaster")).to_contain_text("Taken back: 1 ticket.")
