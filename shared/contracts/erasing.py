"""Erasing what is personal, as facts say it: which versions of a stream's events one owner has blanked. Pure.

An owner blanks its own events alone, and says so in its own part of the stream. Within it order is fixed, so every reader comes
to the same: what a fact names has no personal part any more, whether it was read before it was blanked or after.
"""

from collections.abc import Callable, Iterable, Sequence

from shared.contracts.event import Event, NewEvent

PERSON_FORGOTTEN = "ledgerdesk.person.forgotten"
TICKET_ERASED = "ledgerdesk.ticket.personal_erased"
AGENT_ERASED = "ledgerdesk.agent.personal_erased"
ACCOUNT_ERASED = "ledgerdesk.account.personal_erased"
ARTICLE_ERASED = "ledgerdesk.article.personal_erased"
RATING_ERASED = "ledgerdesk.article_rating.personal_erased"
QUEUE_ERASED = "ledgerdesk.queue.personal_erased"
DASHBOARD_ERASED = "ledgerdesk.dashboard.personal_erased"
ERASURES = frozenset(
    {
        PERSON_FORGOTTEN,
        TICKET_ERASED,
        AGENT_ERASED,
        ACCOUNT_ERASED,
        ARTICLE_ERASED,
        RATING_ERASED,
        QUEUE_ERASED,
        DASHBOARD_ERASED,
    }
)

Place = tuple[str, int]
"""(owner, version) of an event in its stream"""


def named(event: Event) -> list[int]:
    """Return the versions whose personal part an erasure blanks; none for any other event."""
    if event.type not in ERASURES:
        return []
    return [version for versions in event.data["versions"].values() for version in versions]


def erased(events: Iterable[Event]) -> set[Place]:
    """Return the places of one stream that its erasures name."""
    return {(event.source, version) for event in events for version in named(event)}


def blanks(event: Event, name: str) -> bool:
    """Whether an erasure blanks events of this name (``created``)."""
    return event.type in ERASURES and bool(event.data["versions"].get(name))


def blanks_whole(event: Event) -> bool:
    """Whether a ticket loses every word, of every owner, because its requester is forgotten; not because words were taken back."""
    if event.source != "intake" or event.type not in ERASURES:
        return False
    return (blanks(event, "created") or blanks(event, "restated")) and event.data["reason"] != "redacted"


def erase(
    events: Sequence[Event], wanted: Callable[[Event], bool], event_type: str, reason: str, person_id: str | None = None
) -> list[NewEvent]:
    """Decide that one owner's events of a stream are blanked: those that are wanted and have something personal still.

    Args:
        events: The owner's part of the stream.
        wanted: Which of them.
        event_type: The fact that says so.
        reason: See `shared.contracts.fields.Forgotten`.
        person_id: For whose sake; None where the stream is the person's own.

    Returns:
        The fact; nothing, if nothing is left to blank.
    """
    done = erased(events)
    versions: dict[str, list[int]] = {}
    for event in events:
        if event.personal and wanted(event) and (event.source, event.version) not in done:
            versions.setdefault(event.name, []).append(event.version)
    if not versions:
        return []
    data = {"reason": reason, "versions": versions} | ({"person_id": person_id} if person_id else {})
    return [NewEvent(event_type, data)]
