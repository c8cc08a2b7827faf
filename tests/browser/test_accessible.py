"""WCAG 2.2 AA: axe-core finds nothing on any page, light or dark, wide or on a phone."""

import pytest
from playwright.async_api import Page, expect

from shared.testing.wait import wait_until
from tests.browser.desk import ROOT, People, Stack, begin, by_telephone, open_ticket
from tests.browser.test_article_files import png

AXE = ROOT / "tests" / "browser" / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = {
    "ken": ["/queue", "/queue?tab=all", "/tickets/new", "/tickets/new?topic=hardware"],
    "john": [
        "/queue",
        "/queues",
        "/queues/new",
        "/queue?tab=closed",
        "/queue?tab=all&q=nothing-of-that-name",
        "/inbox",
        "/tickets/new",
        "/kb",
        "/kb/new",
    ],
    "ana": [
        "/queue",
        "/reports",
        "/reports/volumes",
        "/reports/agents",
        "/dashboards",
        "/reports/backlog?group_by=department",
        '/reports/moves/counted?figure=count&row={"kind":"created"}',
        '/reports/durations/counted?figure=median&row={"name":"case_duration"}',
    ],
    "ada": [
        "/admin",
        "/admin/keys",
        "/admin/accounts",
        "/admin/accounts/new",
        "/admin/organisation/rule",
        "/admin/organisation/team",
        "/admin/organisation/rule/new",
        "/admin/organisation/rule/entry/outage-is-urgent",
        "/admin/organisation/field/new",
        "/admin/organisation/role/new",
        "/admin/organisation/agent/new",
        "/admin/organisation/sla_plan/new",
        "/admin/organisation/calendar/new",
        "/admin/form?topic=hardware",
        "/admin/audit",
        "/admin/dead-letters",
        "/admin/organisation/lifecycle",
        "/admin/organisation/branding",
        "/admin/parked",
        "/admin/organisation/branding/new",
        "/welcome/desk",
    ],
}


def article_with_a_picture(stack: Stack) -> str:
    with stack.api("john") as api:
        upload = api.post("/attachments", content=png(), headers={"Content-Type": "application/octet-stream"}).json()[
            "upload"
        ]
        said = {
            "title": "Pictured",
            "body": "![A square](attachment:a.png)",
            "attachments": [{"upload": upload, "name": "a.png"}],
        }
        article: str = api.post("/articles", json=said).raise_for_status().json()["id"]
        wait_until(lambda: api.get(f"/articles/{article}").is_success, message="the article")
    return article


def held_by_nobody(stack: Stack, number: str) -> None:
    """Whoever routing chose, at whatever hour this runs, lets the ticket go: a row without anybody is looked at too."""
    with stack.api() as api:
        wait_until(lambda: "assignee" in api.get(f"/tickets/{number}").json(), message="the ticket is to be read")
        if api.get(f"/tickets/{number}").json()["assignee"]:
            api.post(f"/tickets/{number}/release", json={}).raise_for_status()
        wait_until(lambda: not api.get(f"/tickets/{number}").json()["assignee"], message="nobody has it")


async def findings(page: Page, where: str) -> list[str]:
    """Return what axe finds. Colours are judged at rest: animations are off (reduced motion)."""
    await page.wait_for_load_state("networkidle") if "sign-in" in page.url else await page.wait_for_load_state()
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    return [
        f"{where}: {v['id']}: {node['html'][:120]}: {node['failureSummary'][:200]}"
        for v in found["violations"]
        for node in v["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(people: People, stack: Stack, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not here: `make browser` fetches it")
    options = {"color_scheme": scheme, "reduced_motion": "reduce"}
    found = []
    guest = await people.page(**options)
    await guest.goto("/sign-in")
    found += await findings(guest, "/sign-in")
    await guest.goto("/guest-ask")
    found += await findings(guest, "/guest-ask")
    ken = await people.sign_in("ken", **options)
    number = await open_ticket(ken, "Read aloud", "To be read by everybody.", topic="mail")
    found += await findings(ken, "requester's ticket")
    for login, paths in PAGES.items():
        page = await people.sign_in(login, **options)
        for path in paths:
            await page.goto(path)
            found += await findings(page, f"{login} {path}")
    jane = await people.sign_in("jane", **options)
    for path in (f"/tickets/{number}", f"/tickets/{number}?list=tab%3Dmine", f"/tickets/{number}/assign"):
        await jane.goto(path)
        found += await findings(jane, path)
    article = article_with_a_picture(stack)
    for path in (f"/kb/{article}", f"/kb/{article}/edit", f"/kb/{article}/versions"):
        await jane.goto(path)
        found += await findings(jane, path)
    await jane.goto(f"/tickets/{number}")
    guests, rung = by_telephone(stack, "Rung up")
    await jane.goto(f"/tickets/{rung}")
    await jane.get_by_role("button", name="Make a link").click()
    made = jane.get_by_label("Shown this once")
    await made.wait_for()
    found += await findings(jane, "a link is made")
    await guest.goto(await made.input_value())
    found += await findings(guest, f"/guest/{guests}")
    held_by_nobody(stack, rung)
    await jane.goto("/queue?tab=all")
    await expect(jane.locator(f".ticket-row[data-number='{rung}'] .nobody")).to_be_visible()
    found += await findings(jane, "a row that nobody has")
    await jane.goto(f"/tickets/{rung}/help")
    found += await findings(jane, "what helps, as a page")
    await jane.goto(f"/tickets/{number}")
    for key in ("r", "n", "?"):
        await jane.keyboard.press(key)
        found += await findings(jane, f"after {key}")
        await jane.keyboard.press("Escape")
    await begin(jane, "Assign")
    found += await findings(jane, "the dialog")
    await jane.set_viewport_size({"width": 375, "height": 800})
    for path in ("/queue", f"/tickets/{number}", "/tickets/new"):
        await jane.goto(path)
        found += await findings(jane, f"phone {path}")
    assert found == []
