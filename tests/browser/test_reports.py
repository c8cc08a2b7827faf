"""Every report of the catalogue: chart and table, filters in the address, from a figure to what it counts, the same as CSV."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from playwright.async_api import Locator, Page, expect

from shared.testing.wait import wait_until
from tests.browser.desk import People, Stack, picture

REPORTS = ("volumes", "activities", "moves", "durations", "backlog", "agents", "reopens")
CHARTED = frozenset({"volumes", "backlog"})
"""Reports whose rows have a time; the others' rows have bars beside them."""
FROM, TO = "2019-03-01", "2019-06-01"
"""When what these tests count happened: nothing else on the stack ever did."""
ASKED = f"from={FROM}&to={TO}"


class History:
    """Tickets of three months of a log: what reports say of them is the same whenever they are asked."""

    def __init__(self, agent: str) -> None:
        self.agent = agent
        self.log = f"log-{uuid4().hex[:6]}"
        self.facts: dict[str, list[dict[str, Any]]] = {"intake": [], "routing": [], "workflow": []}
        self._row = 0
        self._at = datetime.fromisoformat(f"{FROM}T09:00:00+00:00")

    def happened(self, owner: str, ticket: str, name: str, days: int = 0, personal: Any = None, **data: Any) -> None:
        self._row += 1
        self._at += timedelta(days=days, minutes=1)
        origin = {"log": self.log, "case": ticket, "row": self._row, "activity": name, "actor": self.agent}
        self.facts[owner].append(
            {
                "id": str(uuid4()), "stream_id": ticket, "type": f"ledgerdesk.ticket.{name}", "occurred_at": self._at.isoformat(),
                "actor": {"kind": "system", "id": "import"}, "data": {**data, "origin": origin}, "personal": personal,
            }
        )  # fmt: skip

    def ticket(self, number: int, *, closed: bool, reopened: bool, priority: str) -> None:
        ticket = str(uuid4())
        why = {"by": "import", "reason": "the log says so"}
        words = {
            "subject": f"Counted {self.log} {number}",
            "body": "Long ago.",
            "requester": {"email": "old@log.example"},
        }
        self.happened(
            "intake", ticket, "created", 9, words, number=f"{self.log}-{number}", person_id=str(uuid4()), channel="import",
            department="support", priority=priority,
        )  # fmt: skip
        self.happened(
            "routing",
            ticket,
            "assigned",
            0,
            agent=self.agent,
            team=None,
            previous={"agent": None, "team": None},
            why=why,
        )
        self.happened("workflow", ticket, "started")
        self.happened("workflow", ticket, "resolved", 1)
        if reopened:
            self.happened("workflow", ticket, "reopened", 1, previous="resolved")
            self.happened("workflow", ticket, "resolved", 1)
        if closed:
            self.happened("workflow", ticket, "closed", 3)


@pytest.fixture(scope="module")
def history(stack: Stack) -> Iterator[History]:
    with stack.api() as api:
        accounts = api.get("/accounts").raise_for_status().json()["items"]
        told = History(next(one["person_id"] for one in accounts if one["login"] == "john"))
        for number, (closed, reopened, priority) in enumerate(
            [(True, False, "normal"), (True, True, "high"), (False, True, "high"), (False, False, "low")]
        ):
            told.ticket(number, closed=closed, reopened=reopened, priority=priority)
        for owner, facts in told.facts.items():
            answer = (
                api.post(f"/internal/{owner}/facts", json={"log": told.log, "facts": facts}).raise_for_status().json()
            )
            assert answer["refused"] == [], answer
        wanted = sum(map(len, told.facts.values()))

        def counted() -> bool:
            rows = api.get("/reports/moves", params={"from": FROM, "to": TO}).json()["rows"]
            return sum(row["count"] for row in rows) == wanted

        wait_until(counted, message="the reports")
        wait_until(lambda: len(api.get("/tickets", params={"q": told.log}).json()["items"]) == 4, message="the list")
        yield told


async def table(page: Page) -> list[list[str]]:
    """Return the figures as the page shows them, row by row."""
    rows: list[list[str]] = await page.locator("table.figures tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.querySelectorAll('td:not(.bar-cell):not(.drill)')].map(cell => cell.textContent.trim()))"
    )
    return rows


def question(address: str) -> dict[str, str]:
    """Return what an address asks of a report."""
    return {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}


async def counted(page: Page) -> int:
    """Count what the list of a figure shows, on all its pages."""
    found = 0
    while True:
        found += await page.locator("table.counted tbody tr").count()
        older = page.get_by_role("link", name="Older")
        if not await older.count():
            return found
        await older.click()


async def leads_to_what_it_counts(page: Page, link: Locator) -> None:
    """Follow a figure; the list says, and shows, exactly as many."""
    shown = int((await link.inner_text()).replace(",", ""))
    await link.click()
    await page.wait_for_url("**/counted?**")
    await expect(page.locator("#counted")).to_have_attribute("data-count", str(shown))
    assert await counted(page) == shown


async def same_as_csv(page: Page) -> None:
    """Export the report that is shown; the file has its figures."""
    rows = await table(page)
    async with page.expect_download() as download:
        await page.get_by_role("link", name="CSV", exact=True).click()
    exported = list(csv.reader(io.StringIO((await (await download.value).path()).read_text())))
    assert len(exported) == 1 + len(rows)
    figures = [i for i, column in enumerate(exported[0]) if column in WHOLE]
    assert figures
    shown = [[int(row[i].replace(",", "")) for i in figures] for row in rows]
    assert [[int(line[i]) for i in figures] for line in exported[1:]] == shown


async def leads_to_the_ticket_as_it_was(ana: Page) -> None:
    """Go from an event that a figure counts to its ticket at that moment; what is measured is measured on tickets as they are."""
    when = ana.get_by_title("The ticket as it was then")
    of_events = "What happened" in await ana.locator("table.counted thead").inner_text()
    assert bool(await when.count()) == of_events
    if of_events:
        said = await when.first.inner_text()
        await when.first.click()
        await expect(ana.locator(".past")).to_contain_text(f"As it was {said}")


@pytest.mark.parametrize("name", REPORTS)
async def test_a_report_of_the_catalogue(people: People, history: History, name: str) -> None:
    ana = await people.sign_in("ana")
    await ana.goto("/reports")
    card = ana.locator(f"a[href='/reports/{name}']").first
    title = await card.inner_text()
    await card.click()
    await expect(ana.get_by_role("heading", level=1)).to_have_text(title)
    await ana.get_by_label("From").fill(FROM)
    await ana.wait_for_url(f"**from={FROM}*")
    await ana.get_by_label("To, exclusive").fill(TO)
    await ana.wait_for_url(f"**from={FROM}&to={TO}*")
    await expect(ana.locator("table.figures tbody tr").first).to_be_visible()
    if name in CHARTED:
        await expect(ana.locator(".plot .u-over")).to_be_visible()
    else:
        await expect(ana.locator("td.bar-cell rect").first).to_be_attached()
    await picture(ana, f"report-{name}-figures")

    # what is chosen is kept in the address: the page that it names is the same page
    await ana.locator(".report-filters select[name=department]").select_option("support")
    await ana.wait_for_url("**department=support*")
    await ana.get_by_role("checkbox", name="Priority").check()
    await ana.wait_for_url("**group_by=priority*")
    await expect(ana.locator("table.figures thead")).to_contain_text("Priority")
    again = await ana.context.new_page()
    await again.goto(ana.url)
    await expect(again.locator(".report-filters select[name=department]")).to_have_value("support")
    await expect(again.get_by_role("checkbox", name="Priority")).to_be_checked()
    assert await table(again) == await table(ana)
    asked = question(ana.url)
    assert asked == {"from": FROM, "to": TO, "department": "support", "group_by": "priority"}

    await same_as_csv(ana)

    # from every figure of a row to what it counts, and to the ticket
    links = ana.locator("table.figures tbody tr", has=ana.locator("a.figure-link")).first.locator("a.figure-link")
    address = ana.url
    for place in range(await links.count()):
        if re.fullmatch(r"[\d,]+", await links.nth(place).inner_text()):
            await leads_to_what_it_counts(ana, links.nth(place))
            await ana.goto(address)
    await links.first.click()
    await expect(ana.locator("table.counted tbody tr").first).to_contain_text(f"Counted {history.log}")
    await picture(ana, f"report-{name}-counted")
    await ana.get_by_role("link", name=title).click()
    await ana.wait_for_url(lambda url: "/counted" not in url)
    assert question(ana.url) == asked, "and back to the report as it was asked"
    await links.first.click()
    await ana.wait_for_url("**/counted?**")
    address = ana.url
    await ana.locator("table.counted a").first.click()
    await expect(ana.locator("#live-head h1")).to_contain_text(f"Counted {history.log}")
    await ana.goto(address)
    await leads_to_the_ticket_as_it_was(ana)


WHOLE = frozenset(
    {
        "count",
        "rows",
        "cases",
        "open",
        "unresolved",
        "on_hold",
        "created",
        "resolved",
        "closed",
        "acts",
        "assigned",
        "transitions",
    }
)


async def test_a_median_leads_to_what_it_is_computed_from(people: People, history: History) -> None:
    del history
    ana = await people.sign_in("ana")
    await ana.goto(f"/reports/durations?{ASKED}")
    row = ana.locator("table.figures tbody tr", has_text="First event to first closed")
    count, median = (row.locator("a.figure-link").nth(place) for place in (0, 2))
    assert await count.inner_text() == "2"
    said = await median.inner_text()
    await median.click()
    await expect(ana.locator("#counted")).to_have_attribute("data-count", "2")
    await expect(ana.locator("table.counted")).to_contain_text(" d")
    assert " d" in said


async def test_a_point_of_the_backlogs_line_leads_to_the_tickets_of_that_instant(
    people: People, history: History
) -> None:
    del history
    ana = await people.sign_in("ana")
    await ana.goto(f"/reports/backlog?{ASKED}")
    shown = await ana.locator("table.figures tbody tr").last.locator("a.figure-link").first.inner_text()
    over = ana.locator(".plot .u-over")
    await expect(over).to_be_visible()
    box = await over.bounding_box()
    assert box is not None
    place = (box["x"] + box["width"] - 3, box["y"] + box["height"] / 2)
    await ana.mouse.move(*place)
    await ana.mouse.click(*place)
    await ana.wait_for_url("**/reports/backlog/counted?**figure=open**")
    await expect(ana.locator("#counted")).to_have_attribute("data-count", shown)


@pytest.mark.parametrize("name", REPORTS)
async def test_a_report_in_which_nothing_happened_says_so(people: People, name: str) -> None:
    ana = await people.sign_in("ana")
    await ana.goto(f"/reports/{name}?from=2001-01-01&to=2001-02-01")
    if name in {"durations", "reopens"}:  # their rows are always there
        await expect(ana.locator("table.figures")).to_be_visible()
        await expect(ana.locator("a.figure-link")).to_have_count(0)
    else:
        await expect(ana.locator(".empty")).to_contain_text("Nothing to count")


async def test_who_sees_a_part_of_the_tickets_is_told_why_there_is_no_list(people: People, stack: Stack) -> None:
    del stack
    people.expected += ["403", "422"]
    ken, ana = await people.sign_in("ken"), await people.sign_in("ana")
    answer = await ken.goto('/reports/moves/counted?figure=count&row={"kind":"created"}')
    assert answer is not None
    assert answer.status == 403
    answer = await ana.goto("/reports/moves/counted?figure=colour&row={}")
    assert answer is not None
    assert answer.status == 422
    await expect(ana.locator("main")).to_contain_text("row")
