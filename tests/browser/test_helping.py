"""What helps with a ticket, in a browser: what was solved before, articles, an article from a resolved ticket and the way back."""

from uuid import uuid4

from playwright.async_api import expect

from shared.testing.wait import wait_until
from tests.browser.desk import People, Stack, picture


def opened(stack: Stack, subject: str) -> str:
    with stack.api() as api:
        body = {"subject": subject, "body": "x", "requester": {"email": "ken@example.org"}}
        number = api.post("/tickets", json=body).raise_for_status().json()["number"]
        wait_until(lambda: api.get(f"/tickets/{number}/moves").is_success, message="the ticket")
    return number


async def test_what_was_solved_before_helps(people: People, stack: Stack) -> None:
    thing = f"gizmo{uuid4().hex[:6]}"
    before, now = opened(stack, f"The {thing} hums"), opened(stack, f"My {thing} hums loudly")
    with stack.api("john") as api:
        wait_until(
            lambda: api.post(f"/tickets/{before}/resolve", json={"resolution": f"Oil the {thing}."}).is_success,
            message="a resolution",
        )
        wait_until(lambda: api.get(f"/tickets/{now}/similar").json().get("items"), message="the view")
    lea = await people.sign_in("lea")
    await lea.goto(f"/tickets/{before}")
    await lea.locator("#help").get_by_role("link", name="Article from this ticket").click()
    await lea.get_by_role("button", name="Save version").click()
    await expect(lea.locator(".kb-body")).to_contain_text(f"Oil the {thing}.")
    await expect(lea.locator(".kb-tickets")).to_contain_text("made from this one")
    await lea.get_by_role("button", name="Publish for the desk").click()
    await lea.locator(".kb-tickets").get_by_role("link", name=before).click()
    await expect(lea.locator("#help .help-articles")).to_contain_text(f"The {thing} hums")

    await lea.goto(f"/tickets/{now}")
    similar = lea.locator("#help .help-similar")
    await expect(similar).to_contain_text(f"Oil the {thing}.")
    articles = lea.locator("#help .help-articles")
    await articles.get_by_role("button", name=f"Link The {thing} hums").click()
    await expect(articles).to_contain_text("linked")
    await articles.get_by_role("button", name=f"Unlink The {thing} hums").click()
    await expect(articles.get_by_role("button", name=f"Link The {thing} hums", exact=True)).to_be_visible()
    await similar.get_by_role("link", name=f"The {thing} hums").click()
    await expect(lea.locator("#live-head h1")).to_have_text(f"The {thing} hums")
    await picture(lea, "ticket-help")  # last: taking it leaves styles on elements
