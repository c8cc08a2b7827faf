"""The desk: keys, the palette, many tickets at once, words that survive, what is told apart."""

import asyncio
import re
from uuid import uuid4

from playwright.async_api import Route, expect

from tests.browser.desk import People, Stack, begin, make, open_ticket, picture, row, status, write

WITHIN = 1000
"""Milliseconds from when somebody sees his own move until others do."""


async def test_three_people_see_each_other_within_a_second(people: People) -> None:
    ken, john, jane = [await people.sign_in(login) for login in ("ken", "john", "jane")]
    await john.goto("/queue?tab=mine")
    await jane.goto("/queue?tab=mine")
    subject = f"Nobody can print {uuid4().hex[:6]}"
    number = await open_ticket(ken, subject)
    await expect(row(john, subject)).to_be_visible(timeout=WITHIN)
    await row(john, subject).locator(".subject").click()
    await expect(john.locator("#live-head h1")).to_have_text(subject)
    await make(john, "Assign", agent="jane", message="Yours, I think.")
    await expect(row(jane, subject)).to_be_visible(timeout=WITHIN)
    await jane.goto(f"/tickets/{number}")
    await write(jane, "note", "Paper jam in tray 2.")
    await expect(jane.locator(".card-entry.note")).to_be_visible()
    await expect(john.locator(".card-entry.note")).to_contain_text("Paper jam", timeout=WITHIN)
    await write(jane, "reply", "Please try again now.")
    await expect(jane.locator(".card-entry.reply")).to_be_visible()  # it is taken
    await expect(ken.locator(".card-entry.reply")).to_contain_text("Please try again", timeout=WITHIN)
    await ken.locator("form.write.message textarea").fill("It prints!")
    await ken.get_by_role("button", name="Send message").click()
    await expect(ken.locator(".card-entry.message").last).to_contain_text("It prints!")
    await expect(jane.locator(".card-entry.message").last).to_contain_text("It prints!", timeout=WITHIN)
    await make(jane, "Resolve", resolution="Cleared tray 2.")
    await expect(status(jane)).to_have_text("Resolved")
    await expect(status(ken)).to_have_text("Resolved", timeout=WITHIN)
    await expect(status(john)).to_have_text("Resolved", timeout=WITHIN)
    await expect(ken.locator(".card-entry.note")).to_have_count(0)
    for page, name in ((ken, "story-ken"), (john, "story-john"), (jane, "story-jane")):
        await picture(page, name)


async def test_a_note_is_no_reply(people: People) -> None:
    ken, jane = await people.sign_in("ken"), await people.sign_in("jane")
    number = await open_ticket(ken, "Who reads this?", topic="mail")
    await jane.goto(f"/tickets/{number}")
    await jane.keyboard.press("r")
    reply, note = jane.locator("form.write.reply"), jane.locator("form.write.note")
    await expect(reply).to_contain_text("To Ken Ito")
    await expect(reply.locator("[data-send]")).to_have_text("Send reply")
    await expect(note).to_be_hidden()
    await picture(jane, "composer-reply")
    await jane.keyboard.press("Escape")
    await jane.keyboard.press("n")
    await expect(note).to_contain_text("Only the desk sees this. Ken Ito never does.")
    await expect(note.locator("[data-send]")).to_have_text("Save internal note")
    await expect(reply).to_be_hidden()
    colours = [await form.evaluate("e => getComputedStyle(e).backgroundColor") for form in (reply, note)]
    assert colours[0] != colours[1]
    await picture(jane, "composer-note")


async def test_keys_do_what_they_say_and_can_be_switched_off(people: People) -> None:
    ken, jane = await people.sign_in("ken"), await people.sign_in("jane")
    subject = f"By keys alone {uuid4().hex[:6]}"
    await open_ticket(ken, subject, topic="mail")
    await jane.goto("/queue?tab=mine")
    await expect(row(jane, subject)).to_be_visible()
    await jane.keyboard.press("j")
    await jane.keyboard.press("Enter")
    await expect(jane.locator("#live-head h1")).to_be_visible()
    await jane.keyboard.press("p")
    await expect(jane.locator("#sheet h2")).to_have_text("Prioritise")
    await jane.keyboard.press("Escape")
    await jane.keyboard.press("u")
    await expect(jane.locator("#pane article")).to_have_count(0)
    await jane.keyboard.press("/")
    await jane.keyboard.type("c jm?")  # typing is typing
    assert await jane.get_by_label("Search tickets").input_value() == "c jm?"
    assert "/tickets/new" not in jane.url
    await jane.keyboard.press("Escape")
    await jane.keyboard.press("?")
    listed = await jane.locator("#keys .keys-list kbd").all_inner_texts()
    assert {"j", "k", "x", "c", "/", "1"} <= set(listed)
    assert len(listed) == len(set(listed))  # none collides
    await picture(jane, "keys")
    await jane.locator("[data-keys-switch]").uncheck()
    await jane.keyboard.press("Escape")
    await jane.keyboard.press("c")
    await jane.reload()
    await jane.keyboard.press("c")
    assert "/tickets/new" not in jane.url


async def test_the_palette_finds_commands_and_tickets(people: People) -> None:
    ken, jane = await people.sign_in("ken"), await people.sign_in("jane")
    word = f"zebra{uuid4().hex[:6]}"
    number = await open_ticket(ken, f"The {word} is out", topic="mail")
    await jane.goto("/queue?tab=open")
    await jane.keyboard.press("Control+k")
    await jane.keyboard.type("inbox")
    await jane.keyboard.press("Enter")
    await expect(jane.get_by_role("heading", name="Inbox")).to_be_visible()
    await jane.keyboard.press("Control+k")
    await jane.keyboard.type(word)
    await expect(jane.get_by_role("option", name=re.compile(number))).to_be_visible()
    await picture(jane, "palette")
    await jane.keyboard.press("Enter")
    await expect(jane.locator("#live-head h1")).to_have_text(f"The {word} is out")


async def test_many_tickets_at_once_and_taken_back(people: People, stack: Stack) -> None:
    mark = f"bulk{uuid4().hex[:6]}"
    with stack.api() as api:
        for n in range(3):
            body = {
                "subject": f"{mark} {n}",
                "body": "One.",
                "topic": "hardware",
                "requester": {"email": "eve@example.org"},
            }
            last = (await asyncio.to_thread(api.post, "/tickets", json=body)).headers["ledgerdesk-version"]
        await asyncio.to_thread(api.get, "/tickets", headers={"Ledgerdesk-After": last})
    lea = await people.sign_in("lea")
    await lea.goto(f"/queue?tab=all&q={mark}")
    await expect(row(lea, mark)).to_have_count(3)
    for box in await lea.locator(".pick").all():
        await box.check()
    await expect(lea.locator("#bulk")).to_contain_text("3 selected")
    await picture(lea, "bulk")
    await lea.locator("#bulk [data-bulk=prioritise]").click()
    await lea.locator("#sheet [name=priority]").select_option("high")
    await lea.locator("#sheet [data-send]").click()
    await expect(lea.locator(".ticket-row .bars-high")).to_have_count(3)
    await lea.locator(".toast", has_text="3 tickets").get_by_role("button", name="Undo").click()
    await expect(lea.locator(".ticket-row .bars-normal")).to_have_count(3)


async def test_a_draft_is_kept_and_gone_once_it_is_sent(people: People) -> None:
    ken, jane = await people.sign_in("ken"), await people.sign_in("jane")
    number = await open_ticket(ken, "Half a sentence", topic="mail")
    await jane.goto(f"/tickets/{number}")
    await jane.keyboard.press("n")
    await jane.locator("#body-note").fill("I was about to say")
    await expect(jane.locator("form.write.note [data-draft-said]")).to_have_text("Draft kept")
    await jane.goto("/queue")
    await jane.goto(f"/tickets/{number}")
    await expect(jane.locator("#body-note")).to_have_value("I was about to say")
    await jane.locator("form.write.note [data-send]").click()
    await expect(jane.locator(".card-entry.note")).to_contain_text("I was about to say")
    await jane.reload()
    await expect(jane.locator("#body-note")).to_have_value("")


async def test_a_draft_is_gone_when_the_page_is_left_before_its_answer(people: People) -> None:
    ken, jane = await people.sign_in("ken"), await people.sign_in("jane")
    number = await open_ticket(ken, "Sent and left", topic="mail")
    await jane.goto(f"/tickets/{number}")
    await jane.keyboard.press("n")
    await jane.locator("#body-note").fill("Sent,  and\nleft")
    people.expected += ["Failed to load resource", "Failed to fetch"]  # the answer is never heard

    async def unheard(route: Route) -> None:
        await route.fetch()
        await route.abort()

    await jane.route("**/note*", unheard)
    await jane.locator("form.write.note [data-send]").click()
    await expect(jane.locator(".card-entry.note")).to_contain_text("Sent, and left")
    await jane.reload()
    await expect(jane.locator(".card-entry.note")).to_contain_text("Sent, and left")
    await expect(jane.locator("#body-note")).to_have_value("")


async def test_going_back_and_forth_is_kept(people: People) -> None:
    ken, jane = await people.sign_in("ken"), await people.sign_in("jane")
    subject = f"To and fro {uuid4().hex[:6]}"
    await open_ticket(ken, subject, topic="mail")
    await jane.goto("/queue?tab=mine")
    await row(jane, subject).locator(".subject").click()
    await expect(jane.locator("#live-head h1")).to_have_text(subject)
    await expect(row(jane, subject)).to_have_attribute("aria-current", "true")
    await jane.go_back()
    await expect(jane.locator("#pane article")).to_have_count(0)
    await jane.go_forward()
    await expect(jane.locator("#live-head h1")).to_have_text(subject)
    here = jane.locator("#nav [aria-current=page]")
    await expect(here).to_contain_text("Mine")
    await jane.locator("#nav").get_by_role("link", name="Knowledge base").click()
    await expect(here).to_contain_text("Knowledge base")
    await jane.go_back()
    await expect(here).to_contain_text("Mine")


async def test_what_hangs_on_a_ticket(people: People) -> None:
    ken, jane = await people.sign_in("ken"), await people.sign_in("jane")
    other = await open_ticket(ken, "The other one", topic="mail")
    number = await open_ticket(ken, "With everything", topic="mail")
    await jane.goto(f"/tickets/{number}")
    facts = jane.locator("#live-facts")
    await make(jane, "Add a task", title="Order toner", agent="john")
    await expect(facts).to_contain_text("Order toner")
    await facts.get_by_role("button", name="Finish: Order toner").click()
    await expect(facts).to_contain_text("1 of 1")
    await make(jane, "Log time", minutes="25", note="On site")
    await expect(facts).to_contain_text("25 min · On site")
    await make(jane, "Tags", add="vpn, printer")
    await expect(facts.locator(".badge.tag")).to_have_text(["vpn", "printer"])
    await make(jane, "Link", ticket=other)
    await expect(facts).to_contain_text("The other one")
    await (await begin(jane, "Link")).locator("[name=ticket]").fill("no-such-ticket")
    people.expected.append("422")
    await jane.locator("#sheet [data-send]").click()
    await expect(jane.locator("#sheet .problem")).to_be_visible()
    await expect(jane.locator("#sheet [name=ticket]")).to_have_value("no-such-ticket")
    await jane.keyboard.press("Escape")
    await picture(jane, "ticket-everything")


async def test_who_else_is_here_and_canned_replies(people: People) -> None:
    ken, john, jane = [await people.sign_in(login) for login in ("ken", "john", "jane")]
    number = await open_ticket(ken, "Two at one ticket", topic="mail")
    await jane.goto(f"/tickets/{number}")
    await john.goto(f"/tickets/{number}")
    await expect(jane.locator("[data-here]")).to_contain_text("John Doe is here")
    await expect(john.locator("[data-here]")).to_contain_text("Jane Roe is here")
    await jane.keyboard.press("r")
    await jane.locator("[data-canned]").click()
    await jane.get_by_role("button", name="We have received it").click()
    await expect(jane.locator("#body-reply")).to_have_value(re.compile("Dear Ken Ito"))
    await expect(john.locator("[data-here]")).to_contain_text("Jane Roe is writing")
    await picture(john, "who-is-here")
    await john.goto("/queue")
    await expect(jane.locator("[data-here]")).to_be_hidden()
