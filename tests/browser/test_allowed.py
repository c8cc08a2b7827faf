"""A ticket's page offers what the desk's lifecycle and permissions leave, and calls the state by its name."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from playwright.async_api import expect

from tests.browser.desk import ROOT, People, Stack


def _apply(stack: Stack, folder: Path, lifecycle: object) -> None:
    path = folder / "lifecycle.yaml"
    path.write_text(yaml.safe_dump({"lifecycle": lifecycle}))
    env = {**os.environ, "LEDGERDESK_URL": stack.url, "LEDGERDESK_ADMIN_API_KEY": stack.admin_key}
    subprocess.run(
        [sys.executable, "-m", "ledgerdesk.cli", "org", "apply", str(path)], cwd=ROOT, env=env, check=True, timeout=60
    )


@pytest.fixture
def parts(stack: Stack, tmp_path: Path) -> Iterator[None]:
    """Tickets on hold may wait for parts, and only leads resolve."""
    _apply(
        stack, tmp_path,
        {
            "states": [{"key": "parts", "name": "Waits for parts", "status": "on_hold", "public": True}],
            "moves": [{"verb": "resolve", "by": ["lead"]}],
        },
    )  # fmt: skip
    yield
    _apply(stack, tmp_path, {"states": [], "moves": []})


@pytest.mark.usefixtures("parts")
async def test_only_what_is_left_is_offered(people: People, stack: Stack) -> None:
    with stack.api() as api:
        body = {"subject": f"Left {uuid4().hex[:6]}", "body": "x", "requester": {"email": "left@example.org"}}
        number = api.post("/tickets", json=body).raise_for_status().json()["number"]
    with stack.api("jane") as jane_api:
        jane_api.post(f"/tickets/{number}/hold", json={"state": "parts"}).raise_for_status()
    jane, lea = await people.sign_in("jane"), await people.sign_in("lea")
    for page in (jane, lea):
        await page.goto(f"/tickets/{number}")
        await expect(page.locator("#live-head .badges")).to_contain_text("Waits for parts")
    await expect(lea.locator("#live-head [data-palette='Resolve']")).to_have_count(1)
    await expect(jane.locator("#live-head [data-palette='Resume']")).to_have_count(1)
    await expect(jane.locator("#live-head [data-palette='Resolve']")).to_have_count(0)
