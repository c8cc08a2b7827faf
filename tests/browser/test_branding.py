"""A desk with a name, a logo and a colour of its own, in light and dark, before and after signing in; and installed."""

import re
import struct
import zlib
from uuid import uuid4

from playwright.async_api import Page, expect

from tests.browser.desk import People, picture

RUN = uuid4().hex[:6]
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><rect width="40" height="20" fill="#0a7f5a"/></svg>'
EVIL = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def png(side: int) -> bytes:
    """A green square."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = (b"\x00" + b"\x0a\x7f\x5a" * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


async def form(page: Page) -> None:
    """Open the form of the brand, whether there is one yet or not."""
    await page.goto("/admin/organisation/branding")
    link = page.locator("table.figures td a")
    await (link if await link.count() else page.get_by_role("link", name="New branding")).click()
    await expect(page.locator("[name='e.name']")).to_be_visible()


async def save(page: Page) -> None:
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url(re.compile("/admin/organisation/branding$"))


async def until_titled(page: Page, path: str, name: str) -> None:
    """Open a page until it bears the desk's name: a process asks for it once a second."""
    for _ in range(40):
        await page.goto(path)
        if (await page.title()).endswith(f"· {name}"):
            return
        await page.wait_for_timeout(100)
    await expect(page).to_have_title(re.compile(f"· {name}$"))


async def brand_it(ada: Page, name: str) -> None:
    """Give the desk a brand; what is no address and no drawing is refused, and what was written stays."""
    await form(ada)
    await ada.locator("[name='e.name']").fill(name)
    await ada.locator("[name='e.accent']").fill("#FFE066")
    await ada.locator("[name='e.support']").fill("Call 4711, or see https://corp.example/help")
    await ada.locator("[name='e.links.0.label']").fill("Imprint")
    await ada.locator("[name='e.links.0.url']").fill("javascript:alert(1)")
    await ada.locator("[name='e.logo']").set_input_files({"name": "logo.svg", "mimeType": "image/png", "buffer": SVG})
    await ada.get_by_role("button", name="Save").click()
    await expect(ada.get_by_role("alert")).to_contain_text("links.0.url")
    await ada.locator("[name='e.links.0.url']").fill("https://corp.example/imprint")
    await ada.locator("[name='e.logo']").set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": EVIL})
    await ada.get_by_role("button", name="Save").click()
    await expect(ada.locator(".field-error")).to_contain_text("plain drawing")
    await ada.locator("[name='e.logo']").set_input_files({"name": "logo.svg", "mimeType": "image/png", "buffer": SVG})
    await ada.locator("[name='e.icon']").set_input_files({"name": "i.png", "mimeType": "image/png", "buffer": png(256)})
    await save(ada)


async def test_a_brand_shows_on_every_page_and_goes_again(people: People) -> None:
    people.expected.append("422")
    name = f"Corp Help {RUN}"
    ada, guest = await people.sign_in("ada"), await people.page(color_scheme="dark")
    await brand_it(ada, name)
    await until_titled(guest, "/sign-in", name)
    await expect(guest.locator(".brand")).to_contain_text(name)
    await expect(guest.locator(".brand-support")).to_contain_text("Call 4711")
    await expect(guest.get_by_role("link", name="https://corp.example/help")).to_be_visible()
    await expect(guest.get_by_role("link", name="Imprint")).to_have_attribute("href", "https://corp.example/imprint")
    logo = guest.locator(".brand img")
    assert await logo.evaluate("e => e.complete && e.naturalWidth > 0"), "the logo is shown"
    address = await logo.get_attribute("src") or ""
    answer = await guest.request.get(address)
    headers = answer.headers
    assert (headers["content-type"], headers["x-content-type-options"]) == ("image/svg+xml", "nosniff")
    assert headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert "immutable" in headers["cache-control"]
    button = guest.get_by_role("button", name="Sign in", exact=True)
    colour = await button.evaluate("e => getComputedStyle(e).backgroundColor")
    assert colour not in {"rgb(255, 224, 102)", ""}, "white words on yellow could not be read"
    await picture(guest, "branding-sign-in-dark")
    ken = await people.sign_in("ken", viewport={"width": 360, "height": 780})
    await expect(ken).to_have_title(re.compile(f"· {name}$"))
    assert await ken.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await picture(ken, "branding-portal-phone")
    assert "style=" not in await (await ken.request.get("/queue")).text(), "no inline styles"

    await form(ada)
    await expect(ada.locator(".image-now")).to_have_count(2)
    await picture(ada, "admin-branding")
    await ada.locator("[name='e.logo.remove']").check()
    await ada.locator("[name='e.icon.remove']").check()
    for field in ("accent", "support", "links.0.label", "links.0.url"):
        await ada.locator(f"[name='e.{field}']").fill("")
    await ada.locator("[name='e.name']").fill("Ledgerdesk")
    await save(ada)
    await until_titled(guest, "/sign-in", "Ledgerdesk")
    await expect(guest.locator(".brand-support")).to_have_count(0)
    assert (await guest.request.get(address)).ok, "a past logo can still be looked at"
    await form(ada)
    await expect(ada.locator("table.figures tbody")).to_contain_text(name)
    for path in ("/brand/0123/logo", "/brand/0123/brand.css", "/brand/../brand/x/nothing"):
        assert (await guest.request.get(path)).status == 404


async def test_the_desk_can_be_installed(people: People) -> None:
    page = await people.page()
    await page.goto("/sign-in")
    session = await page.context.new_cdp_session(page)
    await session.send("Page.enable")
    found = await session.send("Page.getAppManifest")
    assert found["errors"] == []
    assert "/app.webmanifest" in found["url"]
    errors = (await session.send("Page.getInstallabilityErrors"))["installabilityErrors"]
    assert [one["errorId"] for one in errors if one["errorId"] != "in-incognito"] == []
