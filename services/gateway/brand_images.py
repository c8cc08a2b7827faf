"""Images of a desk's brand: taken as data URLs, known by their bytes, and kept by content beside the attachments."""

import base64
import binascii
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, get_args

from shared.contracts.branding import BrandMedia
from shared.files import Files

MOST_IMAGE = 256 * 1024
PART = "gateway"
"""Of the files' directory: whose they are. Nothing is taken away from it: a desk's past looks as it did."""
ICON_SIZES = range(192, 1025)

Kind = Literal["logo", "icon"]
_DATA_URL = re.compile(r"data:[a-z+/.-]{0,60};base64,([A-Za-z0-9+/=\s]+)")
_PNG = b"\x89PNG\r\n\x1a\n"
_SVG = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<svg[\s>]", re.DOTALL)
"""A comment ends at its first end, and nowhere else: otherwise many of them take for ever."""
_ACTIVE = re.compile(rb"<!(doctype|entity)|<script|<foreignobject|<iframe|\son[a-z]+\s*=|javascript:", re.IGNORECASE)


class ImageError(ValueError):
    """It is no image that can be shown; the message says what it must be."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image's bytes, and what they are."""

    content: bytes
    media_type: BrandMedia


def media_type_of(content: bytes) -> BrandMedia | None:
    """Return what an image is by its bytes; None, if it is none that we show."""
    if content.startswith(_PNG):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return "image/svg+xml" if _SVG.match(content) else None


def image_of(data_url: str, kind: Kind) -> Image:
    """Return the image that a data URL holds. Pure.

    Raises:
        ImageError: It is none, too large, or no icon.
    """
    found = _DATA_URL.fullmatch(data_url.strip())
    try:
        content = base64.b64decode(found[1], validate=False) if found else b""
    except binascii.Error:
        content = b""
    if not content:
        raise ImageError("must be a data URL: data:image/png;base64,…")
    if len(content) > MOST_IMAGE:
        raise ImageError(f"must be at most {MOST_IMAGE // 1024} KiB: make the image smaller")
    media_type = media_type_of(content)
    if media_type is None:
        raise ImageError(f"must be one of {', '.join(get_args(BrandMedia))}, by its bytes")
    if media_type == "image/svg+xml" and _ACTIVE.search(content):
        raise ImageError("must be a plain drawing: no scripts, no document type, nothing embedded")
    if kind == "icon" and _side(content) not in ICON_SIZES:
        raise ImageError(f"must be a square PNG of {ICON_SIZES.start} to {ICON_SIZES.stop - 1} pixels")
    return Image(content, media_type)


def _side(content: bytes) -> int:
    """Return the side of a square PNG in pixels; 0 of anything else, an oblong one, too."""
    if not content.startswith(_PNG) or content[12:16] != b"IHDR":
        return 0
    width, height = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    return width if width == height else 0


async def kept(files: Files, image: Image) -> dict[str, object]:
    """Keep an image, and return what an event says of it."""

    async def whole() -> AsyncIterator[bytes]:
        yield image.content

    stored = await files.receive(whole())
    await files.claim(PART, stored.sha256)
    return {
        "sha256": stored.sha256, "size": stored.size, "media_type": image.media_type, "side": _side(image.content) or None,
    }  # fmt: skip


def read(files: Files, sha256: str) -> Image | None:
    """Return a kept image; None, if there is no such. Blocks for the disk."""
    try:
        content = files.path(PART, sha256).read_bytes()
    except (ValueError, OSError):
        return None
    media_type = media_type_of(content)
    return Image(content, media_type) if media_type else None
