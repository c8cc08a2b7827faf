"""What is long fits: thirty tags, names that do not end, a thread's overview; and a phone without scripts has a menu."""

from uuid import uuid4

from playwright.async_api import Locator, expect

from tests.browser.desk import People, Stack, picture
from tests.knowing import all_know

RUN = uuid4().hex[:6]
NAME = "Maximiliane-Theodora Wolfenbüttelsbacherstrasse de la Cruz y Montoya"
TAGS = [f"a-tag-that-is-rather-long-{n:02}-{RUN}" for n in range(30)]


def long_ticket(stack: Stack) -> str:
    with stack.api() as api:
        body = {
            "subject": f"Fits {RUN}", "body": "Word " * 80, "tags": TAGS, "requester": {"email": f"fits-{RUN}@example.org", "name": NAME},
        }  # fmt: skip
        ticket = api.post("/tickets", json=body).raise_for_status().json()
        all_know(api)
        for n in range(4):
            api.post(f"/tickets/{ticket['id']}/notes", json={"body": f"{n} " + "word " * 60}).raise_for_status()
        all_know(api)
    number: str = ticket["number"]
    return number


async def inside(one: Locator, of: Locator) -> bool:
    inner, outer = await one.bounding_box(), await of.bounding_box()
    assert inner is not None
    assert outer is not None
    return outer["x"] <= inner["x"] and inner["x"] + inner["width"] <= outer["x"] + outer["width"] + 0.5


async def test_beside_a_list_everything_is_in_its_place(people: People, stack: Stack) -> None:
    number = long_ticket(stack)
    jane = await people.sign_in("jane", viewport={"width": 1280, "height": 860})
    await jane.goto(f"/tickets/{number}?list=tab%3Dopen")
    facts = jane.locator(".facts-col")
    await expect(facts.locator(".badge.tag")).to_have_count(len(TAGS))
    for tag in (facts.locator(".badge.tag").first, facts.locator(".badge.tag").last):
        assert await inside(tag, facts)
    assert await inside(jane.locator(".composer .tab.reply kbd"), jane.locator(".composer .tab.reply"))
    await jane.keyboard.press("v")
    entry = jane.locator("#live-overview li").last
    await expect(entry).to_be_visible()
    assert await inside(entry, jane.locator("body"))
    assert await inside(entry.locator("time"), jane.locator("#live-overview"))
    await picture(jane, "fits")


async def test_a_phone_has_each_view_on_a_line(people: People, stack: Stack) -> None:
    number = long_ticket(stack)
    jane = await people.sign_in("jane", viewport={"width": 360, "height": 740})
    await jane.goto(f"/tickets/{number}")
    views = jane.locator("article nav.views > a")
    heights = {round((await view.bounding_box() or {"height": 0})["height"]) for view in await views.all()}
    assert len(heights) == 1
    for view in await views.all():
        assert await view.evaluate("e => e.scrollHeight <= e.clientHeight + 1"), "its words are on one line"
        assert await inside(view, jane.locator("body"))


async def test_a_phone_without_scripts_has_a_menu(people: People) -> None:
    ken = await people.sign_in("ken", viewport={"width": 375, "height": 740}, java_script_enabled=False)
    await expect(ken.get_by_role("button", name="Open the menu")).to_be_hidden()
    await ken.locator("#side").get_by_role("link", name="Knowledge base").click()
    await expect(ken.locator("main h1")).to_have_text("Knowledge base")
    await picture(ken, "phone-without-scripts")
    await ken.get_by_role("button", name="Sign out").click()
    await expect(ken.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_the_columns_of_a_saved_queue_stand_below_their_names(people: People, stack: Stack) -> None:
    long_ticket(stack)
    with stack.api() as api:
        body = {
            "subject": f"Short {RUN}",
            "body": "x",
            "topic": "mail",
            "tags": [TAGS[0]],
            "requester": {"email": "c@example.org"},
        }
        api.post("/tickets", json=body).raise_for_status()
        all_know(api)
    jane = await people.sign_in("jane")
    await jane.goto(f"/queues/new?tab=all&tag={TAGS[0]}")
    await jane.get_by_label("Name").fill(f"Columns {RUN}")
    for name in ("Topic", "Channel"):
        await jane.get_by_role("checkbox", name=name, exact=True).check()
    await jane.get_by_role("button", name="Save queue").click()
    heads = jane.locator(".row-heads .cell")
    await expect(heads).to_have_text(["Topic", "Channel"])
    short = jane.locator(".ticket-row", has_text=f"Short {RUN}").locator(".more .cell")
    await expect(short).to_have_text(["Topic: E-mail", "Channel: API"])
    await expect(jane.locator(".ticket-row", has_text=f"Fits {RUN}").first.locator(".more .cell").first).to_have_text(
        "Topic: \N{EN DASH}"
    )
    for n, head in enumerate(await heads.all()):
        boxes = [await head.bounding_box()] + [
            await one.bounding_box() for one in await jane.locator(f".ticket-row .more .cell:nth-child({n + 1})").all()
        ]
        assert len({(round(box["x"]), round(box["width"])) for box in boxes if box}) == 1, "one below the other"
        assert len(boxes) >= 3
    await picture(jane, "queue-columns")
    await jane.set_viewport_size({"width": 375, "height": 740})
    await expect(heads.first).to_be_hidden()
