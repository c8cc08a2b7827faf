"""What those say who act on somebody else's ticket as its requester does: let in on it, or colleagues whom he lets see it. Pure.

It goes when they are forgotten; the desk's record stays. Which of the two it is, the event says (`let_in`), as nobody can tell later:
an agent may be let in on a ticket that he does not see otherwise.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from services.workflow.domain.fields import after, blanked
from services.workflow.domain.state import fact
from shared import forms
from shared.contracts.erasing import TICKET_ERASED, erase, named
from shared.contracts.event import Event, NewEvent

SAYS = frozenset({"closed", "reopened", "fields_changed"})
"""Names of the events by which a requester says something to workflow, and who is let in does."""
Said = tuple[str, str]
"""A custom field's key, and words that it held."""


def marked(facts: Iterable[NewEvent]) -> list[NewEvent]:
    """Return the facts of a command of somebody who is let in, saying so."""
    return [
        NewEvent(one.type, {**one.data, "let_in": True}, one.personal) if one.type.rpartition(".")[2] in SAYS else one
        for one in facts
    ]


def forget(events: Sequence[Event], who: str, reason: str, *, unmarked: bool) -> list[NewEvent]:
    """Decide that what he said on a ticket is blank, and words of his in fields wherever they stand.

    A change of a field tells what it held before, and taking a bulk move back says it once more. What the desk has said in such an
    event, and fields hold still, is said again.

    Args:
        events: Workflow's part of the ticket.
        who: His person id.
        reason: See `shared.contracts.fields.Forgotten`.
        unmarked: Whether events that do not say so are his as one who was let in, too: they may be older than the mark.
    """
    his = [
        one for one in events if one.name in SAYS and one.actor["id"] == who and (unmarked or one.data.get("let_in"))
    ]
    words = {said for one in his for said in _said(one, "new")}
    gone = {one.version for one in his}
    gone |= {one.version for one in events if words & {*_said(one, "new"), *_said(one, "old")}}
    erased = erase(events, lambda one: one.version in gone, TICKET_ERASED, reason, who)
    again = _held(events, gone, words) if erased else {}
    if not again:
        return erased
    data = {"new": {}, "old": {}, "worded": dict.fromkeys(again, True), "again": True}
    return [*erased, NewEvent(fact("fields_changed").type, data, {"new": again, "old": {}})]


def _said(event: Event, part: str) -> set[Said]:
    """Return the words that an event says fields hold (`new`), or have held (`old`)."""
    if event.name != "fields_changed":
        return set()
    return set(((event.personal or {}).get(part) or {}).items())


def _held(events: Iterable[Event], gone: Collection[int], words: Collection[Said]) -> dict[str, str]:
    """Return the words that fields hold now by events that go, but for these."""
    fields: dict[str, Any] = {}
    for one in events:
        if one.name == "fields_changed":
            fields = after(fields, one.data, one.personal, one.version)
        elif one.name == "personal_erased":
            fields = blanked(fields, named(one))
    texts = {
        key: value["words"] for key, value in fields.items() if forms.is_words(value) and value.get("version") in gone
    }
    return {key: text for key, text in texts.items() if text is not None and (key, text) not in words}
