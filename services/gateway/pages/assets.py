"""The files that browsers get: our own style and modules, and what `vendor.py` took from npm.

All of them live below one address that changes with any of them (`/static/{release}/{name}`): browsers keep them for ever, and modules
import each other by relative paths. They are compressed once. Pages are not: they hold a token beside words that others choose (BREACH).
"""

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from markupsafe import Markup

from services.gateway.pages.vendor import FILES, ICONS

FOLDER = Path(__file__).parent / "static"
THEME = FOLDER / "js" / "theme.js"
TYPES = {
    ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".woff2": "font/woff2",
    ".png": "image/png", ".webmanifest": "application/manifest+json",
}  # fmt: skip
REMEDY = "The pages' style and scripts are not installed. Run `make install` (it fetches them from the npm registry), then start again."


class AssetsMissing(Exception):  # noqa: N818 -- said to people as it is
    """What comes from npm is not there."""

    def __init__(self) -> None:
        super().__init__(REMEDY)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file, and the same compressed (None where that gains nothing)."""

    content: bytes
    media_type: str
    packed: bytes | None


def _asset(content: bytes, name: str) -> Asset:
    suffix = Path(name).suffix
    packed = gzip.compress(content, 9, mtime=0) if suffix not in {".woff2", ".png"} else None
    return Asset(content, TYPES[suffix], packed)


@lru_cache
def assets() -> dict[str, Asset]:
    """Return every file by its name. The style sheets are one file: the components', then ours, in the order of their names.

    Raises:
        AssetsMissing: npm's part is not installed.
    """
    try:
        found = {name: (FOLDER / "vendor" / name).read_bytes() for name in FILES}
    except FileNotFoundError:
        raise AssetsMissing from None
    ours = [path.read_bytes() for path in sorted((FOLDER / "css").glob("*.css"))]
    found["app.css"] = b"\n".join([found.pop("basecoat.css"), *ours])
    for path in [
        *(path for path in (FOLDER / "js").glob("*.js") if path != THEME),
        *(p for p in FOLDER.iterdir() if p.suffix in TYPES),
    ]:
        found[path.name] = path.read_bytes()
    return {name: _asset(content, name) for name, content in found.items()}


@lru_cache
def release() -> str:
    """Return what stands in the files' address."""
    digest = hashlib.sha256()
    for name, asset in sorted(assets().items()):
        digest.update(name.encode() + asset.content)
    return digest.hexdigest()[:12]


def static_url(name: str) -> str:
    """Return a file's address."""
    assert name in assets(), name  # noqa: S101 -- names stand in templates
    return f"/static/{release()}/{name}"


@lru_cache
def theme_script() -> Markup:
    """Return what chooses light or dark, to stand in the page: as a file of its own it would hold up reading the page until it came."""
    return Markup(THEME.read_text())  # noqa: S704 -- our own file


def theme_digest() -> str:
    """Return by what the content security policy knows that script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(theme_script().encode()).digest()).decode()


_SVG = re.compile(r"<svg\b.*?>(.*)</svg>", re.DOTALL)


@lru_cache
def icon(name: str, title: str = "") -> Markup:
    """Return an icon. Decoration unless it has a title, which is then said for it."""
    assert name in ICONS, name  # noqa: S101 -- names stand in templates
    try:
        found = _SVG.search((FOLDER / "vendor" / "icons" / f"{name}.svg").read_text())
    except FileNotFoundError:
        raise AssetsMissing from None
    assert found is not None  # noqa: S101 -- Lucide's files are all alike
    inner = Markup(re.sub(r">\s+<", "><", found[1].strip()))  # noqa: S704 -- a file of the package that the lock names
    named = Markup('role="img" aria-label="{}"').format(title) if title else Markup('aria-hidden="true"')
    return Markup('<svg class="icon" viewBox="0 0 24 24" {}>{}</svg>').format(named, inner)
