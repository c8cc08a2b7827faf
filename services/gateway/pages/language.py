"""The reader's language: what pages say goes through here.

A page is asked for in one language, which stands in a context variable while it is made. Messages are written in English, in
templates as `{{ _("…") }}`, in code as `_("…")`, and as `N_("…")` where a constant is only marked and translated when it is shown
(`_(label)`, or `{{ label|translated }}`). Other languages are gettext catalogues in `locale/`; `make messages` brings them up to date.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import orjson
from babel import Locale
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).parent / "locale"
"""A folder per language, and in it `LC_MESSAGES/pages.po`."""
CATALOGUE = "LC_MESSAGES/pages.po"
ENGLISH = "en"
SCRIPTS = "services/gateway/pages/static/js/"
"""Messages from here are handed to the browser."""
SAMPLES = range(201)
"""Among so many numbers every plural form of a language comes up."""


@dataclass(frozen=True)
class Language:
    """A language that pages can be in.

    Attributes:
        tag: As in `lang` and in a catalogue's folder: `de`.
        locale: How it writes numbers and dates. English ones are written as most of its readers outside America do.
        spoken: What the browser's scripts say, by message; plural forms by the name that `Intl.PluralRules` gives them.
    """

    tag: str
    locale: Locale
    translations: NullTranslations = field(default_factory=NullTranslations)
    spoken: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What those who speak it call it."""
        name: str = self.locale.languages.get(self.locale.language, self.tag)
        return name[:1].upper() + name[1:]

    @cached_property
    def for_scripts(self) -> str:
        """The messages of the scripts as JSON that can stand in a page: nothing in it ends an element."""
        return orjson.dumps(self.spoken).decode().replace("<", "\\u003c")


def _spoken(catalogue: Catalog, locale: Locale, translations: NullTranslations) -> dict[str, str | Mapping[str, str]]:
    found: dict[str, str | Mapping[str, str]] = {}
    for message in catalogue:
        if not any(place.startswith(SCRIPTS) for place, _ in message.locations):
            continue
        if isinstance(message.id, str):
            found[message.id] = translations.gettext(message.id)
        else:
            one, many = message.id[:2]
            found[one] = {locale.plural_form(n): translations.ngettext(one, many, n) for n in SAMPLES}
    return found


def read(folder: Path) -> dict[str, Language]:
    """Return the languages of which there are catalogues in a folder, by tag."""
    found = {}
    for path in sorted(folder.glob(f"*/{CATALOGUE}")):
        tag = path.parts[-3]
        locale = Locale.parse(tag, sep="-")
        with path.open("rb") as text:
            catalogue = read_po(text, locale=str(locale), abort_invalid=True)
        compiled = BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        translations = GNUTranslations(compiled)
        found[tag] = Language(tag, locale, translations, _spoken(catalogue, locale, translations))
    return found


@lru_cache
def languages(more: Path | None = None) -> Mapping[str, Language]:
    """Return every language, English first; `more` is a folder with catalogues of one's own, which go before ours."""
    english = Language(ENGLISH, Locale("en", "GB"))
    return {ENGLISH: english, **read(FOLDER), **(read(more) if more else {})}


def best(accepted: str, offered: Mapping[str, Language]) -> str:
    """Return which of the languages an `Accept-Language` asks for first; English where it asks for none of them."""
    wanted = []
    for place, part in enumerate(accepted.split(",")[:20]):
        tag, _, quality = part.partition(";")
        try:
            weight = float(quality.partition("=")[2] or 1)
        except ValueError:
            continue
        wanted.append((-weight, place, tag.strip().lower()))
    lower = {tag.lower(): tag for tag in offered}
    for weight, _, tag in sorted(wanted):
        found = lower.get(tag) or lower.get(tag.partition("-")[0])
        if found and weight < 0:
            return found
    return ENGLISH


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a page is made.

    Attributes:
        zone: Whose time is shown; None: the browser's own, which its script knows.
        offered: What could be chosen.
        chosen: Whether the language was chosen, not found out.
        here: Where the page is, for who comes back to it in another language.
    """

    language: Language
    zone: ZoneInfo | None = None
    offered: tuple[Language, ...] = ()
    chosen: bool = False
    here: str = "/sign-in"


_READER: ContextVar[Reader | None] = ContextVar("reader", default=None)


def reader() -> Reader:
    """Return for whom the page is made that is being made."""
    return _READER.get() or Reader(languages()[ENGLISH])


@contextmanager
def reading(someone: Reader) -> Iterator[None]:
    """Make pages for somebody."""
    token = _READER.set(someone)
    try:
        yield
    finally:
        _READER.reset(token)


@lru_cache
def zones() -> Sequence[str]:
    """Return the time zones that can be chosen: those that are named by a place, and UTC."""
    return [
        "UTC",
        *sorted(
            zone
            for zone in available_timezones()
            if "/" in zone and not zone.startswith(("Etc/", "SystemV/", "posix/", "right/"))
        ),
    ]


def zone_named(name: str) -> ZoneInfo | None:
    """Return a time zone, None if there is none of that name."""
    return ZoneInfo(name) if name in zones() else None


def gettext(message: str, **values: object) -> str:
    """Return the message in the reader's language, with `values` in the place of its `%(name)s`."""
    said = reader().language.translations.gettext(message) if message else ""
    return said % values if values else said


def ngettext(one: str, many: str, count: int, **values: object) -> str:
    """Return the message for so many in the reader's language."""
    said = reader().language.translations.ngettext(one, many, count)
    return said % values if values else said


def pgettext(context: str, message: str) -> str:
    """Return the message in the reader's language, of several with the same English words that which is meant there."""
    return reader().language.translations.pgettext(context, message)


_ = gettext


def N_(message: str) -> str:  # noqa: N802 -- gettext's own name for it, which is looked for when messages are collected
    """Mark a constant as a message; it is translated when it is shown."""
    return message
