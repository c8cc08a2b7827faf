"""Templates: everything is escaped, times are UTC for the script to make local."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from services.gateway.pages.assets import icon, static_url, theme_script
from services.gateway.pages.brand import brand
from services.gateway.pages.language import _, gettext, ngettext, pgettext, reader, zones
from services.gateway.pages.vocabulary import WORDS
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.topic_names import TICKETS

FOLDER = Path(__file__).parent
NOTHING = "\N{EN DASH}"
"""What stands where there is nothing to say."""
MINUTE, HOUR, DAY = 60, 3600, 86400
NOUNS_LARGE = frozenset({"de", "lb"})
"""Languages that write nouns with a capital letter wherever they stand."""
MANY = 10_000


_STREAMED = " ".join(sorted(spec.type.rpartition(".")[2] for spec in CATALOGUE.values() if spec.topic == TICKETS))
"""The stream's event names: a browser's EventSource hears only those it is told of."""


def moment(value: str | None, how: str = "at") -> Markup:
    """Return an API time as an element: UTC in the text, made local by the script. `how` is at, ago or due."""
    if not value:
        return Markup("")
    at = datetime.fromisoformat(value).astimezone(UTC)
    exact = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}" data-as="{}">{}</time>').format(exact, how, _in_full(at))


def _in_full(at: datetime) -> str:
    to = reader()
    local = at.astimezone(to.zone or UTC)
    said: str = format_datetime(local, _FULL.get(to.language.tag, "medium"), locale=to.language.locale)
    return f"{said} {local.tzname()}"


_FULL = {"en": "dd MMM y, HH:mm", "de": "d. MMM y, HH:mm"}
"""How a time is written where the language's usual way is longer than it need be."""


def date_of(value: str) -> str:
    """Return a day of the API (2026-11-25) as people write it."""
    try:
        return str(format_date(date.fromisoformat(value), "medium", locale=reader().language.locale))
    except ValueError:
        return value


def words(key: str | None) -> str:
    """Return a key as words: `on_hold` is "On hold". One that we do not know is somebody's own, and stays as it is."""
    if key in WORDS:
        return gettext(WORDS[key])
    text = (key or "").replace("_", " ").replace("-", " ")
    return text[:1].upper() + text[1:]


def inside(key: str | None) -> str:
    """Return a key as words within a sentence: small, where the language does not write nouns large."""
    text = words(key)
    return text if reader().language.locale.language in NOUNS_LARGE else text[:1].lower() + text[1:]


def promised(target: str) -> str:
    """Return what a service level promises, within a sentence."""
    return inside("taken_on" if target == "own" else target)


ENUMERATED = frozenset(
    {
        "strategy", "when", "match", "sees", "type", "op", "since", "visibility", "status", "priority", "severity", "priorities",
        "severities", "changes", "days", "verb",
    }
)  # fmt: skip
"""Members of configured entries whose values are words of ours, not somebody's keys."""


def configured(value: Any, name: str = "") -> str:
    """Return a configured value in words; `name` is whose it is."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dict):
        return "; ".join(
            f"{words(str(k))}: {configured(v, str(k))}" for k, v in value.items() if v not in (None, [], {})
        )
    if isinstance(value, list):
        return ", ".join(configured(item, name) for item in value) or NOTHING
    if value is None or value == "":
        return NOTHING
    return words(str(value)) if name in ENUMERATED else str(value)


def duration(seconds: float | None) -> str:
    """Return seconds as people say it."""
    if seconds is None:
        return NOTHING
    units = ((DAY, _("%(n)s d")), (HOUR, _("%(n)s h")), (MINUTE, _("%(n)s min")), (0, _("%(n)s s")))
    least, said = next(one for one in units if abs(seconds) >= one[0])
    return said % {"n": number(seconds / (least or 1), 1)}


def number(value: float, places: int | None = None) -> str:
    """Return a number as the reader's language writes it."""
    form = "#,##0" if isinstance(value, int) else "#,##0." + "0" * (2 if places is None else places)
    return str(format_decimal(value, form, locale=reader().language.locale))


def size(count: int) -> str:
    """Return bytes as people say them."""
    for unit, much in (("MB", 1_000_000), ("kB", 1000)):
        if count >= much:
            return f"{number(count / much, 1)} {unit}"
    return f"{number(count)} B"


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


def person(shown: dict[str, Any] | None, nobody: str | None = None) -> str:
    """Return how a person is called."""
    if not shown:
        return _("Nobody") if nobody is None else nobody
    return shown.get("name") or shown.get("login") or shown.get("email") or _("Unknown")


def initials(name: str) -> str:
    """Return the letters that stand for somebody."""
    parts = [part for part in name.replace("@", " ").replace(".", " ").split() if part]
    return (parts[0][0] + (parts[1][0] if len(parts) > 1 else "")).upper() if parts else "?"


def code(text: str) -> Markup:
    """Return a command or a key as it is typed, within a sentence."""
    return Markup("<code>{}</code>").format(text)


def few(count: int) -> str:
    """Return a count as it stands in a narrow place."""
    return number(count) if count < MANY else _("%(n)sk", n=number(count // 1000))


@pass_context  # so that it is asked each time: Jinja would ask once for what stands in a template
def _translated(_context: Context, message: str) -> str:
    """Return a message that was marked elsewhere. What is not a message is shown as it is."""
    return gettext(message)


def _environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined, auto_reload=False,
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    env.install_gettext_callables(gettext, ngettext, newstyle=True, pgettext=pgettext)  # type: ignore[attr-defined] # the extension's
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
        number=number,
        size=size,
        inside=inside,
        date_of=date_of,
        translated=_translated,
    )
    env.globals.update(
        brand=brand,
        static_url=static_url,
        theme_script=theme_script,
        icon=icon,
        stream_types=_STREAMED,
        reader=reader,
        zones=zones,
        code=code,
    )
    return env


_ENV = _environment()


def render(template: str, **context: Any) -> str:
    """Return a page's text."""
    return _ENV.get_template(template).render(**context)
