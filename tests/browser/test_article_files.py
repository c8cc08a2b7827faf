"""Files and images of articles, as who writes them and who reads them has them; nothing of them runs. And where an article stands."""

import struct
import zlib
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from tests.browser.desk import PASSWORD, People, Stack, picture
from tests.browser.test_attachments import bring, file

SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" onload="parent.document.title=1;alert(1)"><script>alert(2)</script></svg>'
)
HOSTILE = 'x" onerror="document.title=1" <img src=x onerror=alert(1)>.png'


def png(side: int = 40) -> bytes:
    """Return a red square."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = (b"\x00" + b"\xc0\x30\x30" * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def image(name: str, content: bytes) -> dict[str, object]:
    return {"name": name, "mimeType": "image/png", "buffer": content}


async def shown(page: Page) -> list[int]:
    """Return how wide the images of the article are, once they have all come."""
    decoded = "one => { one.loading = 'eager'; return one.decode().then(() => one.naturalWidth, () => 0); }"
    found: list[int] = await page.locator(".kb-body img").evaluate_all(f"all => Promise.all(all.map({decoded}))")
    return found


async def paste_picture(page: Page, side: int) -> None:
    """Paste a picture into the text, as from the clipboard."""
    await page.evaluate(
        """bytes => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
            document.querySelector("textarea[name=body]").dispatchEvent(
                new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: files }));
        }""",
        list(png(side)),
    )


async def publish(page: Page) -> None:
    await page.get_by_role("button", name="Publish for everybody").click()
    await expect(page.get_by_role("button", name="Publish for everybody")).to_have_count(0)


async def test_an_article_has_files_and_shows_its_images(people: People) -> None:
    john, guest = await people.sign_in("john"), await people.page()
    title = f"With pictures {uuid4().hex[:6]}"
    await john.goto("/kb/new")
    form = john.locator("form.stack")
    await john.get_by_label("Title").fill(title)
    await john.get_by_label("Text (Markdown)").fill("Press here:\n\n![The red button](attachment:button.png)")
    await form.locator("input[type=file]").set_input_files([image("button.png", png()), image("spare.png", png(30))])
    await bring(john, "drop", "form.stack", "dropped.txt")
    await bring(john, "paste", "textarea[name=body]", "pasted.txt")
    await expect(form.locator(".chosen li")).to_have_count(4)
    await form.get_by_role("button", name="Remove spare.png").click()
    await picture(john, "article-files-chosen")
    await form.get_by_role("button", name="Save version").click()
    await expect(john.locator(".kb-article h1")).to_have_text(title)
    assert await shown(john) == [40]
    await expect(john.locator(".kb-body img")).to_have_attribute("alt", "The red button")
    await expect(john.locator(".files a")).to_have_text(["button.png", "dropped.txt", "pasted.txt"])
    article = john.url
    people.expected.append("404")  # of the draft
    await guest.goto(article)
    await expect(guest.locator(".kb-article")).to_have_count(0)
    await publish(john)
    await guest.goto(article)
    assert await shown(guest) == [40]
    async with guest.expect_download() as started:
        await guest.locator(".files a").first.click()
    assert (await started.value).suggested_filename == "button.png"
    await picture(guest, "article-files-read")

    await john.goto(f"{article}/edit")
    await john.get_by_role("checkbox", name="dropped.txt").uncheck()
    await john.locator("form.stack input[type=file]").set_input_files([image("button.png", png(20))])
    await john.locator("textarea[name=body]").fill("Nothing to see.\n\n")
    await john.locator("textarea[name=body]").press("End")
    await john.get_by_role("button", name="Put button.png into the text").click()
    await expect(john.locator("textarea[name=body]")).to_have_value(
        "Nothing to see.\n\n![What it shows](<attachment:button.png>)"
    )
    await john.get_by_role("button", name="Preview").click()
    await expect(john.locator("#kb-preview img")).to_have_attribute("alt", "What it shows")
    await picture(john, "article-files-edited")
    await john.get_by_role("button", name="Save version").click()
    changes = john.get_by_role("region", name="What changed")
    await expect(changes.locator("ins", has_text="button-2.png")).to_be_visible()
    await expect(changes.locator("del", has_text="dropped.txt")).to_be_visible()
    await picture(john, "article-files-compared")


async def test_a_picture_that_is_pasted_stands_where_one_writes(people: People) -> None:
    john = await people.sign_in("john")
    await john.goto("/kb/new")
    await john.get_by_label("Title").fill("Pasted")
    await john.get_by_label("Text (Markdown)").fill("Look: ")
    for _ in range(2):  # from the clipboard both are called so
        await paste_picture(john, 12)
    await expect(john.locator(".chosen li span")).to_contain_text(["image.png", "image-2.png"])
    written = "Look: ![What it shows](<attachment:image.png>)![What it shows](<attachment:image-2.png>)"
    await expect(john.get_by_label("Text (Markdown)")).to_have_value(written)
    await john.get_by_role("button", name="Save version").click()
    await expect(john.locator(".files a")).to_have_text(["image.png", "image-2.png"])
    assert await shown(john) == [12, 12]


async def test_a_picture_is_previewed_before_it_is_saved_by_who_writes_alone(people: People) -> None:
    people.expected += ["status of 404", "status of 422"]  # what is not another's to see; a form that is refused
    john, jane = await people.sign_in("john"), await people.sign_in("jane")
    await john.goto("/kb/new")
    await john.get_by_label("Title").fill("Previewed")
    await john.get_by_label("Text (Markdown)").fill("Look: ")
    await paste_picture(john, 12)
    await john.get_by_role("button", name="Preview").click()
    await expect(john.locator("#kb-preview img")).to_have_attribute("alt", "What it shows")
    assert await shown(john) == [12]
    await picture(john, "article-previewed")
    address = str(await john.locator("#kb-preview img").get_attribute("src"))
    assert address.startswith("/api/v1/articles/preview/images/")
    assert (await jane.request.get(address)).status == 404
    await expect(john.locator(".chosen li")).to_have_count(1)  # it goes with the version still

    await john.get_by_label("Keywords").fill("x" * 200)
    await john.get_by_role("button", name="Save version").click()
    await expect(john.locator("p.problem")).to_contain_text("keywords")
    await john.get_by_role("button", name="Preview").click()
    await expect(john.locator("#kb-preview img")).to_have_count(1)
    assert await shown(john) == [12], "it was uploaded with the form that was refused"
    await john.get_by_label("Text (Markdown)").fill("")
    before = str(await john.locator("#kb-preview img").get_attribute("src"))
    await paste_picture(john, 9)
    await expect(john.get_by_label("Text (Markdown)")).to_have_value("![What it shows](<attachment:image-2.png>)")
    await john.get_by_role("button", name="Preview").click()
    await expect(john.locator("#kb-preview img")).not_to_have_attribute("src", before)
    assert await shown(john) == [9]
    await john.get_by_label("Keywords").fill("")
    await john.get_by_role("button", name="Save version").click()
    await expect(john.locator(".files a")).to_have_text(["image.png", "image-2.png"])
    assert await shown(john) == [9]


async def test_a_preview_that_is_refused_says_why_and_leaves_the_words(people: People) -> None:
    people.expected.append("status of 422")
    john = await people.sign_in("john")
    await john.goto("/kb/new")
    await john.get_by_label("Text (Markdown)").fill("Many files")
    await john.locator("form.stack input[type=file]").set_input_files(
        [image(f"{n}.png", png(n + 1)) for n in range(11)]
    )
    await john.get_by_role("button", name="Preview").click()
    await expect(john.locator("#kb-preview").get_by_role("alert")).to_contain_text("at most 10 files")
    await expect(john.get_by_label("Text (Markdown)")).to_have_value("Many files")


async def test_nothing_of_a_hostile_file_runs(people: People) -> None:
    john, guest = await people.sign_in("john"), await people.page()
    dialogs: list[str] = []
    for page in (john, guest):
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    await john.goto("/kb/new")
    await john.get_by_label("Title").fill("<img src=x onerror=alert(1)>")
    await john.get_by_label("Text (Markdown)").fill(
        "![a](attachment:drawing.svg) ![b](<attachment:x onerror=document.title=1 img src=x onerror=alert(1).png>)\n\n"
        '![" onerror="alert(1)](attachment:true.png "\\" onerror=\\"alert(1)")\n\n<img src=x onerror=alert(1)> ![c](javascript:alert(1)) '
        "![d](https://elsewhere.invalid/pixel.png)"
    )
    await john.locator("form.stack input[type=file]").set_input_files(
        [image("drawing.svg", SVG), image(HOSTILE, SVG), image("true.png", png(10)), file("page.png")]
    )
    await expect(john.locator(".chosen li")).to_have_count(4)
    await john.get_by_role("button", name="Save version").click()
    await expect(john.locator(".files a")).to_have_count(4)
    assert await shown(john) == [10], "only what is an image by its bytes"
    await publish(john)
    article = john.url.rsplit("/", 1)[1]
    await guest.goto(f"/kb/{article}")
    assert await shown(guest) == [10]
    names = await guest.locator(".files a").all_inner_texts()
    assert not any("<" in name or '"' in name for name in names)
    for n in (0, 1, 3):
        async with guest.expect_download():  # its address, typed in, too: saved, not opened
            with pytest.raises(Exception, match="Download is starting"):
                await guest.goto(f"/api/v1/articles/{article}/versions/1/attachments/{n}")
    answer = await guest.request.get(f"/api/v1/articles/{article}/versions/1/images/0")
    assert answer.status == 404
    await john.goto(f"/kb/{article}/edit")
    await expect(john.locator("input[name=keep]")).to_have_count(4)
    assert [await page.evaluate("document.title") == "1" for page in (john, guest)] == [False, False]
    assert dialogs == []


async def test_without_scripts_files_go_with_the_form(people: People) -> None:
    page = await people.page(java_script_enabled=False)
    await page.goto("/sign-in")
    await page.get_by_label("Login or e-mail address").fill("john")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.goto("/kb/new")
    await page.get_by_label("Title").fill("Without scripts")
    await page.get_by_label("Text (Markdown)").fill("![It](<attachment:my shot.png>)")
    await page.locator("input[type=file]").set_input_files([image("my shot.png", png())])
    await page.get_by_role("button", name="Save version").click()
    await expect(page.locator(".kb-body img")).to_have_attribute("alt", "It")
    await page.get_by_role("link", name="Edit").click()
    await page.get_by_role("checkbox", name="my shot.png").uncheck()
    await page.get_by_role("button", name="Save version").click()
    await expect(page.locator("del", has_text="my shot.png")).to_have_count(1)


async def test_where_an_article_stands_is_chosen_shown_and_asked_for(people: People, stack: Stack) -> None:
    run = uuid4().hex[:6]
    above, below = f"above-{run}", f"below-{run}"
    with stack.api() as api:
        categories = [{"key": above, "name": f"Above {run}"}, {"key": below, "name": f"Below {run}", "parent": above}]
        api.put("/internal/knowledge/organisation", json={"categories": categories}).raise_for_status()
    john, guest = await people.sign_in("john"), await people.page()
    await john.goto("/kb/new")
    await john.get_by_label("Title").fill(f"Placed {run}")
    await john.get_by_label("Text (Markdown)").fill("x")
    await john.get_by_role("button", name="Save version").click()
    await john.get_by_role("link", name="Edit").click()
    await john.locator("select[name=category]").select_option(below)
    await john.get_by_role("group", name="Departments").get_by_label("Support").check()
    await john.get_by_label("Text (Markdown)").fill("y")
    await john.get_by_role("button", name="Save version").click()
    await expect(john.locator(".kb-diff ins")).to_have_text("y")
    article = john.url.split("/versions")[0]
    await john.goto(article)
    await expect(john.locator("nav.crumbs a")).to_have_text(["Knowledge base", f"Above {run}", f"Below {run}"])
    await expect(john.locator(".kb-article")).to_contain_text("For Support")
    await picture(john, "article-placed")
    await publish(john)
    await guest.goto("/kb")
    await guest.get_by_role("navigation", name="Categories").get_by_role("link", name=f"Above {run}").click()
    entry = guest.locator(".kb-list li", has_text=f"Placed {run}")
    await expect(entry.locator(".kb-path")).to_have_text(f"Above {run} / Below {run}")
    await expect(guest.get_by_label("Department")).to_have_count(0)
    await john.goto("/kb")
    await john.get_by_label("Department", exact=True).select_option(label="Support")
    await john.locator(".kb-find button").click()
    await john.wait_for_url("**/kb?*department=support*")
    await expect(john.locator(".kb-list li", has_text=f"Placed {run}")).to_have_count(1)
    await john.get_by_label("Department", exact=True).select_option(label="Field Service")
    await john.locator(".kb-find button").click()
    await expect(john.locator(".kb-list li", has_text=f"Placed {run}")).to_have_count(0)


async def test_it_fits_a_phone(people: People, stack: Stack) -> None:
    with stack.api("john") as api:
        wide = {"Content-Type": "application/octet-stream"}
        uploads = [api.post("/attachments", content=c, headers=wide).json()["upload"] for c in (png(900), b"x")]
        names = ("wide.png", f"{'long-name-' * 11}.txt")
        files = [{"upload": upload, "name": name} for upload, name in zip(uploads, names, strict=True)]
        said = {"title": "On a phone", "body": "![Wide](attachment:wide.png)", "attachments": files}
        article = api.post("/articles", json=said).raise_for_status().json()["id"]
    john = await people.sign_in("john", viewport={"width": 360, "height": 740})
    for path in ("/kb", "/kb/new", f"/kb/{article}", f"/kb/{article}/edit", f"/kb/{article}/versions"):
        await john.goto(path)
        assert (
            await john.evaluate(
                "Math.max(...[document.documentElement, document.querySelector('#main')].map(e => e.scrollWidth))"
            )
            <= 360
        ), path
    await john.goto(f"/kb/{article}/edit")
    await picture(john, "article-edit-phone")
    await john.goto(f"/kb/{article}")
    assert await shown(john) == [900]
    await picture(john, "article-phone")
