"""Signing in, in a browser: invited, with codes, with another provider; and what one sees of one's sessions."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pyotp
import pytest
from playwright.async_api import Page, expect

from ledgerdesk import organisation
from ledgerdesk.client import Stack as StackAt
from ledgerdesk.organisation import OrganisationFile
from shared.testing.wait import wait_until
from tests.browser.desk import PASSWORD, ROOT, People, Stack, picture

NEW_PASSWORD = "orbit-lantern-cobalt-41"


async def account(stack: Stack, password: str | None = PASSWORD) -> str:
    """Make an account, and return its login."""
    login = f"sam-{uuid4().hex[:6]}"
    person = {
        "email": f"{login}@example.org",
        "login": login,
        "name": "Sam Sample",
        "roles": ["agent"],
        "password": password,
    }
    file = OrganisationFile.model_validate({"people": [person]})
    await asyncio.to_thread(organisation.apply, StackAt(stack.url, stack.admin_key), file)
    return login


async def type_sign_in(page: Page, login: str, password: str) -> None:
    await page.goto("/sign-in")
    await page.get_by_label("Login or e-mail address").fill(login)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def test_invited_by_a_link_that_is_good_once(people: People, stack: Stack) -> None:
    people.expected += ["status of 410", "status of 422"]  # pages that say what is wrong
    login = await account(stack, None)
    with stack.api() as api:
        link = (await asyncio.to_thread(api.post, f"/accounts/{login}/links")).json()["url"]
    page = await people.page()
    await page.goto(link)
    await page.get_by_label("New password").fill("password1")
    await page.get_by_label("The same again").fill("password1")
    await page.get_by_role("button", name="Set it and sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("too easy to guess")
    await page.get_by_label("New password").fill(NEW_PASSWORD)
    await page.get_by_label("The same again").fill(NEW_PASSWORD)
    await picture(page, "set-password")
    await page.get_by_role("button", name="Set it and sign in").click()
    await page.wait_for_url("**/queue")
    stranger = await people.page()
    await stranger.goto(link)
    await expect(stranger.get_by_role("alert")).to_contain_text("not good any more")


async def set_up_codes(page: Page) -> tuple[pyotp.TOTP, str, str]:
    """Set up one-time codes; return them, the one that was shown, and a recovery code."""
    await page.goto("/profile")
    codes = page.get_by_role("region", name="One-time codes")
    await codes.get_by_label("Current password").fill(PASSWORD)
    await codes.get_by_role("button", name="Set up codes").click()
    await expect(codes.get_by_role("img", name="QR code")).to_be_visible()
    await picture(page, "profile-codes")
    totp = pyotp.TOTP(await codes.locator("figcaption").inner_text())
    await codes.get_by_role("textbox", name="Code").fill("000000")
    await codes.get_by_role("button", name="Confirm").click()
    await expect(codes.get_by_role("alert")).to_contain_text("not the one")
    await codes.get_by_role("textbox", name="Code").fill(used := totp.now())
    await codes.get_by_role("button", name="Confirm").click()
    await expect(codes.locator(".recovery-codes li")).to_have_count(10)
    recovery = await codes.locator(".recovery-codes li").first.inner_text()
    await picture(page, "profile")
    return totp, used, recovery


async def test_with_codes_and_the_other_sessions_ended(people: People, stack: Stack) -> None:
    people.expected += ["status of 401", "status of 422"]  # pages that say what is wrong
    login = await account(stack)
    page = await people.page()
    await type_sign_in(page, login, PASSWORD)
    await page.wait_for_url("**/queue")
    totp, used, recovery = await set_up_codes(page)
    other = await people.page()
    await type_sign_in(other, login, PASSWORD)
    await expect(other.get_by_role("heading", name="Your code")).to_be_visible()
    await other.get_by_label("Code").fill(used)
    await other.get_by_role("button", name="Go on").click()
    await expect(other.get_by_role("alert")).to_contain_text("was used already")
    await other.get_by_label("Code").fill(totp.at(datetime.now(UTC) + timedelta(seconds=30)))
    await picture(other, "sign-in-code")
    await other.get_by_role("button", name="Go on").click()
    await other.wait_for_url("**/queue")
    third = await people.page()
    await type_sign_in(third, login, PASSWORD)
    await third.get_by_label("Code").fill(recovery.upper())
    await third.get_by_role("button", name="Go on").click()
    await third.wait_for_url("**/queue")

    await page.goto("/profile")
    sessions = page.get_by_role("region", name="Where you are signed in")
    await expect(sessions.locator("tbody tr")).to_have_count(3)
    await expect(sessions).to_contain_text("password and code")
    await expect(sessions).to_contain_text("Chrome on Linux")
    await sessions.get_by_role("button", name="Sign out everywhere else").click()
    await expect(sessions.locator("tbody tr")).to_have_count(1)
    await asyncio.to_thread(_ended, stack, other_token=await _token(other))
    await other.goto("/queue")
    await expect(other.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    await page.goto("/profile")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sam Sample")


async def _token(page: Page) -> str:
    return next(c["value"] for c in await page.context.cookies() if c["name"] == "ledgerdesk_session")


def _ended(stack: Stack, other_token: str) -> None:
    headers = {"Authorization": f"Bearer {other_token}"}
    with httpx.Client(base_url=f"{stack.url}/api/v1", headers=headers, trust_env=False, timeout=30) as client:
        wait_until(lambda: client.get("/me").status_code == 401, timeout=10, message="the end of the session")


@pytest.fixture
def provider(stack: Stack) -> Iterator[str]:
    """Start the provider that the stack knows, and return its address."""
    if not stack.oidc_port:
        pytest.skip("the stack that LEDGERDESK_URL names knows no provider of ours")
    url = f"http://127.0.0.1:{stack.oidc_port}"
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "oidc_provider.py"), str(stack.oidc_port)], stderr=subprocess.DEVNULL
    )

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/jwks", trust_env=False).is_success
        except httpx.HTTPError:
            return False

    try:
        wait_until(answers, timeout=60, message="the provider")
        yield url
    finally:
        process.terminate()
        process.wait(30)


async def test_with_another_provider_and_back_to_where_one_was(people: People, stack: Stack, provider: str) -> None:
    people.expected += ["ERR_NAME_NOT_RESOLVED", "status of 404"]  # its own page asks for what is not there
    login = await account(stack)
    claims = {"email": f"{login}@example.org", "email_verified": True}
    await asyncio.to_thread(
        lambda: httpx.put(f"{provider}/users/{login}", json=claims, trust_env=False).raise_for_status()
    )
    page = await people.page()
    await page.goto("/tickets/new")
    await page.wait_for_url("**/sign-in?**")
    await picture(page, "sign-in-providers")
    await page.get_by_role("link", name="Sign in with Corp").click()
    await page.wait_for_url(re.compile(re.escape(provider)))
    await page.locator("input[name=sub]").fill(login)
    await page.locator("input[name=sub]").press("Enter")
    await page.wait_for_url("**/tickets/new")
    await page.goto("/profile")
    await expect(page.get_by_role("region", name="Where you are signed in")).to_contain_text("Corp")
