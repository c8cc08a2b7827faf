"""The pages, in a browser: what people do with them."""

import asyncio
from uuid import uuid4

from playwright.async_api import Route, expect

from tests.browser.desk import People, Stack, at_once, begin, make, open_ticket, picture, row, status, write


async def test_a_ticket_from_the_question_to_the_answer(people: People) -> None:
    ken = await people.sign_in("ken")
    john = await people.sign_in("john")
    jane = await people.sign_in("jane")
    await picture(ken, "queue-empty")
    await john.goto("/queue?tab=mine")

    subject = f"The scanner is silent {uuid4().hex[:6]}"
    number = await open_ticket(ken, subject, "Since this morning.\nThe light is on, though.")

    await expect(row(john, subject)).to_be_visible()  # without a reload
    await picture(john, "queue-live")
    await row(john, subject).get_by_role("link", name=subject).click()
    await make(john, "Prioritise", priority="high")
    await expect(john.locator("#live-head .priority-high")).to_be_visible()
    await expect(status(john)).to_have_text("Open")
    await make(john, "Assign", agent="jane", message="This smells like the mail relay. Could you have a look?")
    await expect(john.locator("#live-facts")).to_contain_text("Jane Roe")

    await jane.goto("/queue?tab=mine")
    await jane.get_by_role("link", name=subject).click()
    await expect(jane.locator(".timeline")).to_contain_text("This smells like the mail relay.")
    await write(jane, "note", "The relay's certificate has expired. Not for the customer.")
    await expect(jane.locator(".card-entry.note")).to_contain_text("Not for the customer.")
    await write(jane, "reply", "We found it and are renewing a certificate.")
    await expect(jane.locator(".card-entry.reply")).to_contain_text("renewing a certificate")
    await jane.locator(".fold summary").first.click()  # the steps between two cards, folded
    await jane.locator("details.why > summary:visible").first.click()
    await picture(jane, "ticket-agent")

    await expect(ken.locator(".card-entry.reply")).to_contain_text("renewing a certificate")  # live, too
    await make(jane, "Resolve", resolution="Renewed the certificate; scans arrive again.")
    await expect(status(jane)).to_have_text("Resolved")
    await expect(status(ken)).to_have_text("Resolved")
    await expect(ken.locator(".card-entry.resolution")).to_contain_text("scans arrive again")
    shown = await ken.content()
    for secret in ("Not for the customer", "mail relay", "Internal note", "jane@", "Why?", "assigned it"):
        assert secret not in shown
    await picture(ken, "ticket-requester")

    await john.goto("/queue?tab=involved")
    mine = row(john, subject)
    await expect(mine).to_contain_text("Resolved")
    await expect(mine).to_contain_text("Jane Roe")
    await picture(john, "queue-involved")
    await ken.locator("form.write.message textarea").fill("It is silent again.")
    await ken.get_by_role("button", name="Send message").click()
    await expect(ken.locator(".card-entry.message").last).to_contain_text("It is silent again.")
    await expect(status(ken)).to_have_text("Open")
    await expect(mine.locator(".state")).to_have_text("Open")
    assert number in await mine.inner_text()


async def test_every_move_of_an_agent(people: People) -> None:
    ken, john = await people.sign_in("ken"), await people.sign_in("john")
    number = await open_ticket(ken, "A ticket that sees it all", topic="mail")
    await john.goto(f"/tickets/{number}")
    line = john.locator(".timeline")
    await make(john, "Transfer", department="support", message="Let us look first.")
    await expect(line).to_contain_text("to Support")
    await at_once(john, "Claim")
    await expect(john.locator("#live-facts")).to_contain_text("John Doe")
    await make(john, "Hold", reason="The vendor calls back", until="2027-03-01T09:00")
    await expect(status(john)).to_have_text("On hold")
    await expect(line).to_contain_text("The vendor calls back")
    await at_once(john, "Resume")
    await expect(status(john)).to_have_text("Open")
    await john.keyboard.press("r")
    await begin(john, "Assign")
    await picture(john, "ticket-forms")
    await john.keyboard.press("Escape")
    await make(john, "Escalate", message="It is getting late.")
    await expect(line).to_contain_text("escalated it to level 1")
    await make(john, "Acknowledge")
    await expect(line).to_contain_text("acknowledged it")
    await make(john, "Release", message="Back to the queue.")
    await expect(john.locator("#live-facts")).to_contain_text("Nobody yet")
    await make(john, "Close", message="A duplicate.")
    await expect(status(john)).to_have_text("Closed")
    await make(john, "Reopen", message="It was none after all.")
    await expect(status(john)).to_have_text("Open")


async def test_a_refused_move_says_why_and_keeps_the_words(people: People, stack: Stack) -> None:
    people.expected.append("409")  # Chromium notes each answer of 4xx
    ken, jane = await people.sign_in("ken"), await people.sign_in("jane")
    number = await open_ticket(ken, "Two agents, one ticket", topic="mail")
    await jane.goto(f"/tickets/{number}")
    await jane.locator(".composer label.tab.reply").click()
    await jane.locator("form.write.reply textarea").fill("Words that took an hour to find.")
    with stack.api("lea") as other:
        await asyncio.to_thread(other.post, f"/tickets/{number}/resolve", json={"resolution": "Done."})
        await asyncio.to_thread(other.post, f"/tickets/{number}/close")
    await expect(status(jane)).to_have_text("Closed")  # the page is live, but the words being typed stay
    await expect(jane.locator("form.write.reply textarea")).to_have_value("Words that took an hour to find.")
    await jane.locator("form.write.reply [data-send]").click()
    await expect(jane.locator("form.write.reply .problem")).to_contain_text("reopen it first")
    await expect(jane.locator("form.write.reply textarea")).to_have_value("Words that took an hour to find.")
    await picture(jane, "ticket-refused")


async def test_a_wrong_password_is_said_kindly(people: People) -> None:
    people.expected += ["401", "429"]
    page = await people.page()
    await page.goto("/sign-in")
    await picture(page, "sign-in")
    for _ in range(6):
        await page.get_by_label("Login or e-mail address").fill("nobody-of-that-name")
        await page.get_by_label("Password").fill("wrong-password")
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_load_state()
    await expect(page.get_by_role("alert")).to_contain_text("Too many failed attempts")
    await page.get_by_label("Login or e-mail address").fill("ana")
    await page.get_by_label("Password").fill("wrong-password")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("do not go together")
    await expect(page.get_by_label("Login or e-mail address")).to_have_value("ana")
    await picture(page, "sign-in-wrong")


async def test_words_survive_the_end_of_a_session(people: People) -> None:
    people.expected.append("401")
    ken = await people.sign_in("ken")
    await open_ticket(ken, "A long story")
    await ken.locator("form.write.message textarea").fill("Half an hour of typing.")
    await ken.context.clear_cookies(name="ledgerdesk_session")
    await ken.get_by_role("button", name="Send message").click()
    await expect(ken.get_by_role("button", name="Sign in")).to_be_visible()
    await expect(ken.locator(".kept textarea")).to_have_value("Half an hour of typing.")


async def test_filters_search_and_pages(people: People, stack: Stack) -> None:
    mark = f"batch{uuid4().hex[:6]}"
    with stack.api() as api:
        for n in range(52):
            body = {
                "subject": f"{mark} number {n}",
                "body": "One of many.",
                "topic": "hardware",
                "requester": {"email": "eve@example.org"},
            }
            last = (await asyncio.to_thread(api.post, "/tickets", json=body)).headers["ledgerdesk-version"]
        await asyncio.to_thread(api.get, "/tickets", headers={"Ledgerdesk-After": last})
    lea = await people.sign_in("lea")
    await lea.get_by_label("Search tickets").press_sequentially(mark)
    rows = lea.locator(".ticket-row")
    await expect(rows.first).to_contain_text(f"{mark} number")  # while one types
    await lea.get_by_label("Search tickets").press("Enter")  # its answer comes while the filters are used
    await lea.locator("summary", has_text="Filter").click()
    await lea.get_by_label("Order").select_option("created_at")
    await expect(rows).to_have_count(50)
    await expect(rows.first).to_contain_text("number 0")
    await picture(lea, "queue-full")
    await lea.get_by_role("link", name="Next page").click()
    await expect(rows).to_have_count(2)
    await expect(rows.last).to_contain_text("number 51")
    await lea.get_by_role("link", name="First page").click()
    await expect(rows).to_have_count(50)
    await lea.locator("summary", has_text="Filter").click()
    await lea.locator(".filters [name=priority]").select_option("emergency")
    await expect(lea.locator(".empty")).to_contain_text("No ticket matches")
    await lea.get_by_role("link", name="Clear the filters").click()
    await expect(rows.first).to_be_visible()


async def test_filters_stay_open_when_a_search_answers_late(people: People) -> None:
    lea = await people.sign_in("lea")
    answer = asyncio.Event()

    async def late(route: Route) -> None:
        await answer.wait()
        await route.continue_()

    await lea.route(lambda url: "q=printer" in url, late)
    async with lea.expect_request(lambda request: "q=printer" in request.url):
        await lea.get_by_label("Search tickets").press_sequentially("printer")
    await lea.locator("summary", has_text="Filter").click()
    answer.set()
    await expect(lea.locator(".list .badge").first).to_contain_text("printer")  # it has come
    await expect(lea.get_by_label("Order")).to_be_visible()


async def test_reports_are_tables(people: People) -> None:
    people.expected.append("422")
    ken, ana = await people.sign_in("ken"), await people.sign_in("ana")
    await open_ticket(ken, "A ticket to be counted")
    await ana.get_by_role("link", name="Reports").click()
    await picture(ana, "reports")
    for name in ("volumes", "activities", "moves", "durations", "backlog", "agents", "reopens"):
        await ana.goto(f"/reports/{name}")
        await expect(ana.locator("table.figures, .empty").first).to_be_visible()
        await picture(ana, f"report-{name}")
    await ana.goto("/reports/volumes")
    await ana.get_by_role("checkbox", name="Department").check()
    await ana.get_by_role("button", name="Apply").click()
    await expect(ana.locator("table.figures thead")).to_contain_text("Department")
    async with ana.expect_download() as download:
        await ana.get_by_role("link", name="CSV", exact=True).click()
    assert (await (await download.value).path()).read_text().startswith("department,")
    await ana.goto("/reports/volumes?from=2026-03-01&to=2026-01-01")
    await expect(ana.get_by_role("alert")).to_be_visible()
    await expect(ana.get_by_label("From")).to_have_value("2026-03-01")


async def test_without_script_it_works_too(people: People) -> None:
    ken = await people.sign_in("ken", java_script_enabled=False)
    await open_ticket(ken, "No script at all")
    await ken.locator("form.write.message textarea").fill("One more thing.")
    await ken.get_by_role("button", name="Send message").click()
    await expect(ken.locator(".card-entry.message").last).to_contain_text("One more thing.")


async def test_dark_and_small(people: People) -> None:
    jane = await people.sign_in("jane", color_scheme="dark")
    await picture(jane, "queue-dark")
    await jane.locator(".ticket-row .subject").first.click()
    await expect(jane.locator("#live-head h1")).to_be_visible()
    await picture(jane, "ticket-dark")
    phone = await people.sign_in("jane")
    await phone.set_viewport_size({"width": 390, "height": 800})
    for path, name in (("/queue?tab=all", "queue"), ("/tickets/new", "new")):
        await phone.goto(path)
        await picture(phone, f"phone-{name}")
        assert await phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await phone.goto(jane.url)
    await picture(phone, "phone-ticket")
    assert await phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_no_page_weighs_more_than_half_a_megabyte(people: People) -> None:
    for login, paths in {
        "ken": ["/", "/tickets/new"],
        "john": ["/queue?tab=all", "/inbox", "/kb"],
        "ana": ["/reports/volumes", "/dashboards"],
        "ada": ["/admin", "/admin/organisation/rule", "/admin/audit"],
    }.items():
        first = await people.sign_in(login)
        cookies = await first.context.cookies()
        for path in paths:
            page = await people.page()  # nothing in its cache
            await page.context.add_cookies(cookies)
            await page.goto(path)
            sent = await page.evaluate(
                "() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
                ".reduce((sum, one) => sum + one.transferSize, 0)"
            )
            assert 10_000 < sent < 500_000, f"{path}: {sent} bytes"
            await page.context.close()
