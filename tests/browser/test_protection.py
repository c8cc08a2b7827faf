"""What must not be possible through the pages."""

import asyncio
import re
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.desk import PASSWORD, TOKEN, People, Stack, open_ticket, write

INJECTED = "main img, main script, main :is(svg, a, p, h1)[onload], main [onerror], main svg:not(.icon)"


async def test_what_people_write_is_text_and_nothing_else(people: People) -> None:
    ken, jane = await people.sign_in("ken"), await people.sign_in("jane")
    attack = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>{{ 7 * 7 }}"
    number = await open_ticket(ken, f"A {attack}", f"B {attack}\n</textarea><svg onload=alert(1)>", topic="mail")
    await jane.goto(f"/tickets/{number}")
    await write(jane, "note", f"C {attack}")
    await expect(jane.locator(".card-entry.note .words")).to_have_text(f"C {attack}")
    await expect(jane.locator("#live-head h1")).to_have_text(f"A {attack}")
    assert await jane.locator(INJECTED).count() == 0
    await jane.goto(f"/queue?tab=all&q={number}")
    await expect(jane.locator(".ticket-row .subject")).to_have_text(f"A {attack}")
    assert await jane.locator(INJECTED).count() == 0
    for page in (ken, jane):
        assert await page.title() != "owned"


async def test_sign_in_leads_back_to_where_one_was_and_nowhere_else(people: People) -> None:
    ken = await people.sign_in("ken")
    number = await open_ticket(ken, "A ticket to come back to")
    await ken.context.clear_cookies(name="ledgerdesk_session")
    await ken.goto(f"/tickets/{number}")
    await expect(ken.get_by_role("button", name="Sign in")).to_be_visible()
    await ken.get_by_label("Login or e-mail address").fill("ken@example.org")
    await ken.get_by_label("Password").fill(PASSWORD)
    await ken.get_by_role("button", name="Sign in").click()
    await ken.wait_for_url(f"**/tickets/{number}")
    await ken.get_by_role("button", name="Sign out").click()
    await ken.wait_for_url("**/sign-in")
    for elsewhere in (
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/sign-out",
    ):
        await ken.goto("/sign-in?next=" + elsewhere)
        assert await ken.locator("form[action='/sign-in'] [name=next]").input_value() == "/queue"


async def test_sent_twice_it_is_one_ticket(people: People, stack: Stack) -> None:
    ken = await people.sign_in("ken")
    subject = f"Twice {uuid4().hex[:8]}"
    await ken.goto("/tickets/new")
    await ken.get_by_label("Subject").fill(subject)
    await ken.get_by_label("What happened").fill("Once.")
    # Past the script, which holds a second click back: the same form, sent three times at once.
    places = await ken.evaluate(
        """async () => {
            const form = new URLSearchParams(new FormData(document.querySelector("form[action='/tickets/new']")));
            const send = () => fetch("/tickets/new", {method: "POST", body: form});
            return (await Promise.all([send(), send(), send()])).map((answer) => answer.url);
        }"""
    )
    assert len(set(places)) == 1
    await ken.get_by_role("button", name="Open ticket").dblclick()
    await expect(ken.locator("#live-head h1")).to_have_text(subject)
    with stack.api() as api:
        found = (await asyncio.to_thread(api.get, "/tickets", params={"q": subject})).json()["items"]
    assert len(found) == 1


@pytest.fixture
def signed_in(stack: Stack) -> Iterator[httpx.Client]:
    """Ken's session, without a browser, and a ticket of his."""
    with httpx.Client(base_url=stack.url, trust_env=False, timeout=30) as client:
        page = client.get("/sign-in")
        csrf = TOKEN.search(page.text)[1]
        answer = client.post("/sign-in", data={"csrf": csrf, "login": "ken", "password": PASSWORD})
        assert answer.status_code == 303
        yield client


def csrf_of(client: httpx.Client) -> str:
    return TOKEN.search(client.get("/tickets/new").text)[1]


NEW = {"subject": "Forged", "body": "Forged"}


def test_a_form_without_its_token_is_refused(signed_in: httpx.Client) -> None:
    for token in ({}, {"csrf": ""}, {"csrf": "0" * 64}):
        answer = signed_in.post("/tickets/new", data={**NEW, **token})
        assert answer.status_code == 403
        assert "Forged" in answer.text  # what was typed is not lost


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_from_elsewhere_is_refused_even_with_the_token(signed_in: httpx.Client, headers: dict[str, str]) -> None:
    for path in ("/tickets/new", "/sign-in", "/sign-out"):
        answer = signed_in.post(path, data={**NEW, "csrf": csrf_of(signed_in)}, headers=headers)
        assert answer.status_code == 403
        assert "Forged" not in answer.text


def test_every_page_is_protected(signed_in: httpx.Client) -> None:
    for path in ("/queue", "/tickets/new", "/tickets/none", "/reports", "/sign-in", "/static/none/none"):
        headers = signed_in.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"


def test_the_session_cookie_is_not_for_scripts(signed_in: httpx.Client) -> None:
    csrf = TOKEN.search(signed_in.get("/sign-in").text)[1]
    answer = signed_in.post("/sign-in", data={"csrf": csrf, "login": "ken", "password": PASSWORD})
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("ledgerdesk_session="))
    assert "httponly" in cookie.lower()
    assert "samesite=lax" in cookie.lower()


def test_own_files_are_kept_by_browsers(signed_in: httpx.Client) -> None:
    address = re.search(r'href="(/static/\w+/app\.css)"', signed_in.get("/queue").text)[1]
    answer = signed_in.get(address)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    again = signed_in.get("/static/other/app.css", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_a_requester_finds_only_what_is_his(stack: Stack, signed_in: httpx.Client) -> None:
    with stack.api() as api:
        body = {"subject": "Somebody else's", "body": "Private.", "requester": {"email": "eve@example.org"}}
        number = api.post("/tickets", json=body).json()["number"]
    assert signed_in.get(f"/tickets/{number}").status_code == 404
    assert "Somebody else" not in signed_in.get("/queue?tab=all").text
    assert signed_in.get("/reports").status_code == 403
