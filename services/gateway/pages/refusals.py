"""What the API refuses with at the door, for people: the API says it in English, whoever asks; these are known here and translated."""

import re

from services.gateway.pages.language import N_, _

KNOWN = (
    N_("This link is not good any more: it was used, it is too old, or there is a newer one. Ask for another."),
    N_("The code is wrong or was used already: wait for the next one."),
    N_("This link is not good any more: it is too old, or it was taken back. Ask the desk for another."),
    N_("That took too long: begin the sign-in again."),
    N_("Begin the sign-in again."),
    N_("Your account cannot be made just now. Try again in a moment."),
)
_MINUTES = re.compile(r"Too many failed attempts: try again in ([0-9]+) minutes\.")


def in_words(detail: str) -> str:
    """Return a refusal in the reader's language; in English where it is none of those."""
    if found := _MINUTES.fullmatch(detail):
        return _("Too many failed attempts: try again in %(n)s minutes.", n=found[1])
    return _(detail) if detail in KNOWN else detail
