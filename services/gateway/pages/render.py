"""Templates: everything is escaped, times are UTC for the script to make local."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from services.gateway.pages.assets import icon, static_url
from services.gateway.pages.brand import brand
from services.gateway.pages.language import gettext, ngettext
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.topic_names import TICKETS

FOLDER = Path(__file__).parent
NOTHING = "\N{EN DASH}"
"""What stands where there is nothing to say."""
MINUTE, HOUR, DAY = 60, 3600, 86400
MANY = 10_000


_STREAMED = " ".join(sorted(spec.type.rpartition(".")[2] for spec in CATALOGUE.values() if spec.topic == TICKETS))
"""The stream's event names: a browser's EventSource hears only those it is told of."""


def moment(value: str | None, how: str = "at") -> Markup:
    """Return an API time as an element: UTC in the text, made local by the script. `how` is at, ago or due."""
    if not value:
        return Markup("")
    at = datetime.fromisoformat(value).astimezone(UTC)
    exact = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}" data-as="{}">{}</time>').format(exact, how, at.strftime("%d %b %Y, %H:%M UTC"))


def words(key: str | None) -> str:
    """Return a key as words: `on_hold` is "On hold"."""
    text = (key or "").replace("_", " ").replace("-", " ")
    return text[:1].upper() + text[1:]


def configured(value: Any) -> str:
    """Return a configured value in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{words(str(k))}: {configured(v)}" for k, v in value.items() if v not in (None, [], {}))
    if isinstance(value, list):
        return ", ".join(configured(item) for item in value) or NOTHING
    return NOTHING if value is None or value == "" else str(value)


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


_ADDRESS = re.compile(r"https?://[^\s<>\"'`]{1,2000}[^\s<>\"'`.,;:!?)\]}]")


def linked(text: str) -> Markup:
    """Return what people wrote, escaped, with web addresses as links. Nothing else of it is ever markup."""
    parts, end = [], 0
    for found in _ADDRESS.finditer(text):
        parts += [
            escape(text[end : found.start()]),
            Markup('<a href="{0}" rel="noopener noreferrer nofollow" target="_blank">{0}</a>').format(found[0]),
        ]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


def person(shown: dict[str, Any] | None, nobody: str = "Nobody") -> str:
    """Return how a person is called."""
    if not shown:
        return nobody
    return shown.get("name") or shown.get("login") or shown.get("email") or "Unknown"


def initials(name: str) -> str:
    """Return the letters that stand for somebody."""
    parts = [part for part in name.replace("@", " ").replace(".", " ").split() if part]
    return (parts[0][0] + (parts[1][0] if len(parts) > 1 else "")).upper() if parts else "?"


def few(count: int) -> str:
    """Return a count as it stands in a narrow place."""
    return f"{count:,}" if count < MANY else f"{count // 1000}k"


def _environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined, auto_reload=False,
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    env.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined] # the extension's
    env.filters.update(
        moment=moment,
        configured=configured,
        words=words,
        duration=duration,
        person=person,
        prose=prose,
        initials=initials,
        few=few,
        linked=linked,
    )
    env.globals.update(brand=brand, static_url=static_url, icon=icon, stream_types=_STREAMED)
    return env


_ENV = _environment()


def render(template: str, **context: Any) -> str:
    """Return a page's text."""
    return _ENV.get_template(template).render(**context)
