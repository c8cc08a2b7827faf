"""What agents say on a ticket: notes, replies, corrections, what is taken back; and what the requester says of their work. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.workflow.domain.fields import blanked
from services.workflow.domain.state import Life, Words, fact, refuse, start
from shared.contracts.erasing import named
from shared.contracts.event import Event, NewEvent
from shared.contracts.fields import attached
from shared.refusal import Refusal


def said(state: Life, event: Event) -> Life:
    """Fold a note or reply."""
    by = event.actor.get("id") if event.actor.get("kind") == "person" else None
    words = Words(event.version, event.name, by, (event.personal or {}).get("body"))
    closes_at = None if event.name == "replied" else state.closes_at  # his silence begins anew
    return replace(state, words={**state.words, str(event.event_id): words}, closes_at=closes_at)


def corrected(state: Life, event: Event) -> Life:
    """Fold a correction."""
    words = state.words.get(event.data["event"])
    if words is None:
        return state
    changed = replace(words, body=(event.personal or {}).get("body"), edits=(*words.edits, event.version))
    return replace(state, words={**state.words, event.data["event"]: changed})


def taken_back(state: Life, event: Event) -> Life:
    """Fold that words were blanked."""
    gone = set(named(event))
    words = {key: replace(w, body=None) if gone & {w.version, *w.edits} else w for key, w in state.words.items()}
    return replace(state, words=words, fields=blanked(state.fields, gone))


def rated(state: Life, event: Event) -> Life:
    """Fold a rating."""
    return replace(state, score=event.data["score"])


FOLDS = {
    "noted": said, "replied": said, "auto_replied": said, "edited": corrected, "personal_erased": taken_back, "rated": rated,
}  # fmt: skip


def note(
    state: Life, *, body: str, mentions: Sequence[str] = (), attachments: Sequence[Mapping[str, Any]] = ()
) -> list[NewEvent]:
    """Write an internal note; in any state, without changing it but for the first act. `mentions` are person ids."""
    data = {"mentions": list(mentions)} if mentions else None
    return [*start(state), fact("noted", data, body=body, **attached(attachments))]


def reply(
    state: Life,
    *,
    body: str,
    mentions: Sequence[str] = (),
    canned: Mapping[str, Any] | None = None,
    attachments: Sequence[Mapping[str, Any]] = (),
) -> list[NewEvent]:
    """Answer the requester; `canned` is the reply it was made from: `key`, `version`.

    Raises:
        Refusal: The ticket is closed.
    """
    if state.status == "closed":
        raise refuse(state, "replied to", "reopen it first.")
    data: dict[str, Any] = {"mentions": list(mentions)} if mentions else {}
    data |= {"canned": dict(canned)} if canned else {}
    return [*start(state), fact("replied", data, body=body, **attached(attachments))]


def auto_reply(state: Life, *, body: str, canned: Mapping[str, Any]) -> list[NewEvent]:
    """Answer the requester as a rule does. Nobody has answered him: no promise is kept by it, and the ticket stays new.

    Raises:
        Refusal: The ticket is closed.
    """
    if state.status == "closed":
        raise refuse(state, "replied to", "reopen it first.")
    return [fact("auto_replied", {"canned": dict(canned)}, body=body)]


_CHANGED_AS = {"auto_replied": "replied"}
"""What an automatic answer is to who corrects it or takes it back."""


def _own(state: Life, kind: str, event: str, by: str | None, *, others: bool) -> Words:
    """Return the words that somebody wants to change.

    Raises:
        Refusal: There are none (404), they are another's (403), or they are blank already (409).
    """
    words = state.words.get(event)
    if words is None or _CHANGED_AS.get(words.name, words.name) != kind:
        raise Refusal("There are no such words on this ticket.", status=404)
    if words.by != by and not others:
        raise Refusal("These are another's words: only a lead or administrator may change them.", status=403)
    if words.body is None:
        raise Refusal("These words were taken back: write new ones.")
    return words


def edit(state: Life, *, kind: str, event: str, by: str | None, others: bool, body: str) -> list[NewEvent]:
    """Correct a note or reply. What it said before stays on the timeline.

    Args:
        state: The ticket.
        kind: ``noted`` or ``replied``.
        event: Id of the event that said it.
        by: Person id of who corrects.
        others: Whether that person may correct what others wrote.
        body: What it says from now on.

    Raises:
        Refusal: See `_own`.
    """
    words = _own(state, kind, event, by, others=others)
    if body == words.body:
        return []
    return [fact("edited", {"event": event, "kind": kind}, body=body, previous=words.body)]


def take_back(state: Life, *, kind: str, event: str, by: str | None, others: bool) -> list[NewEvent]:
    """Blank a note or reply and all its corrections, for ever: a password that was pasted, say.

    Raises:
        Refusal: See `_own`.
    """
    words = _own(state, kind, event, by, others=others)
    versions = {words.name: [words.version]} | ({"edited": list(words.edits)} if words.edits else {})
    return [fact("personal_erased", {"reason": "redacted", "versions": versions})]


def rate(state: Life, *, score: int, comment: str | None) -> list[NewEvent]:
    """Say how satisfied the requester is, 1 (not at all) to 5. May be said anew.

    Raises:
        Refusal: The work is not done yet.
    """
    if state.status not in {"resolved", "closed"}:
        raise refuse(state, "rated", "wait until it is resolved.")
    return [fact("rated", {"score": score, "previous": state.score}, comment=comment)]
