"""Saved queues in a browser: a filtered list is saved, counted live, shared, moved, changed and removed."""

from uuid import uuid4

from playwright.async_api import expect

from tests.browser.desk import People, Stack, picture, row


async def test_a_view_is_saved_and_counts_live(people: People, stack: Stack) -> None:
    tag = f"pr-{uuid4().hex[:6]}"
    john = await people.sign_in("john")
    await john.goto("/queue?tab=open&priority=high")
    await john.get_by_role("link", name="Save this view").click()
    await expect(john.get_by_role("heading", name="New queue")).to_be_visible()
    await expect(john.get_by_role("checkbox", name="High", exact=True)).to_be_checked()
    await expect(john.get_by_role("checkbox", name="On hold", exact=True)).to_be_checked()
    await john.get_by_label("Name").fill(f"Urgent {tag}")
    await john.get_by_label("Tag").fill(tag)
    await john.get_by_role("checkbox", name="Channel", exact=True).check()
    await picture(john, "queue-form")
    await john.get_by_role("button", name="Save queue").click()
    await expect(john.get_by_role("heading", name=f"Urgent {tag}")).to_be_visible()
    await expect(john.locator(".list")).to_contain_text("Nothing in this queue")

    item = john.locator("#nav").get_by_role("link", name=f"Urgent {tag}")
    with stack.api() as api:
        for n in range(2):
            body = {
                "subject": f"{tag} {n}",
                "body": "x",
                "priority": "high",
                "tags": [tag],
                "requester": {"email": "q@example.org"},
            }
            assert api.post("/tickets", json=body).status_code == 201
    await expect(item.locator(".count")).to_have_text("2")  # without a reload
    await expect(row(john, f"{tag} 0")).to_contain_text("API")
    await picture(john, "queue-saved")

    jane = await people.sign_in("jane")
    await expect(jane.locator("#nav").get_by_role("link", name=f"Urgent {tag}")).to_have_count(0)
    await john.goto("/queues")
    await john.get_by_role("link", name=f"Change Urgent {tag}").click()
    await john.get_by_label("Who has it").select_option("desk")
    await john.get_by_role("button", name="Save queue").click()
    await expect(john.get_by_role("heading", name=f"Urgent {tag}")).to_be_visible()
    await jane.goto("/queue")
    await jane.locator("#nav").get_by_role("link", name=f"Urgent {tag}").click()
    await expect(row(jane, f"{tag} 1")).to_be_visible()

    await john.goto("/queues")
    await picture(john, "queues")
    await john.get_by_role("button", name=f"Remove Urgent {tag}").click()
    await expect(john.locator("main")).not_to_contain_text(tag)
    people.expected.append("404")  # a list that is gone says so
    await jane.reload()
    await expect(jane.locator("main")).to_contain_text("gone")


async def test_refused_and_ordered_without_script(people: People) -> None:
    run = uuid4().hex[:6]
    people.expected.append("422")  # a form that is refused
    lea = await people.sign_in("lea", java_script_enabled=False)
    for name in ("One", "Two"):
        await lea.goto("/queues/new?tab=mine")
        await lea.get_by_label("Name").fill(f"{name} {run}")
        await lea.get_by_label("Created from").fill("yesterday")
        await lea.get_by_role("button", name="Save queue").click()
        await expect(lea.get_by_role("alert")).to_contain_text("created_from")
        await expect(lea.get_by_label("Name")).to_have_value(f"{name} {run}")
        await lea.get_by_label("Created from").fill("2026-01-01")
        await lea.get_by_role("button", name="Save queue").click()
        await expect(lea.get_by_role("heading", name=f"{name} {run}")).to_be_visible()
    ours = lea.locator("#nav .side-item", has_text=run)
    await expect(ours).to_contain_text([f"One {run}", f"Two {run}"])  # and how many there are
    await lea.goto("/queues")
    await lea.get_by_role("button", name=f"Move Two {run} up").click()
    await expect(ours).to_contain_text([f"Two {run}", f"One {run}"])


async def test_the_teams_queue_is_there(people: People) -> None:
    jane = await people.sign_in("jane")
    await jane.get_by_role("link", name="My teams").click()
    await expect(jane.get_by_role("heading", name="My teams")).to_be_visible()
