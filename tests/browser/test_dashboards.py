"""An analyst: from a chart to an event; and a dashboard that is made of reports, ordered, shown otherwise and shared."""

from uuid import uuid4

from playwright.async_api import expect

from shared.testing.wait import wait_until
from tests.browser.desk import People, Stack, picture

PERSON = "00000000-0000-4000-8000-00000000beef"


def history(stack: Stack) -> str:
    """Put tickets of two days in March into the ledger, as an import does; returns a word of the first one's subject."""
    log, word = f"log-{uuid4().hex[:6]}", f"antique{uuid4().hex[:6]}"
    facts = []
    for n, day in enumerate(("2026-03-02", "2026-03-03", "2026-03-03")):
        facts.append(
            {
                "id": str(uuid4()), "stream_id": str(uuid4()), "type": "ledgerdesk.ticket.created", "occurred_at": f"{day}T09:00:00Z",
                "actor": {"kind": "system", "id": "import"},
                "data": {
                    "number": f"{log}-{n}", "person_id": PERSON, "channel": "import",
                    "origin": {"log": log, "case": str(n), "row": n + 1, "activity": "Open", "actor": None},
                },
                "personal": {"subject": f"{word} {n}", "body": "Of long ago.", "requester": {"email": "old@log.example"}},
            }
        )  # fmt: skip
    with stack.api() as api:
        answer = api.post("/internal/intake/facts", json={"log": log, "facts": facts}).raise_for_status().json()
        assert answer["refused"] == [], answer
        asked = {"from": "2026-03-01", "to": "2026-03-05"}
        wait_until(lambda: len(api.get("/reports/volumes", params=asked).json()["rows"]) > 1, message="the report")
        wait_until(lambda: api.get("/tickets", params={"q": word}).json()["items"], message="the list")
    return word


async def test_from_a_chart_to_an_event(people: People, stack: Stack) -> None:
    word = history(stack)
    ana = await people.sign_in("ana")
    await ana.goto("/reports/volumes?from=2026-03-01&to=2026-03-05")
    over = ana.locator(".plot .u-over")
    await expect(over).to_be_visible()
    box = await over.bounding_box()
    assert box is not None
    await ana.mouse.move(box["x"] + 3, box["y"] + box["height"] / 2)
    await ana.mouse.click(box["x"] + 3, box["y"] + box["height"] / 2)
    await ana.wait_for_url("**/queue?**created_on=2026-03-02")
    await ana.get_by_role("link", name=f"{word} 0").first.click()
    event = ana.locator("#live-timeline li[id^='e-']").first
    await expect(event).to_contain_text("Of long ago.")
    await expect(event.locator("time")).to_have_attribute("datetime", "2026-03-02T09:00:00Z")
    await picture(ana, "chart-to-event")


async def test_a_dashboard_of_reports(people: People, stack: Stack) -> None:
    history(stack)
    name = f"Mondays {uuid4().hex[:6]}"
    ana = await people.sign_in("ana")
    await ana.goto("/reports/volumes?from=2026-03-01&to=2026-03-05")
    await ana.get_by_text("Add to a dashboard").click()
    await ana.locator(".to-dashboard select[name=dashboard]").select_option("new")
    await ana.locator(".to-dashboard input[name=name]").fill(name)
    await ana.get_by_role("button", name="Add", exact=True).click()
    await expect(ana.get_by_role("heading", name=name)).to_be_visible()
    await expect(ana.locator(".tile .plot .u-over")).to_be_visible()  # it came by itself
    await ana.goto("/reports/agents")
    await ana.get_by_text("Add to a dashboard").click()
    await ana.locator(".to-dashboard select[name=dashboard]").select_option(label=name)
    await ana.locator(".to-dashboard select[name=look]").select_option("table")
    await ana.get_by_role("button", name="Add", exact=True).click()
    tiles = ana.locator(".tile h2")
    await expect(tiles).to_have_count(2)
    second = await tiles.nth(1).inner_text()
    await ana.get_by_role("button", name=f"Move {second} up").click()
    await expect(tiles.first).to_have_text(second)
    await ana.locator(".tile").nth(1).get_by_role("button", name="as a table").click()
    await expect(ana.locator(".tile").nth(1).locator("table.figures")).to_be_visible()
    await expect(ana.locator(".tile").nth(1).get_by_role("link", name="Tickets of").first).to_be_visible()
    await ana.get_by_text("Change", exact=True).click()
    await ana.get_by_label("Name").fill(f"{name} for all")
    await ana.get_by_label("For the desk").check()
    await ana.get_by_role("button", name="Save", exact=True).click()
    await expect(ana.get_by_role("heading", name=f"{name} for all")).to_be_visible()

    john = await people.sign_in("john")
    await john.goto("/dashboards")
    await john.get_by_role("link", name=f"{name} for all").click()
    await expect(john.locator(".tile h2")).to_have_count(2)
    await expect(john.get_by_text("Change", exact=True)).to_have_count(0)
    await ana.get_by_role("button", name=f"Take {second} off").click()
    await expect(tiles).to_have_count(1)
    await picture(ana, "dashboard")
