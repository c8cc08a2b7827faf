"""What somebody has begun is there when he comes back: a dialog's words, a page's, the line above what is new; and a search half typed."""

from uuid import uuid4

from playwright.async_api import Page, expect

from tests.browser.desk import People, Stack, begin, by_telephone, picture, row
from tests.knowing import all_know

RUN = uuid4().hex[:6]
ARABIC = "الطابعة لا تعمل (HP-4000)!"


async def test_a_dialogs_words_are_kept_until_they_are_sent_or_given_up(people: People, stack: Stack) -> None:
    _, number = by_telephone(stack, f"Kept {RUN}")
    jane = await people.sign_in("jane")
    await jane.goto(f"/tickets/{number}")
    sheet = await begin(jane, "Resolve")
    field = sheet.locator("[name=resolution]")
    await field.fill("It took me long to find out.")
    await expect(sheet).to_contain_text("Draft kept")
    await jane.keyboard.press("Escape")
    await expect(sheet).to_be_hidden()
    await begin(jane, "Resolve")
    await expect(field).to_have_value("It took me long to find out.")
    await sheet.get_by_role("button", name="Cancel").click()  # given up
    await begin(jane, "Resolve")
    await expect(field).to_have_value("")
    await field.fill("Found out.")
    await expect(sheet).to_contain_text("Draft kept")
    await sheet.locator("button[data-send]").click()
    await expect(jane.locator("#live-head .badge").first).to_have_text("Resolved")
    await jane.locator("#live-head [data-palette=Reopen]").click()
    await sheet.locator("button[data-send]").click()
    await expect(jane.locator("#live-head .badge").first).to_have_text("Open")
    await begin(jane, "Resolve")
    await expect(field).to_have_value("")


async def fill_in(page: Page) -> None:
    await page.goto("/tickets/new")
    await page.get_by_label("Subject").fill(f"Begun {RUN}")
    await page.get_by_label("Topic").select_option("network")
    await expect(page.locator("#topic-fields [data-field=device]")).to_be_visible()  # what it asks for has come
    await page.get_by_label("What happened").fill("Since nine, in every room.")


async def test_a_new_ticket_that_is_left_is_there_when_one_comes_back(people: People) -> None:
    ken = await people.sign_in("ken", viewport={"width": 375, "height": 740})
    body, back = ken.get_by_label("What happened"), ken.get_by_text("What you had begun to write is here again.")
    await fill_in(ken)
    await ken.get_by_role("button", name="Open the menu").click()
    await ken.locator("#side").get_by_role("link", name="Knowledge base").click()
    await expect(ken.locator("main h1")).to_have_text("Knowledge base")
    await ken.go_back()
    await expect(body).to_have_value("Since nine, in every room.")
    await expect(ken.get_by_label("Topic")).to_have_value("network")
    await expect(back).to_be_visible()
    await picture(ken, "begun-again")
    await ken.get_by_role("button", name="Begin anew").click()
    await expect(body).to_have_value("")
    await expect(back).to_have_count(0)

    await fill_in(ken)
    await ken.get_by_role("button", name="Open ticket").click()
    await expect(ken.locator("#live-head h1")).to_have_text(f"Begun {RUN}")
    await ken.goto("/tickets/new")
    await expect(ken.get_by_label("Subject")).to_have_value("")  # it was taken
    await fill_in(ken)
    await ken.get_by_role("link", name="Cancel").click()
    await ken.goto("/tickets/new")
    await expect(body).to_have_value("")


async def test_an_article_that_is_left_too_and_nobody_else_finds_it(people: People) -> None:
    john = await people.sign_in("john")
    await john.goto("/kb/new")
    await john.get_by_label("Text (Markdown)").fill("A long text.")
    await john.locator("#nav").get_by_role("link", name="Inbox").click()
    await expect(john.locator("main h1")).to_have_text("Inbox")
    await john.goto("/kb/new")
    await expect(john.get_by_label("Text (Markdown)")).to_have_value("A long text.")
    await john.context.clear_cookies()
    await john.goto("/sign-in")
    await john.get_by_label("Login or e-mail address").fill("jane")
    await john.get_by_label("Password").fill("demo-password")
    await john.get_by_role("button", name="Sign in").click()
    await john.wait_for_url(lambda url: "/sign-in" not in url)
    await john.goto("/kb/new")
    await expect(john.get_by_label("Text (Markdown)")).to_have_value("")


async def test_the_line_above_what_is_new_stays(people: People, stack: Stack) -> None:
    ident, number = by_telephone(stack, f"Line {RUN}")
    jane = await people.sign_in("jane")
    await jane.goto(f"/tickets/{number}")
    await expect(jane.locator("#live-head h1")).to_have_text(f"Line {RUN}")
    await jane.goto("/queue")
    with stack.api() as api:
        for n in range(2):
            api.post(f"/tickets/{ident}/notes", json={"body": f"New {n}"}).raise_for_status()
        all_know(api)
    await jane.goto(f"/tickets/{number}")
    line = jane.locator(".unread-line")
    await expect(line).to_have_text("2 new")
    with stack.api() as api:  # something comes while she reads: the thread is drawn anew
        api.post(f"/tickets/{ident}/notes", json={"body": "New 2"}).raise_for_status()
    await expect(jane.locator(".card-entry", has_text="New 2")).to_be_visible()
    await expect(line).to_have_text("2 new")
    await expect(line).to_have_count(1)
    assert await line.evaluate("line => line.nextElementSibling.textContent.includes('New 0')")


async def test_words_have_the_direction_of_their_letters(people: People, stack: Stack) -> None:
    with stack.api() as api:
        body = {"subject": ARABIC, "body": f"{ARABIC}\nAnd in English!", "requester": {"email": f"r-{RUN}@example.org"}}
        number = api.post("/tickets", json=body).raise_for_status().json()["number"]
        all_know(api)
    jane = await people.sign_in("jane")
    await jane.goto(f"/tickets/{number}")
    place = """(element, [from, to]) => {
        const node = document.createTreeWalker(element, NodeFilter.SHOW_TEXT).nextNode(), at = (i) => {
            const range = document.createRange();
            range.setStart(node, i); range.setEnd(node, i + 1);
            return range.getBoundingClientRect().x;
        };
        return [at(from), at(to)];
    }"""
    for selector in ("#live-head h1", ".card-entry .words"):
        first, last = await jane.locator(selector).first.evaluate(place, [0, len(ARABIC) - 1])
        assert last < first, f"{selector}: the sentence ends at the left"
    first, last = await jane.locator(".card-entry .words").first.evaluate(place, [len(ARABIC) + 1, len(ARABIC) + 15])
    assert first < last, "and an English line at the right"


async def test_a_search_finds_while_one_types(people: People, stack: Stack) -> None:
    _, number = by_telephone(stack, f"Quokka{RUN} in the server room")
    jane = await people.sign_in("jane")
    await jane.locator("#find").press_sequentially(f"quokka{RUN[:3]}")
    await expect(row(jane, f"Quokka{RUN}")).to_be_visible()
    await jane.keyboard.press("Control+k")
    await jane.get_by_role("combobox").fill(number[:-1] + number[-1])
    await expect(jane.get_by_role("option", name=number)).to_be_visible()
    await jane.get_by_role("combobox").fill(f"quokka{RUN[:4]}")
    await expect(jane.get_by_role("option", name=number)).to_be_visible()
