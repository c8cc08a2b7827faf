"""An administrator finds what is parked, tries again once the cause is gone, or gives it up with a reason; everybody agrees on it."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from playwright.async_api import Locator, Page, expect

from shared.contracts.topic_names import TICKETS
from shared.testing.wait import wait_until
from tests.browser.desk import ROOT, People, Stack, picture

RUN = uuid4().hex[:6]
PHONE = {"viewport": {"width": 360, "height": 780}}


@asynccontextmanager
async def poison(stack: Stack, tag: str) -> AsyncIterator[None]:
    """While this lasts, workflow's table takes no ticket with this tag: events that put it on are parked."""
    if stack.data is None:
        pytest.skip("the stack is not ours: its database is not to be touched")
    dsn = json.loads((stack.data / "run" / "environment.json").read_text())["DATABASE_URL"]
    connection = await asyncpg.connect(dsn)
    name = f"poison_{tag.replace('-', '_')}"
    try:
        await connection.execute(
            f"ALTER TABLE workflow.ticket ADD CONSTRAINT {name} CHECK (tags::text NOT LIKE '%{tag}%')"
        )
        yield
    finally:
        await connection.execute(f"ALTER TABLE workflow.ticket DROP CONSTRAINT {name}")
        await connection.close()


def command(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ledgerdesk.cli", *arguments, "--data", str(stack.data)], cwd=ROOT, capture_output=True, text=True,
        check=False, timeout=180, env={k: v for k, v in os.environ.items() if k != "DATABASE_URL"},
    )  # fmt: skip


def poisoned_ticket(stack: Stack, tag: str) -> str:
    """Open a ticket, put the tag on it, and write a note that waits behind that; return its number once all is parked."""
    with stack.api("ken") as ken, stack.api("john") as john, stack.api() as admin:
        made = ken.post("/tickets", json={"subject": f"Parked {tag}", "body": "<b>Bold</b>", "topic": "mail"}).json()
        path = f"/tickets/{made['number']}"
        wait_until(lambda: admin.get(path).json().get("assignee"), message="the ticket, given to somebody")
        john.post(f"{path}/tags", json={"add": [tag]}).raise_for_status()
        john.post(f"{path}/notes", json={"body": f"<script>behind {tag}</script>"}).raise_for_status()

        def parked() -> bool:
            answer = admin.get("/internal/workflow/parked", params={"stream": made["id"]}).raise_for_status()
            return len(answer.json()["parked"]) >= 2

        wait_until(parked, timeout=30, message="the parked events")
        return str(made["number"])


def section_of(page: Page, number: str) -> Locator:
    return page.locator("section.parked", has=page.get_by_role("heading", name=f"Ticket {number}"))


async def test_what_is_parked_shows_and_heals_once_the_cause_is_gone(people: People, stack: Stack) -> None:
    tag = f"heals-{RUN}"
    ada = await people.sign_in("ada")
    async with poison(stack, tag):
        number = await asyncio.to_thread(poisoned_ticket, stack, tag)
        await ada.goto("/admin")
        await ada.get_by_role("link", name="See what and why").click()
        section = section_of(ada, number)
        await expect(section).to_contain_text("CheckViolationError")
        await expect(section).to_contain_text("Ticket: tagged")
        tagged, noted = (
            section.locator(".parked-events > li", has_text=name) for name in ("Ticket: tagged", "Ticket: noted")
        )
        await expect(noted).to_contain_text("waits behind an earlier one")
        await tagged.locator("summary").click()
        await expect(tagged.locator(".parked-event")).to_contain_text(f'"{tag}"')
        await noted.locator("summary").click()
        await expect(noted.locator(".parked-event")).to_contain_text(f"<script>behind {tag}</script>")
        await picture(ada, "admin-parked")
        await section.get_by_role("button", name="Retry").click()
        await expect(ada.get_by_text("0 healed")).to_be_visible()
        await expect(section_of(ada, number)).to_be_visible()
    await section_of(ada, number).get_by_role("button", name="Retry").click()
    await expect(ada.get_by_text(re.compile("[2-4] healed, 0 to be reacted to again, 0 left."))).to_be_visible()
    await expect(section_of(ada, number)).to_have_count(0)
    await ada.goto(f"/tickets/{number}")
    await expect(ada.locator("main")).to_contain_text(f"behind {tag}")
    verdict = await asyncio.to_thread(command, stack, "verify")
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


async def test_what_is_discarded_is_gone_for_ever_with_who_and_why(people: People, stack: Stack) -> None:
    people.expected.append("422")
    tag = f"goes-{RUN}"
    ada = await people.sign_in("ada", **PHONE)
    async with poison(stack, tag):
        number = await asyncio.to_thread(poisoned_ticket, stack, tag)
        await ada.goto("/admin/parked")
        assert await ada.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await section_of(ada, number).get_by_role("link", name="Discard").click()
        await expect(ada.get_by_role("heading", level=1)).to_contain_text(f"Ticket {number}")
        at_fault, waiting = (ada.get_by_label(re.compile(f"Discard Ticket: {name}")) for name in ("tagged", "noted"))
        await expect(at_fault).to_be_checked()
        await expect(waiting).not_to_be_checked()
        await at_fault.uncheck()
        await ada.get_by_label("Why").fill("A test of what is given up")
        await ada.get_by_role("button", name="Discard for ever").click()
        await expect(ada.locator(".field-error")).to_contain_text("Tick what is to be discarded")
        await expect(ada.get_by_label("Why")).to_have_value("A test of what is given up")
        await at_fault.check()
        await ada.get_by_role("button", name="Discard for ever").click()
        await ada.wait_for_url(re.compile("/admin/parked$"))
        await expect(ada.get_by_text(re.compile("Discarded in 1 view. [1-3] folded behind it."))).to_be_visible()
    await expect(section_of(ada, number)).to_have_count(0)
    row = ada.locator("tr", has_text="A test of what is given up")
    await expect(row).to_contain_text("Ada Min")
    await expect(row).to_contain_text("CheckViolationError")
    await picture(ada, "admin-parked-discarded-phone")
    await ada.goto(f"/tickets/{number}")
    await expect(ada.locator("main")).to_contain_text(f"behind {tag}")
    verdict, doctor, listed = await asyncio.gather(
        *(asyncio.to_thread(command, stack, *words) for words in (["verify"], ["doctor"], ["parked", "discarded"]))
    )
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    assert "A test of what is given up" in verdict.stdout + verdict.stderr
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    assert "A test of what is given up" in listed.stdout


@asynccontextmanager
async def unstartable(stack: Stack, ticket: str) -> AsyncIterator[None]:
    """While this lasts, workflow cannot write that the ticket is started: its reaction to an agent's first act fails."""
    if stack.data is None:
        pytest.skip("the stack is not ours: its database is not to be touched")
    dsn = json.loads((stack.data / "run" / "environment.json").read_text())["DATABASE_URL"]
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            f"ALTER TABLE workflow.event ADD CONSTRAINT unstartable CHECK (stream_id <> '{ticket}' OR type <> 'ledgerdesk.ticket.started') NOT VALID"
        )
        yield
    finally:
        await connection.execute("ALTER TABLE workflow.event DROP CONSTRAINT unstartable")
        await connection.close()


def handed_over(stack: Stack, ticket: str) -> None:
    """Have somebody give the ticket to another, and wait until the reaction to it is parked."""
    with stack.api("john") as john, stack.api() as admin:
        wait_until(
            lambda: admin.get(f"/tickets/{ticket}").json().get("assignee"), message="the ticket, given to somebody"
        )
        has = admin.get(f"/tickets/{ticket}").json()["assignee"]["login"]
        john.post(f"/tickets/{ticket}/assign", json={"agent": "jane" if has == "john" else "john"}).raise_for_status()

        def parked() -> bool:
            answer = admin.get("/internal/workflow/parked", params={"stream": ticket}).raise_for_status()
            return [one["view"] for one in answer.json()["parked"]] == ["reaction"]

        wait_until(parked, timeout=60, message="the parked reaction")


def parked_reactions(doctor: subprocess.CompletedProcess[str]) -> dict[str, int]:
    found = json.loads(doctor.stdout)["projections"]
    return {one["name"]: one["parked_reactions"] for one in found}


async def test_a_reaction_that_fails_is_counted_where_health_is_looked_at(people: People, stack: Stack) -> None:
    ada = await people.sign_in("ada")
    with stack.api("ken") as ken:
        made = ken.post("/tickets", json={"subject": f"Undone {RUN}", "body": "x", "topic": "mail"}).json()
    async with unstartable(stack, made["id"]):
        await asyncio.to_thread(handed_over, stack, made["id"])
        await ada.goto("/admin")
        await expect(ada.locator(".page-head")).to_contain_text("Needs attention")
        row = ada.locator("tr", has_text="workflow.views")
        await expect(row).to_contain_text("parked or missing")
        await picture(ada, "admin-health-parked-reaction")
        doctor = await asyncio.to_thread(command, stack, "doctor", "--json")
        assert doctor.returncode == 1, doctor.stdout
        assert {name: n for name, n in parked_reactions(doctor).items() if n} == {"workflow.views": 1}
        shown = await asyncio.to_thread(command, stack, "doctor")
        assert "ledgerdesk parked list" in shown.stdout
        await row.get_by_role("link", name="1", exact=True).click()
        section = section_of(ada, made["number"])
        await expect(section).to_contain_text("Workflow: reaction")
        await expect(section).to_contain_text("CheckViolation")
    await section.get_by_role("button", name="Retry").click()
    await expect(ada.get_by_text("0 healed, 1 to be reacted to again, 0 left.")).to_be_visible()
    with stack.api() as api:
        wait_until(lambda: api.get(f"/tickets/{made['id']}").json()["status"] == "open", message="what was to be done")
    await ada.goto("/admin")
    await expect(ada.locator("tr", has_text="workflow.views")).not_to_contain_text("parked or missing")
    doctor = await asyncio.to_thread(command, stack, "doctor", "--json")
    assert doctor.returncode == 0, doctor.stdout
    assert not any(parked_reactions(doctor).values())


async def test_nobody_else_sees_or_changes_it(people: People) -> None:
    people.expected.append("403")
    john = await people.sign_in("john")
    for path in ("/admin/parked", f"/admin/parked/{uuid4()}/discard"):
        await john.goto(path)
        await expect(john.locator("main")).to_contain_text("This is for administrators")


async def test_what_heals_meanwhile_is_not_given_up(people: People) -> None:
    people.expected.append("404")
    ada = await people.sign_in("ada")
    await ada.goto(f"/admin/parked/{uuid4()}/discard")
    await expect(ada.locator("main")).to_contain_text("Nothing of it is parked any more")


async def test_a_record_that_is_no_event_can_be_read_whatever_it_is(people: People, stack: Stack) -> None:
    if stack.data is None:
        pytest.skip("the stack is not ours: nothing is written to its topics")
    known = json.loads((stack.data / "run" / "environment.json").read_text())
    producer = AIOKafkaProducer(bootstrap_servers=known["KAFKA_BOOTSTRAP_SERVERS"])
    await producer.start()
    try:
        for value in (f"<b>no JSON {RUN}</b>".encode(), b"\x00\xffbinary " + RUN.encode()):
            await producer.send_and_wait(TICKETS, value, key=RUN.encode(), partition=0)
    finally:
        await producer.stop()
    ada = await people.sign_in("ada")
    async with asyncio.timeout(30):
        while True:
            await ada.goto("/admin/dead-letters")
            if await ada.locator("section.parked", has_text=RUN).count() >= 2:
                break
    await expect(ada.locator("pre", has_text=f"<b>no JSON {RUN}</b>")).to_be_visible()
    await expect(ada.locator("pre", has_text="00 ff 62 69 6e 61 72 79")).to_contain_text("..binary")
    await picture(ada, "admin-dead-letters")
