"""The desk's brand, as every page shows it: name, logo, colours, words at the door. Its addresses change with what they hold.

It is read from the gateway's own copy of the directory, once a second at most, and stands in a context variable while a page is made.
"""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
import structlog
from fastapi import APIRouter, FastAPI, Path, Request, Response
from starlette.datastructures import MutableHeaders

from services.gateway import brand_images
from services.gateway.domain import colours
from services.gateway.pages.assets import static_url
from services.gateway.pages.security import protect
from shared.http.problems import Problem

router = APIRouter()

PRODUCT = "Ledgerdesk"
REMEMBERED = 1.0
"""Seconds for which a brand is not looked up again."""
FOR_EVER = "public, max-age=31536000, immutable"
OF_AN_IMAGE = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""An image that is opened by itself runs nothing and loads nothing, also if it is a drawing (SVG)."""
THEME = "#4f55c4"

log = structlog.get_logger("brand")


@dataclass(frozen=True, slots=True)
class Brand:
    """What pages show of the desk itself.

    Attributes:
        name: Of the desk.
        logo, icon: Addresses of images; empty where the product's own sign stands.
        css: The address of the style sheet with the desk's colours; empty, if it has none.
        manifest: The address of what a browser installs the desk by.
        support: Words on the sign-in page.
        links: In the footers: label and address.
    """

    name: str = PRODUCT
    logo: str = ""
    icon: str = ""
    css: str = ""
    accent: str = ""
    support: str = ""
    links: Sequence[tuple[str, str]] = ()
    icon_side: int = 0

    @property
    def manifest(self) -> str:
        """Return the address of the manifest, by what stands in it."""
        return f"/brand/{_digest(self.name + self.accent + self.icon)}/app.webmanifest"

    @property
    def theme(self) -> str:
        """Return the colour of the window that an installed desk has."""
        return colours.tones(self.accent)["light"]["primary"] if self.accent else THEME


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def brand_of(entry: dict[str, Any] | None) -> Brand:
    """Return the brand that a configured entry says. Pure."""
    if entry is None:
        return Brand()
    logo, icon, accent = entry.get("logo"), entry.get("icon"), entry.get("accent") or ""
    return Brand(
        name=entry["name"], logo=f"/brand/{logo['sha256']}/logo" if logo else "", icon=f"/brand/{icon['sha256']}/icon" if icon else "",
        css=f"/brand/{_digest(colours.style_sheet(accent))}/brand.css" if accent else "", accent=accent, support=entry.get("support") or "",
        links=[(link["label"], link["url"]) for link in entry.get("links", [])], icon_side=icon.get("side") or 0 if icon else 0,
    )  # fmt: skip


_BRAND: ContextVar[Brand] = ContextVar("brand", default=Brand())  # noqa: B039 -- frozen


def brand() -> Brand:
    """Return the brand of the page that is being made."""
    return _BRAND.get()


async def look_up(app: FastAPI) -> Brand:
    """Return the brand, and have the page that is being made show it. Where it cannot be had just now, what was known stays."""
    known: tuple[float, Brand] = getattr(app.state, "brand", (0.0, Brand()))
    if time.monotonic() - known[0] > REMEMBERED:
        try:
            found = await app.state.services["gateway"].directory.entry("branding", "desk")
            known = (time.monotonic(), brand_of(found))
            app.state.brand = known
        except Exception as error:
            await log.awarning("brand not known", error=type(error).__name__)
    _BRAND.set(known[1])
    return known[1]


def manifest_of(now: Brand) -> bytes:
    """Return what a browser installs the desk by. Pure but for the addresses of our own files."""
    if now.icon:
        icons = [{"src": now.icon, "sizes": f"{now.icon_side}x{now.icon_side}", "type": "image/png", "purpose": "any"}]
    else:
        icons = [
            {"src": static_url(f"icon-{side}.png"), "sizes": f"{side}x{side}", "type": "image/png", "purpose": "any"}
            for side in (192, 512)
        ]
        mask = static_url("icon-maskable-512.png")
        icons.append({"src": mask, "sizes": "512x512", "type": "image/png", "purpose": "maskable"})
    said = {
        "id": "/", "name": now.name, "short_name": now.name[:30], "start_url": "/", "scope": "/", "display": "standalone",
        "background_color": "#fbfbfc", "theme_color": now.theme, "icons": icons,
    }  # fmt: skip
    return orjson.dumps(said)


def _answer(content: bytes | str, media_type: str, *, lasting: bool, policy: str | None = None) -> Response:
    response = Response(
        content, media_type=media_type, headers={"Cache-Control": FOR_EVER if lasting else "public, max-age=60"}
    )
    protect(MutableHeaders(raw=response.raw_headers))
    if policy is not None:
        response.headers["Content-Security-Policy"] = policy
    return response


@router.get("/brand/{digest}/{name}")
async def show(
    digest: Annotated[str, Path(max_length=64)], name: Annotated[str, Path(max_length=30)], request: Request
) -> Response:
    """Return a part of the brand: its colours, its manifest, an image.

    Raises:
        Problem: 404, there is no such part.
    """
    now = await look_up(request.app)
    if name == "brand.css" and now.accent:
        return _answer(
            colours.style_sheet(now.accent), "text/css; charset=utf-8", lasting=now.css.split("/")[2] == digest
        )
    if name == "app.webmanifest":
        return _answer(manifest_of(now), "application/manifest+json", lasting=now.manifest.split("/")[2] == digest)
    if name in {"logo", "icon"}:
        files = request.app.state.services["gateway"].components.files
        image = await asyncio.to_thread(brand_images.read, files, digest)
        if image is not None:
            return _answer(image.content, image.media_type, lasting=True, policy=OF_AN_IMAGE)
    raise Problem(404, "There is no such part of the desk's brand.")
