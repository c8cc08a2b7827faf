"""The reader's language: what pages say goes through here.

A page is asked for in one language, which stands in a context variable while it is made. Messages are written in English, in
templates as `{{ _("…") }}` and in code as `_("…")`; other languages are gettext catalogues in `locale/`.
"""

from contextvars import ContextVar
from gettext import NullTranslations

_TRANSLATIONS: ContextVar[NullTranslations] = ContextVar("translations", default=NullTranslations())  # noqa: B039 -- never written to


def gettext(message: str) -> str:
    """Return the message in the reader's language."""
    return _TRANSLATIONS.get().gettext(message)


def ngettext(one: str, many: str, count: int) -> str:
    """Return the message for so many in the reader's language."""
    return _TRANSLATIONS.get().ngettext(one, many, count)


_ = gettext


def N_(message: str) -> str:  # noqa: N802 -- gettext's own name for it
    """Mark a message that is translated when it is shown, as constants are; returns it as it is."""
    return message
