"""Guest access in browsers: an agent hands over a link, the requester answers with it on a phone, the agent takes it back."""

from uuid import uuid4

from playwright.async_api import expect

from shared.testing.wait import wait_until
from tests.browser.desk import People, Stack, by_telephone, picture
from tests.knowing import all_know


async def test_a_link_is_handed_over_used_and_taken_back(people: People, stack: Stack) -> None:
    subject = f"By telephone {uuid4().hex[:6]}"
    ident, number = by_telephone(stack, subject)
    john = await people.sign_in("john")
    await john.goto(f"/tickets/{number}")
    box = john.locator("#help .guest-links")
    await box.get_by_role("button", name="Make a link").click()
    made = box.get_by_label("Shown this once")
    await expect(made).to_be_visible()
    link = await made.input_value()
    assert link not in john.url
    await picture(john, "guest-link")

    gill = await people.page(viewport={"width": 375, "height": 740})
    await gill.goto(link)
    assert gill.url == f"{stack.url}/guest/{ident}", "no secret in the address"
    await expect(gill.get_by_role("heading", name=subject)).to_be_visible()
    await gill.get_by_label("Your message").fill("It rings again.")
    await gill.get_by_role("button", name="Send message").click()
    await expect(gill.locator(".timeline")).to_contain_text("It rings again.")
    await picture(gill, "guest-ticket-phone")
    assert await gill.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than the phone"
    await expect(john.locator("#live-timeline")).to_contain_text("It rings again.")  # without a reload
    await expect(box).to_be_visible()  # and what helps stays where it was

    await john.reload()
    await expect(box).to_contain_text("opened")
    await box.get_by_role("button", name="Take this link back").click()
    await expect(box.get_by_role("button", name="Take this link back")).to_have_count(0)
    people.expected += ["410", "401"]
    await gill.goto(link)
    await expect(gill.get_by_role("heading", name="This link does not open")).to_be_visible()


async def test_a_guest_sends_a_file_and_sees_what_is_new_by_itself(people: People, stack: Stack) -> None:
    ident, number = by_telephone(stack, f"By itself {uuid4().hex[:6]}")
    with stack.api() as api:
        made = api.post(f"/tickets/{ident}/guest-links").raise_for_status().json()
        api.post(
            f"/tickets/{ident}/collaborators", json={"email": "cora@guests.example", "name": "Cora Labor"}
        ).raise_for_status()
        all_know(api)
    gill = await people.page(viewport={"width": 375, "height": 740})
    await gill.goto(made["url"])
    await expect(gill.locator("#live-moves")).to_contain_text("Cora Labor")
    await gill.get_by_label("Attach files").set_input_files(
        {"name": "bell.txt", "mimeType": "text/plain", "buffer": b"It rings."}
    )
    await expect(gill.locator(".chosen")).to_contain_text("bell.txt")
    await gill.get_by_label("Your message").fill("Listen.")
    await gill.get_by_role("button", name="Send message").click()
    await expect(gill.locator("#live-timeline")).to_contain_text("bell.txt")
    async with gill.expect_download() as download:
        await gill.locator("#live-timeline").get_by_role("link", name="bell.txt").click()
    assert (await (await download.value).path()).read_bytes() == b"It rings."

    await gill.get_by_label("Your message").fill("Half a senten")
    with stack.api("john") as john:
        john.post(f"/tickets/{number}/notes", json={"body": "not for guests"}).raise_for_status()
        john.post(f"/tickets/{number}/replies", json={"body": "We heard it."}).raise_for_status()
    await expect(gill.locator("#live-timeline")).to_contain_text("We heard it.")  # without a reload
    await expect(gill.get_by_label("Your message")).to_have_value("Half a senten")
    await expect(gill.locator("main")).not_to_contain_text("not for guests")
    assert await gill.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than the phone"
    await picture(gill, "guest-live-phone")

    people.expected += ["410", "401"]
    with stack.api() as api:
        api.delete(f"/tickets/{ident}/guest-links").raise_for_status()
    await expect(gill.locator("#toaster")).to_contain_text("not good any more")
    await expect(gill.get_by_label("Your message")).to_have_value("Half a senten")


async def test_it_is_asked_for_and_made_without_script(people: People, stack: Stack) -> None:
    _, number = by_telephone(stack, f"Asked for {uuid4().hex[:6]}")
    with stack.api() as api:
        email = api.get(f"/tickets/{number}").json()["requester"]["email"]
    gill = await people.page(java_script_enabled=False, viewport={"width": 375, "height": 740})
    await gill.goto("/sign-in")
    await gill.get_by_role("link", name="No account?").click()
    await gill.get_by_label("Ticket number").fill(number)
    await gill.get_by_label("Your e-mail address").fill(email)
    await gill.get_by_role("button", name="Ask for a link").click()
    await expect(gill.get_by_role("status")).to_contain_text("No mail is sent")

    john = await people.sign_in("john", java_script_enabled=False)
    await john.goto(f"/tickets/{number}")
    await john.get_by_role("link", name="links for the requester").click()
    await expect(john.get_by_role("status")).to_contain_text("asked for one")
    await john.get_by_role("button", name="Make a link").click()
    await gill.goto(await john.get_by_label("Shown this once").input_value())
    with stack.api("john") as api:  # what nobody has begun is not closed
        api.post(f"/tickets/{number}/replies", json={"body": "We look at it."}).raise_for_status()
        wait_until(lambda: api.get(f"/tickets/{number}").json()["status"] == "open", message="it is begun")
    await gill.reload()
    await expect(gill.locator(".timeline")).to_contain_text("We look at it.")
    await gill.get_by_role("button", name="Close").click()
    await expect(gill.locator(".badge").first).to_have_text("Closed")
    await gill.get_by_role("button", name="Reopen").click()
    await expect(gill.locator(".badge").first).to_have_text("Open")
