"""An administrator invites people, changes what they are, puts them out and takes them back."""

import asyncio
import re
from uuid import uuid4

from playwright.async_api import Page, expect

from shared.testing.wait import wait_until
from tests.browser.desk import People, Stack, picture
from tests.knowing import all_know

RUN = uuid4().hex[:6]
PHONE = {"viewport": {"width": 360, "height": 780}}
A_PASSWORD = "umbrella kettle marathon"


async def invite(page: Page, login: str, *roles: str, departments: tuple[str, ...] = ()) -> str:
    """Invite somebody; return the link that is shown."""
    await page.goto("/admin/accounts/new")
    await page.get_by_label("Login").fill(login)
    await page.get_by_label("Name", exact=True).fill(f"Person {login}")
    await page.get_by_label("E-mail address").fill(f"{login}@accounts.example")
    for role in roles:
        await page.get_by_label(role, exact=True).check()
    for key in departments:
        await page.locator(f"[name=departments][value={key}]").check()
    await page.get_by_role("button", name="Invite").click()
    link = page.locator(".outcome code")
    await expect(link).to_contain_text(f"{page.url.partition('/admin')[0]}/set-password?token=")
    return await link.inner_text()


async def follow(page: Page, link: str) -> None:
    await page.goto(link)
    await page.get_by_label("New password").fill(A_PASSWORD)
    await page.get_by_label("The same again").fill(A_PASSWORD)
    await page.get_by_role("button", name="Set it and sign in").click()
    await page.wait_for_url("**/queue")


async def sign_in(page: Page, login: str) -> None:
    await page.goto("/sign-in")
    await page.get_by_label("Login or e-mail address").fill(login)
    await page.get_by_label("Password").fill(A_PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


async def test_an_agent_is_invited_put_out_and_taken_back(people: People, stack: Stack) -> None:
    people.expected += ["401", "410"]
    ada, nora = await people.sign_in("ada", **PHONE), await people.page()
    login = f"nora-{RUN}"
    first = await invite(ada, login, "Agent", departments=("support",))
    await picture(ada, "admin-account-phone")
    assert await ada.evaluate("document.documentElement.scrollWidth <= innerWidth")
    address = ada.url
    await ada.get_by_role("button", name="New one-time link").click()
    await expect(ada.locator(".outcome code")).not_to_have_text(first)
    second = await ada.locator(".outcome code").inner_text()
    await nora.goto(first)
    await expect(nora.get_by_label("New password")).to_have_count(0)
    await follow(nora, second)
    with stack.api() as api:
        wait_until(lambda: login in api.get("/agents").text, message="routing's agent")
    await ada.goto("/admin/accounts")
    await ada.get_by_role("link", name=f"Person {login}").click()
    await expect(ada.get_by_role("link", name="Departments, skills and shifts")).to_be_visible()
    address = ada.url
    await ada.get_by_label("May sign in").uncheck()
    await ada.get_by_role("button", name="Save").click()
    await expect(ada.get_by_text("Saved. It holds")).to_be_visible()
    await expect(ada.get_by_label("May sign in")).not_to_be_checked()

    def gone() -> bool:
        with stack.api() as api:
            rows = [r for r in api.get("/internal/routing/entries").text.splitlines() if login in r]
            return any('"active":false' in row for row in rows)

    await asyncio.to_thread(wait_until, gone, message="routing gives her nothing more")
    await sign_in(nora, login)
    await expect(nora.locator(".problem")).to_contain_text("do not go together")
    await ada.goto(address)
    await ada.get_by_label("May sign in").check()
    await ada.get_by_role("button", name="Save").click()
    await expect(ada.get_by_text("Saved. It holds")).to_be_visible()
    await expect(ada.locator("table.figures tbody tr")).to_have_count(3)
    await expect(ada.locator("table.figures tbody tr").first).to_contain_text("Ada Min")
    with stack.api() as api:
        await asyncio.to_thread(all_know, api)
    await sign_in(nora, login)
    await nora.wait_for_url("**/queue")
    await ada.get_by_label("May sign in").uncheck()  # else she gets the others' tickets from now on
    await ada.get_by_role("button", name="Save").click()
    await expect(ada.get_by_label("May sign in")).not_to_be_checked()


async def test_roles_change_and_hold_at_once(people: People) -> None:
    people.expected.append("403")
    ada, rita = await people.sign_in("ada"), await people.page()
    await follow(rita, await invite(ada, f"rita-{RUN}", "Requester"))
    await rita.goto("/reports")
    await expect(rita.locator("main")).not_to_contain_text("Backlog")
    await ada.goto("/admin/accounts")
    await ada.get_by_role("link", name=f"Person rita-{RUN}").click()
    await ada.get_by_label("Analyst", exact=True).check()
    await ada.get_by_role("button", name="Save").click()
    await expect(ada.get_by_text("Saved. It holds")).to_be_visible()
    async with asyncio.timeout(10):  # what a service remembers of a session is a second old at most
        while not (await rita.request.get("/reports")).ok:
            await asyncio.sleep(0.1)
    await rita.goto("/reports")
    await expect(rita.locator("main")).to_contain_text("Backlog")


async def test_what_is_wrong_is_named_and_what_was_written_stays(people: People) -> None:
    people.expected += ["422", "412"]
    ada = await people.sign_in("ada", java_script_enabled=False)
    await ada.goto("/admin/accounts/new")
    await ada.get_by_label("Login").fill("john")
    await ada.get_by_label("Name", exact=True).fill("Another John")
    await ada.get_by_label("E-mail address").fill(f"another-{RUN}@accounts.example")
    await ada.get_by_role("button", name="Invite").click()
    await expect(ada.locator(".field-error")).to_contain_text(["Choose one at least."])
    await ada.get_by_label("Requester", exact=True).check()
    await ada.get_by_role("button", name="Invite").click()
    await expect(ada.locator(".field-error")).to_contain_text("Somebody has an account with this already")
    await expect(ada.get_by_label("Name", exact=True)).to_have_value("Another John")
    await expect(ada.get_by_label("Requester", exact=True)).to_be_checked()
    await ada.goto("/admin/accounts")
    await ada.locator("main").get_by_role("link", name="Ada Min").click()
    await ada.get_by_label("Administrator", exact=True).uncheck()
    await ada.get_by_label("Analyst", exact=True).check()
    await ada.get_by_role("button", name="Save").click()
    await expect(ada.locator(".field-error")).to_contain_text("another administrator must take this from you")
    other = await people.sign_in("ada")
    await other.goto(ada.url)
    await ada.goto(ada.url)
    await other.get_by_label("Name", exact=True).fill("Ada Min")
    for page, name in ((other, "Ada M."), (ada, "A. Min")):
        await page.get_by_label("Name", exact=True).fill(name)
        await page.get_by_role("button", name="Save").click()
    await expect(ada.get_by_role("alert")).to_contain_text("Somebody else has changed it")
    await other.get_by_label("Name", exact=True).fill("Ada Min")
    await other.get_by_role("button", name="Save").click()
    await expect(other.get_by_role("heading", level=1)).to_have_text("Ada Min")


async def test_nobody_else_comes_in(people: People, stack: Stack) -> None:
    people.expected.append("403")
    john = await people.sign_in("john")
    with stack.api() as api:
        ada = next(one for one in api.get("/accounts").json()["items"] if one["login"] == "ada")
    for path in ("/admin/accounts/new", f"/admin/accounts/{ada['person_id']}"):
        await john.goto(path)
        await expect(john.locator("main")).to_contain_text("This is for administrators")
    await john.goto("/queue")
    csrf = await john.locator("[name=csrf]").first.input_value()
    answer = await john.request.post(
        "/admin/accounts/new",
        form={
            "csrf": csrf,
            "login": "mallory",
            "name": "M",
            "email": f"m-{RUN}@accounts.example",
            "roles": "administrator",
        },
    )
    assert answer.status == 403
    assert re.search("This is for administrators", await answer.text())
