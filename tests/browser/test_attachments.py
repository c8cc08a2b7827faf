"""Files in the pages: chosen, dropped, pasted, taken out again; without scripts; shown as downloads to who reads the words."""

from playwright.async_api import Page, expect

from tests.browser.desk import PASSWORD, People, open_ticket, picture

HOSTILE = '<img src=x onerror="document.title=1">.html'


def file(name: str, content: bytes = b"<script>alert(1)</script>") -> dict[str, object]:
    return {"name": name, "mimeType": "text/plain", "buffer": content}


async def bring(page: Page, how: str, selector: str, name: str) -> None:
    """Drop or paste a file, as a browser tells the page of it."""
    await page.evaluate(
        """([how, selector, name]) => {
            const files = new DataTransfer();
            files.items.add(new File(["dropped " + name], name, { type: "text/plain" }));
            const place = document.querySelector(selector);
            const event = how === "drop"
                ? new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: files })
                : new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: files });
            place.dispatchEvent(event);
        }""",
        [how, selector, name],
    )


async def test_files_are_chosen_dropped_pasted_and_taken_out(people: People):
    ken, john = await people.sign_in("ken@example.org"), await people.sign_in("john")
    number = await open_ticket(ken, "A ticket with files")
    await john.goto(f"/tickets/{number}")
    await john.locator(".composer label.tab.reply").click()
    form = john.locator("form.write.reply")
    await form.locator("input[type=file]").set_input_files([file("one.txt"), file("wrong.txt")])
    await form.locator("input[type=file]").set_input_files([file(HOSTILE)])
    await bring(john, "drop", "form.write.reply", "dropped.txt")
    await bring(john, "paste", "#body-reply", "pasted.txt")
    await expect(form.locator(".chosen li")).to_have_count(5)
    await form.get_by_role("button", name="Remove wrong.txt").click()
    await expect(form.locator(".chosen li")).to_have_count(4)
    await picture(john, "attachments-chosen")
    await form.locator("textarea").fill("Four files.")
    await form.locator("[data-send]").click()
    await expect(ken.locator(".files a")).to_have_count(4)  # without a reload
    await expect(john.locator(".files a")).to_have_count(4)
    await expect(form.locator(".chosen li")).to_have_count(0)
    assert await form.locator("input[type=file]").evaluate("e => e.files.length") == 0
    names = await ken.locator(".files a").all_inner_texts()
    assert names[0] == "one.txt"
    assert names[2:] == ["dropped.txt", "pasted.txt"]
    assert "<" not in names[1]
    async with ken.expect_download() as started:
        await ken.locator(".files a").first.click()
    assert (await started.value).suggested_filename == "one.txt"
    await picture(ken, "attachments-thread")


async def test_without_scripts_a_file_goes_with_the_form(people: People):
    page = await people.page(java_script_enabled=False)
    await page.goto("/sign-in")
    await page.get_by_label("Login or e-mail address").fill("ken@example.org")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.goto("/tickets/new")
    await page.get_by_label("Subject").fill("Files without scripts")
    await page.get_by_label("What happened").fill("See the file.")
    await page.locator("input[type=file]").set_input_files([file("first.txt")])
    await page.get_by_role("button", name="Open ticket").click()
    await expect(page.locator(".files a")).to_have_text("first.txt")
    await page.locator("#body-message").fill("And one more.")
    await page.locator("input[type=file]").set_input_files([file("second.txt")])
    await page.get_by_role("button", name="Send message").click()
    await expect(page.locator(".files a")).to_have_text(["first.txt", "second.txt"])


async def test_a_file_that_is_refused_is_named_and_the_words_stay(people: People):
    ken = await people.sign_in("ken@example.org")
    people.expected.append("413")
    number = await open_ticket(ken, "A file that is too large")
    await ken.goto(f"/tickets/{number}")
    await ken.locator("#body-message").fill("Here it is.")
    await ken.locator("form.write input[type=file]").set_input_files(
        [file("small.txt"), file("large.bin", b"x" * (10 * 1024 * 1024 + 1))]
    )
    await ken.get_by_role("button", name="Send message").click()
    await expect(ken.locator(".composer .problem")).to_contain_text("large.bin")
    await expect(ken.locator("#body-message")).to_have_value("Here it is.")
    await expect(ken.get_by_label("small.txt")).to_be_checked()
    await ken.get_by_role("button", name="Send message").click()
    await expect(ken.locator(".files a")).to_have_text(["small.txt"])
