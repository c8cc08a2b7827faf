"""What a requester says on his ticket, or who is let in on one, after he was forgotten: for a second more, his credential is good."""

from collections.abc import Sequence

from services.workflow.views.timeline import event_of
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.erasing import blanks_whole
from shared.contracts.event import Event
from shared.contracts.topic_names import TICKETS
from shared.db import Connection, Pool
from shared.directory.forgotten import of_the_forgotten

WORDED = frozenset(
    spec.type.rpartition(".")[2]
    for spec in CATALOGUE.values()
    if (spec.owner, spec.topic) == ("workflow", TICKETS) and spec.personal is not None
)
"""Names of workflow's events on tickets that may hold words."""
_ERASURES = """
SELECT e.*, t.requester_id::text AS requester
FROM ticket t JOIN timeline e ON e.ticket_id = t.stream_id AND e.source = 'intake' AND e.type = 'personal_erased'
WHERE (t.stream_id, t.requester_id::text) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))
"""


def may_be_late(event: Event) -> bool:
    """Whether these are words that somebody has said in workflow."""
    return (
        event.source == "workflow" and event.name in WORDED and event.actor["kind"] == "person" and bool(event.personal)
    )


async def of_forgotten_requesters(connection: Connection | Pool, events: Sequence[Event]) -> list[tuple[Event, str]]:
    """Return the words of requesters on tickets that were blanked for their sake, each with the reason.

    The ticket itself says so: intake blanks it from its beginning. This service's view has read that before workflow looks for its own
    words to blank, and so before it reads what came into the store after that look. Of the person, it may hear later.
    """
    said = [event for event in events if may_be_late(event)]
    if not said:
        return []
    rows = await connection.fetch(_ERASURES, [e.stream_id for e in said], [e.actor["id"] for e in said])
    reasons = {
        (row["ticket_id"], row["requester"]): row["data"]["reason"] for row in rows if blanks_whole(event_of(row))
    }
    found = [(event, reasons.get((event.stream_id, event.actor["id"]))) for event in said]
    return [(event, reason) for event, reason in found if reason is not None]


async def of_the_forgotten_let_in(connection: Connection | Pool, events: Sequence[Event]) -> list[Event]:
    """Return the words of those who were let in and are forgotten, as far as this service's own `person` rows know."""
    said = [event for event in events if may_be_late(event) and event.data.get("let_in")]
    return await of_the_forgotten(connection, said, lambda event: [event.actor["id"]])
