"""Templates: everything is escaped, times are UTC for the script to make local."""

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

FOLDER = Path(__file__).parent
STATIC = {
    "app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
}  # fmt: skip
NOTHING = "\N{EN DASH}"
"""What stands where there is nothing to say."""
MINUTE, HOUR, DAY = 60, 3600, 86400


@lru_cache
def asset(name: str) -> tuple[bytes, str]:
    """Return one of our own files and the version that stands in its address."""
    content = (FOLDER / "static" / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:12]


def static_url(name: str) -> str:
    """Return a file's address. It changes with the content, so that browsers may keep it for ever."""
    return f"/static/{name}?v={asset(name)[1]}"


def moment(value: str | None, *, short: bool = False) -> Markup:
    """Return an API time as an element: UTC in the text, made local by the script."""
    if not value:
        return Markup("")
    at = datetime.fromisoformat(value).astimezone(UTC)
    exact = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    text = at.strftime("%d %b %H:%M UTC" if short else "%d %b %Y, %H:%M UTC")
    return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(
        exact, at.strftime("%Y-%m-%d %H:%M:%S UTC"), Markup(" data-short") if short else "", text
    )


def words(key: str | None) -> str:
    """Return a key as words: `on_hold` is "On hold"."""
    text = (key or "").replace("_", " ").replace("-", " ")
    return text[:1].upper() + text[1:]


def duration(seconds: float | None) -> str:
    """Return seconds as people say it."""
    if seconds is None:
        return NOTHING
    if abs(seconds) < MINUTE:
        return f"{seconds:.1f} s"
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if abs(seconds) >= size:
            return f"{seconds / size:.1f} {unit}"
    return ""


def prose(text: str) -> Markup:
    """Return a text of the API, whose `names` in backquotes are names of columns."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else p for i, p in enumerate(parts))


def person(shown: dict[str, Any] | None, nobody: str = "Nobody") -> str:
    """Return how a person is called."""
    if not shown:
        return nobody
    return shown.get("name") or shown.get("login") or shown.get("email") or "Unknown"


def _environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined, auto_reload=False,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    env.filters.update(moment=moment, words=words, duration=duration, person=person, prose=prose)
    env.globals.update(static_url=static_url)
    return env


_ENV = _environment()


def render(template: str, **context: Any) -> str:
    """Return a page's text."""
    return _ENV.get_template(template).render(**context)
