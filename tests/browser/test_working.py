"""Working an open ticket on its page: its fields, the desk's own states, what was said."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from playwright.async_api import Page, expect

from shared.testing.wait import wait_until
from tests.browser.desk import ROOT, People, Stack, begin, picture

RUN = uuid4().hex[:6]
TOPIC = f"repairs-{RUN}"


def a_field(key: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"key": f"{key}-{RUN}", "name": f"{key.title()} {RUN}", "type": kind, "topics": [TOPIC], **more}


@pytest.fixture(scope="module", autouse=True)
def _topic(stack: Stack) -> None:
    """A topic with a field that closing waits for, and one that depends on another."""
    choices = [{"key": "laptop", "name": "Laptop"}, {"key": "phone", "name": "Phone"}]
    with stack.api() as api:
        body = {
            "topics": [{"key": TOPIC, "name": f"Repairs {RUN}"}],
            "fields": [
                a_field("device", "choice", order=1, choices=choices),
                a_field("imei", "text", order=2, shown_when=[{"field": f"field.device-{RUN}", "values": ["phone"]}]),
                a_field("cause", "text", order=3, required_to_close=True),
                a_field("tested", "bool", order=4),
            ],
        }  # fmt: skip
        answer = api.put("/internal/intake/organisation", json=body)
        assert answer.is_success, answer.text

    def known() -> bool:
        with stack.api("ken") as api:
            return any(t["key"] == TOPIC and len(t["fields"]) >= 4 for t in api.get("/topics").json()["items"])

    wait_until(known, timeout=30)


@pytest.fixture
def own_states(stack: Stack, tmp_path: Path) -> Iterator[None]:
    """Open tickets may be at the workshop; resolving one names how."""
    env = {**os.environ, "LEDGERDESK_URL": stack.url, "LEDGERDESK_ADMIN_API_KEY": stack.admin_key}

    def apply(lifecycle: object) -> None:
        path = tmp_path / "lifecycle.yaml"
        path.write_text(yaml.safe_dump({"lifecycle": lifecycle}))
        command = [sys.executable, "-m", "ledgerdesk.cli", "org", "apply", str(path)]
        subprocess.run(command, cwd=ROOT, env=env, check=True, timeout=60)

    states = [
        {"key": "workshop", "name": "At the workshop", "status": "open", "public": True},
        {"key": "swapped", "name": "Swapped", "status": "resolved", "public": True},
        {"key": "mended", "name": "Mended", "status": "resolved", "public": True},
    ]
    apply({"states": states, "moves": [{"verb": "resolve", "to": ["swapped", "mended"]}]})
    yield
    apply({"states": [], "moves": []})


def ticket(stack: Stack, subject: str, body: str = "It fell.", topic: str = TOPIC) -> str:
    with stack.api() as api:
        said = {"subject": f"{subject} {RUN}", "body": body, "topic": topic, "requester": {"email": "ken@example.org"}}
        number: str = api.post("/tickets", json=said).raise_for_status().json()["number"]
    return number


def held(stack: Stack, number: str) -> dict[str, Any]:
    with stack.api("jane") as api:
        items = api.get(f"/tickets/{number}/fields").raise_for_status().json()["items"]
    return {one["key"].removesuffix(f"-{RUN}"): one["value"] for one in items if one["key"].endswith(RUN)}


def control(page: Page, key: str) -> Any:
    return page.locator(f"dialog#sheet [data-field='{key}-{RUN}'] [name='fields.{key}-{RUN}']")


async def sent(page: Page) -> None:
    await page.locator("dialog#sheet button[data-send]").click()
    await expect(page.locator("dialog#sheet .sheet")).to_be_hidden()


async def test_fields_are_changed_in_the_dialog(people: People, stack: Stack) -> None:
    number = ticket(stack, "Phone")
    jane = await people.sign_in("jane")
    await jane.goto(f"/tickets/{number}")
    await jane.get_by_role("link", name="Change fields").click()
    await expect(control(jane, "imei")).to_have_count(0)
    await control(jane, "device").select_option("phone")
    await control(jane, "imei").fill("35-209900")
    await control(jane, "tested").check()
    await picture(jane, "change-fields")
    await sent(jane)
    await expect(jane.locator("dl.facts").first).to_contain_text("35-209900")
    assert await asyncio.to_thread(held, stack, number) == {
        "device": "phone", "imei": "35-209900", "cause": None, "tested": True,
    }  # fmt: skip
    await jane.get_by_role("link", name="Change fields").click()
    await expect(control(jane, "imei")).to_have_value("35-209900")
    await control(jane, "imei").fill("")
    await control(jane, "tested").uncheck()
    await sent(jane)
    await expect(jane.locator("dl.facts").first).not_to_contain_text("35-209900")
    assert await asyncio.to_thread(held, stack, number) == {
        "device": "phone", "imei": None, "cause": None, "tested": False,
    }  # fmt: skip


async def test_closing_asks_for_what_must_be_filled_in(people: People, stack: Stack) -> None:
    number = ticket(stack, "Broken")
    jane = await people.sign_in("jane")
    await jane.goto(f"/tickets/{number}")
    sheet = await begin(jane, "Resolve")
    await sheet.locator("[name=resolution]").fill("A new screen.")
    await expect(control(jane, "cause")).not_to_have_attribute("required", "")
    await sent(jane)
    await expect(jane.locator("#live-head .badge").first).to_have_text("Resolved")
    await begin(jane, "Close")
    await expect(control(jane, "cause")).to_have_attribute("required", "")
    await expect(control(jane, "device")).to_have_count(0)  # closing does not wait for that one
    await control(jane, "cause").fill("x" * 501)
    await jane.evaluate("document.querySelector('dialog#sheet form').noValidate = true")
    await control(jane, "cause").evaluate("(e) => { e.removeAttribute('maxlength'); e.value = 'x'.repeat(501); }")
    people.expected.append("422")
    await jane.locator("dialog#sheet button[data-send]").click()
    await expect(jane.locator("dialog#sheet .field-error")).to_be_visible()
    await control(jane, "cause").fill("Wear")
    await sent(jane)
    await expect(jane.locator("#live-head .badge").first).to_have_text("Closed")
    assert (await asyncio.to_thread(held, stack, number))["cause"] == "Wear"


@pytest.mark.usefixtures("own_states")
async def test_the_desks_own_states_are_moves_of_their_own(people: People, stack: Stack) -> None:
    number = ticket(stack, "Own state", topic="general")
    jane = await people.sign_in("jane")
    await jane.goto(f"/tickets/{number}")
    sheet = await begin(jane, "Change state")
    await sheet.locator("[name=state]").select_option("workshop")
    await sheet.locator("[name=message]").fill("Sent by post.")
    await sent(jane)
    await expect(jane.locator("#live-head .badges")).to_contain_text("At the workshop")
    sheet = await begin(jane, "Change state")
    await sheet.locator("[name=state]").select_option("")
    await sent(jane)
    await expect(jane.locator("#live-head .badges")).not_to_contain_text("At the workshop")
    sheet = await begin(jane, "Resolve")
    await sheet.locator("[name=resolution]").fill("Mended it.")
    assert await sheet.locator("[name=state]").evaluate("e => e.required")
    await sheet.locator("[name=state]").select_option("mended")
    await sent(jane)
    await expect(jane.locator("#live-head .badges")).to_contain_text("Mended")


async def test_what_was_said_is_corrected_and_taken_back(people: People, stack: Stack) -> None:
    number = ticket(stack, "Words", topic="general")
    with stack.api("jane") as api:
        api.post(f"/tickets/{number}/notes", json={"body": "The pasword is hunter2."}).raise_for_status()
        api.post(f"/tickets/{number}/replies", json={"body": "We looked at it."}).raise_for_status()
    jane, ken, john = await people.sign_in("jane"), await people.sign_in("ken"), await people.sign_in("john")
    for page in (jane, ken, john):
        await page.goto(f"/tickets/{number}")
        await expect(page.locator(".card-entry.reply")).to_contain_text("We looked at it.")
    await expect(john.locator(".card-entry.reply a.edit")).to_have_count(0)  # what others have said
    await expect(ken.locator(".card-entry a.edit")).to_have_count(0)
    reply, note = jane.locator(".card-entry.reply"), jane.locator(".card-entry.note")
    await reply.locator("a.edit").click()
    body = jane.locator("dialog#sheet [name=body]")
    await expect(body).to_have_value("We looked at it.")
    await body.fill("We looked into it.")
    await picture(jane, "correct")
    await sent(jane)
    for page in (jane, ken):
        await expect(page.locator(".card-entry.reply")).to_contain_text("We looked into it.")
        await expect(page.locator(".card-entry.reply")).to_contain_text("edited")
    await reply.locator("a.edit").click()
    await jane.locator("dialog#sheet details.before summary").first.click()
    await expect(jane.locator("dialog#sheet details.before blockquote")).to_have_text("We looked at it.")
    await jane.keyboard.press("Escape")
    await note.locator("a.edit").click()
    await jane.get_by_text("Take it back for ever").click()
    await jane.get_by_role("button", name="Erase these words").click()
    await expect(jane.locator("dialog#sheet .sheet")).to_be_hidden()
    await expect(jane.get_by_text("hunter2")).to_have_count(0)
    with stack.api("jane") as api:
        assert "hunter2" not in api.get(f"/tickets/{number}/timeline").text


async def test_another_may_not_correct_by_its_address(people: People, stack: Stack) -> None:
    number = ticket(stack, "Not mine", topic="general")
    with stack.api("jane") as api:
        taken = api.post(f"/tickets/{number}/notes", json={"body": "Mine alone."}).raise_for_status()
        after = {"Ledgerdesk-After": taken.headers["ledgerdesk-version"]}
        items = api.get(f"/tickets/{number}/timeline", headers=after).json()["items"]
        event = next(item["id"] for item in items if item["type"] == "noted")
    john = await people.sign_in("john")
    people.expected.append("403")
    await john.goto(f"/tickets/{number}/words/{event}")
    await john.get_by_label("What it says from now on").fill("Yours.")
    await john.get_by_role("button", name="Correct", exact=True).click()
    await expect(john.get_by_role("alert")).to_be_visible()
    with stack.api("jane") as api:
        assert "Mine alone." in api.get(f"/tickets/{number}/timeline").text
