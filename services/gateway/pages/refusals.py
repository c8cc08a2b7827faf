"""What the API refuses with, for people: the API says it in English, whoever asks; what is known here is translated.

That is what is refused at the door, and the moves that tickets do not take as they are, one by one or many at once.
"""

import re

from services.gateway.pages.language import N_, _, gettext
from services.gateway.pages.vocabulary import WORDS

KNOWN = (
    N_("This link is not good any more: it was used, it is too old, or there is a newer one. Ask for another."),
    N_("The code is wrong or was used already: wait for the next one."),
    N_("This link is not good any more: it is too old, or it was taken back. Ask the desk for another."),
    N_("That took too long: begin the sign-in again."),
    N_("Begin the sign-in again."),
    N_("Your account cannot be made just now. Try again in a moment."),
    N_("The ticket has this priority and severity already."),
    N_("The ticket is acknowledged already."),
    N_("The ticket is merged into another: act on that one, or unmerge this one first."),
    N_("The desk has not filled in yet what is needed to close the ticket: ask them to."),
    N_("The ticket is assigned to this agent already."),
    N_("The ticket is with this team already."),
    N_("The ticket is in this department already."),
    N_("Another agent has this ticket: use assign to take it over."),
    N_("Another agent has this ticket: only a lead or administrator may release it."),
    N_("Nobody has this ticket."),
)
OF_A_STATUS = (
    N_("A ticket that is %(status)s cannot be prioritised: reopen it first."),
    N_("A ticket that is %(status)s cannot be held: reopen it first."),
    N_("A ticket that is %(status)s cannot be resumed: only a ticket on hold can."),
    N_("A ticket that is %(status)s cannot be resolved: reopen it first, if it is not solved after all."),
    N_("A ticket that is %(status)s cannot be closed: nobody has worked on it yet; resolve it first."),
    N_("A ticket that is %(status)s cannot be closed: it is closed already."),
    N_("A ticket that is %(status)s cannot be reopened: only a resolved or closed ticket can."),
    N_("A ticket that is %(status)s cannot be escalated: reopen it first."),
    N_("A ticket that is %(status)s cannot be acknowledged: reopen it first."),
    N_("A ticket that is %(status)s cannot be replied to: reopen it first."),
    N_("A ticket that is %(status)s cannot be changed: reopen it first."),
)
_STATUS = re.compile(r"A ticket that is (new|open|on hold|resolved|closed|merged) (cannot be .+)")
_TICKET = re.compile(r"There is no ticket (.+), or it is not yours to see\.")
_MINUTES = re.compile(r"Too many failed attempts: try again in ([0-9]+) minutes\.")
_TASKS = re.compile(r"([0-9]+) open tasks block closing: finish or drop them first\.")


def in_words(detail: str) -> str:
    """Return a refusal in the reader's language; in English where it is none of those."""
    if found := _MINUTES.fullmatch(detail):
        return _("Too many failed attempts: try again in %(n)s minutes.", n=found[1])
    if found := _TICKET.fullmatch(detail):
        return _("There is no ticket %(ref)s, or it is not yours to see.", ref=found[1])
    if found := _TASKS.fullmatch(detail):
        return _("%(n)s open tasks block closing: finish or drop them first.", n=found[1])
    if (found := _STATUS.fullmatch(detail)) and (text := f"A ticket that is %(status)s {found[2]}") in OF_A_STATUS:
        return _(text, status=gettext(WORDS[found[1].replace(" ", "_")]).lower())
    return _(detail) if detail in KNOWN else detail
