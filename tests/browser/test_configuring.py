"""Administrators change the configuration: rules tried and saved, forms built, and nobody overwrites anybody."""

import asyncio
import re
from uuid import uuid4

from playwright.async_api import Page, expect

from shared.testing.wait import wait_until
from tests.browser.desk import People, Stack, open_ticket, picture

RUN = uuid4().hex[:6]
PHONE = {"viewport": {"width": 360, "height": 780}}


async def fill(page: Page, **values: str) -> None:
    """Fill in controls by their names in the entry; `__` stands for a dot."""
    for name, value in values.items():
        control = page.locator(f"[name='e.{name.replace('__', '.')}']")
        if await control.evaluate("e => e.tagName") == "SELECT":
            await control.select_option(value)
        else:
            await control.fill(value)


async def save(page: Page) -> None:
    await page.get_by_role("button", name="Save").click()


async def a_rule(page: Page, key: str, word: str) -> None:
    await page.goto("/admin/organisation/rule/new")
    await fill(
        page, key=key, name=f"Rule {key}", order="1", tests__0__field="subject", tests__0__op="contains", tests__0__value=word,
        actions__priority="high",
    )  # fmt: skip
    await page.get_by_label("Later rules are not asked").uncheck()


async def test_a_rule_is_tried_on_past_tickets_then_saved_and_acts_on_the_next(people: People, stack: Stack) -> None:
    ken, ada = await people.sign_in("ken"), await people.sign_in("ada")
    word, key = f"toner{RUN}", f"toner-{RUN}"
    past = await open_ticket(ken, f"No {word} left", topic="mail")
    await a_rule(ada, key, word)
    tried = ada.locator("#tried")
    await ada.get_by_role("button", name="Try").click()
    await expect(tried).to_contain_text("otherwise", timeout=60_000)  # a process of its own, on a busy machine
    await expect(tried).to_contain_text("1 of")
    await expect(ada.locator("tr", has_text=past)).to_contain_text("Priority: high")
    await picture(ada, "admin-rule-tried")
    await ada.locator("[name=to]").fill("2020-01-01")
    await ada.get_by_role("button", name="Try").click()
    await expect(tried).to_contain_text("0 of 0", timeout=60_000)
    with stack.api() as api:
        rules = [r for r in api.get("/internal/routing/entries").text.splitlines() if key in r]
        assert rules == [], "a trial saves nothing"
    await save(ada)
    await expect(ada.locator("table.figures")).to_contain_text(key)

    def acts() -> bool:
        with stack.api("ken") as api:
            made = api.post("/tickets", json={"subject": f"Again no {word}", "body": "None.", "topic": "mail"}).json()
            reading = {"Ledgerdesk-After": f"{made['id']}:intake:1"}
            path = f"/tickets/{made['number']}"
            try:
                return wait_until(lambda: api.get(path, headers=reading).json().get("priority") == "high", timeout=5)
            except TimeoutError:  # routing did not know the rule yet when this one came
                return False

    assert await asyncio.to_thread(wait_until, acts, timeout=30)


async def test_a_rule_that_cannot_hold_keeps_what_was_written_and_names_the_field(people: People) -> None:
    people.expected.append("422")
    ada = await people.sign_in("ada")
    await a_rule(ada, f"wrong-{RUN}", "x")
    await fill(ada, tests__0__op="matches", tests__0__value="(")
    for button in ("Try", "Save"):
        await ada.get_by_role("button", name=button).click()
        value = ada.locator("[name='e.tests.0.value']")
        await expect(value).to_have_attribute("aria-invalid", "true", timeout=60_000)
        await expect(value).to_have_value("(")
        await expect(ada.locator(".field-error")).to_contain_text("no regular expression")
        await expect(ada.locator("[name='e.name']")).to_have_value(f"Rule wrong-{RUN}")


async def test_a_stale_edit_is_refused_with_what_changed(people: People) -> None:
    people.expected.append("412")
    one, other = await people.sign_in("ada"), await people.sign_in("ada", java_script_enabled=False, **PHONE)
    key = f"stale-{RUN}"
    await one.goto("/admin/organisation/department/new")
    await fill(one, key=key, name="First", strategy="least_loaded")
    await save(one)
    await expect(one.locator("table.figures")).to_contain_text(key)
    await other.goto(f"/admin/organisation/department/entry/{key}")
    await one.goto(f"/admin/organisation/department/entry/{key}")
    await fill(one, name="Second")
    await save(one)
    await expect(one.locator("table.figures")).to_contain_text("Second")
    await fill(other, name="Third")
    await save(other)
    await expect(other.get_by_role("alert")).to_contain_text("Ada Min")
    await expect(other.get_by_role("alert")).to_contain_text("Name: First → Second")
    await expect(other.locator("[name='e.name']")).to_have_value("Third")
    await save(other)
    await expect(other.locator("table.figures")).to_contain_text("Third")
    await other.goto(f"/admin/organisation/department/entry/{key}")
    await expect(other.locator("table.figures tbody tr")).to_have_count(3)
    await one.goto("/admin/organisation/department/new")
    await fill(one, key=key, name="Fourth", strategy="least_loaded")
    await save(one)
    await expect(one.get_by_role("alert")).to_contain_text("There is one with this key already")


async def test_a_form_is_built_and_shown_as_requesters_see_it(people: People, stack: Stack) -> None:
    ada = await people.sign_in("ada", **PHONE)
    key = f"colour-{RUN}"
    await ada.goto("/admin/organisation/field/new")
    await fill(
        ada, key=key, name=f"Colour {RUN}", type="choice", choices__0__key="red", choices__0__name="Red", choices__1__key="blue",
        choices__1__name="Blue",
    )  # fmt: skip
    await ada.locator("[name='e.topics'][value=mail]").check()
    await ada.locator("[name='e.customer.required']").check()
    assert await ada.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await picture(ada, "admin-field-phone")
    await save(ada)
    await expect(ada.locator("table.figures")).to_contain_text(key)
    await ada.goto("/admin/form?topic=mail")
    field = ada.locator(f"[data-field={key}]")
    await expect(field.locator("option")).to_contain_text(["", "Red", "Blue"])
    await ada.goto("/admin/form?topic=hardware")
    await expect(field).to_have_count(0)

    def filled_in() -> bool:
        with stack.api("ken") as api:
            body = {"subject": "A colour", "body": "Which?", "topic": "mail"}
            without = api.post("/tickets", json=body)
            made = api.post("/tickets", json=body | {"fields": {key: "red"}})
            return without.status_code == 422 and made.is_success

    assert await asyncio.to_thread(wait_until, filled_in, timeout=30)
    await ada.goto(f"/admin/organisation/field/entry/{key}")  # no other test's tickets need a colour
    await ada.locator("[name='e.active']").uncheck()
    await save(ada)
    await expect(ada.locator("tr", has_text=key)).to_contain_text("inactive")


async def test_every_kind_can_be_opened_and_saved_as_it_is(people: People) -> None:
    """What a form shows is the whole entry: saved again, nothing changes."""
    ada = await people.sign_in("ada")
    for kind in (
        "rule", "field", "topic", "topic_route", "department", "team", "agent", "role", "sla_plan", "calendar", "canned_reply",
        "organisation", "category", "policy", "branding", "lifecycle",
    ):  # fmt: skip
        await ada.goto(f"/admin/organisation/{kind}/new")
        await expect(ada.get_by_role("heading", level=1)).to_contain_text("New")
        await ada.goto(f"/admin/organisation/{kind}")
        links = ada.locator("table.figures td a")
        if not await links.count():
            continue
        await links.first.click()
        await expect(ada.get_by_role("heading", name="History")).to_be_visible()
        events = await ada.locator("table.figures tbody tr").count()
        address = ada.url
        await save(ada)
        await ada.wait_for_url(re.compile(f"/admin/organisation/{kind}$"))
        await ada.goto(address)
        await expect(ada.locator("table.figures tbody tr")).to_have_count(events)


async def test_an_agent_is_taken_on_and_goes_on_vacation(people: People) -> None:
    ada = await people.sign_in("ada")
    login = f"new-{RUN}"
    await ada.goto("/admin/organisation/agent/new")
    await fill(
        ada,
        login=login,
        name="Nora New",
        email=f"{login}@ledgerdesk.example",
        sees="all",
        zone="Europe/Vienna",
        skills="mail, linux",
    )
    await ada.locator("[name='e.departments'][value=support]").check()
    await fill(ada, away__0__start="2026-12-24", away__0__end="2026-12-31")
    await save(ada)
    row = ada.locator("tr", has_text="Nora New")
    await expect(row).to_contain_text("2026-12-24")
    await row.get_by_role("link").click()
    await expect(ada.locator("[name='e.skills']")).to_have_value("mail, linux")
    await ada.locator("[name='e.active']").uncheck()  # else she gets the others' tickets from now on
    await save(ada)
    await ada.wait_for_url(re.compile("/admin/organisation/agent$"))


async def test_a_calendar_and_a_plan(people: People) -> None:
    ada = await people.sign_in("ada")
    await ada.goto("/admin/organisation/calendar/new")
    await fill(
        ada,
        key=f"office-{RUN}",
        name="Office",
        zone="Europe/Vienna",
        hours__0__start="08:00",
        hours__0__end="16:00",
        closed="2026-12-24",
    )
    await ada.locator("[name='e.hours.0.days'][value=mon]").check()
    await save(ada)
    await expect(ada.locator("tr", has_text=f"office-{RUN}")).to_contain_text("08:00")
    await ada.goto("/admin/organisation/sla_plan/new")
    await fill(ada, key=f"gold-{RUN}", name="Gold", order="99", calendar=f"office-{RUN}", targets__first_response="60")
    await ada.locator("[name='e.active']").uncheck()
    await save(ada)
    await expect(ada.locator("tr", has_text=f"gold-{RUN}")).to_contain_text("First response: 60")


async def test_who_changed_what_is_told(people: People) -> None:
    ada = await people.sign_in("ada")
    key = f"told-{RUN}"
    await ada.goto("/admin/organisation/topic/new")
    await fill(ada, key=key, name="Told")
    await save(ada)
    await expect(ada.locator("table.figures")).to_contain_text(key)
    await ada.goto("/admin/audit")
    row = ada.locator("tr", has_text=key)
    await expect(row).to_contain_text("Ada Min")
    await picture(ada, "admin-audit")
    await row.get_by_role("link", name=key).click()
    await expect(ada.get_by_role("heading", level=1)).to_have_text("Topic Told")
    await ada.goto("/admin/audit?owner=routing")
    await expect(ada.locator("tr", has_text=key)).to_have_count(0)


async def test_nobody_else_comes_in(people: People) -> None:
    people.expected.append("403")
    john = await people.sign_in("john")
    for path in (
        "/admin/organisation/rule/new",
        "/admin/organisation/rule/entry/outage-is-urgent",
        "/admin/form",
        "/admin/audit",
    ):
        await john.goto(path)
        await expect(john.locator("main")).to_contain_text("This is for administrators")


async def test_a_state_of_the_desk_s_own_and_who_may_move_into_it(people: People, stack: Stack) -> None:
    people.expected.append("422")
    ada = await people.sign_in("ada")
    await ada.goto("/admin/organisation/lifecycle")
    link = ada.locator("table.figures td a")
    await (link if await link.count() else ada.get_by_role("link", name="New lifecycle")).click()
    await expect(ada.locator("[name='e.states.0.key']")).to_be_visible()
    places = await ada.locator("[name^='e.states.'][name$='.key']").count()
    moves = await ada.locator("[name^='e.moves.'][name$='.verb']").count()
    state, move, key = f"states__{places - 1}__", f"moves__{moves - 1}__", f"parts-{RUN}"
    await fill(ada, **{f"{state}key": key, f"{state}name": "Waiting for parts", f"{state}status": "on_hold"})
    await fill(ada, **{f"{move}verb": "state", f"{move}to": key, f"{move}by": "no-such-role"})
    await save(ada)
    await expect(ada.get_by_role("alert")).to_contain_text("lifecycle.moves")
    kept = ada.locator("[name^='e.moves.'][name$='.by'][value='no-such-role']")
    await kept.fill("lead, administrator")
    await save(ada)
    await ada.wait_for_url(re.compile("/admin/organisation/lifecycle$"))

    def known(yes: bool) -> bool:
        with stack.api() as api:
            states = {one["key"]: one for one in api.get("/lifecycle").json()["states"]}
        return (key in states and states[key].get("active", True)) == yes

    await asyncio.to_thread(wait_until, lambda: known(True), timeout=30)
    await ada.locator("table.figures td a").first.click()
    await expect(ada.locator(f"[value='{key}']").first).to_be_visible()
    for kind, field in (("states", "key"), ("moves", "to")):  # taken out again: no other test's desk has it
        control = ada.locator(f"[name^='e.{kind}.'][name$='.{field}'][value='{key}']")
        name = await control.get_attribute("name") or ""
        row = name.rpartition(".")[0]
        for part in ("key", "name") if kind == "states" else ("to", "by"):
            await ada.locator(f"[name='{row}.{part}']").fill("")
        await ada.locator(f"[name='{row}.{'status' if kind == 'states' else 'verb'}']").select_option("")
    await save(ada)
    await ada.wait_for_url(re.compile("/admin/organisation/lifecycle$"))
    await asyncio.to_thread(wait_until, lambda: known(False), timeout=30)


async def test_a_form_grows_by_rows(people: People) -> None:
    people.expected.append("status of 422")
    ada, key = await people.sign_in("ada"), f"grown-{RUN}"
    await ada.goto("/admin/organisation/calendar/new")
    await fill(ada, key=key, name="Grown", hours__0__start="08:00", hours__0__end="24:00")
    await fill(ada, hours__1__start="09:00", hours__1__end="17:00")
    await save(ada)
    await expect(ada.locator(".field-error, [role=alert]").first).to_be_visible()  # no row says on which days
    hours = ada.get_by_role("group", name="Hours", exact=True)
    await hours.get_by_role("button", name="Another row").click()
    added = hours.locator("fieldset.row").last
    await expect(added.locator("input").first).to_be_focused()
    await expect(added.locator("[name='e.hours.4.start']")).to_have_value("")
    await hours.get_by_role("button", name="Another row").click()
    await expect(hours.locator("fieldset.row")).to_have_count(6)
    for row, day in (("0", "mon"), ("1", "tue"), ("5", "sat")):
        await ada.locator(f"[name='e.hours.{row}.days'][value={day}]").check()
    await fill(ada, hours__5__start="10:00", hours__5__end="12:00")
    await save(ada)
    await ada.locator("table.figures").get_by_role("link", name="Grown").click()
    await expect(ada.locator("[name='e.hours.2.start']")).to_have_value("10:00")
    await expect(ada.locator("[name='e.hours.2.days'][value=sat]")).to_be_checked()
    await expect(ada.locator("[name='e.hours.3.start']")).to_have_value("")
