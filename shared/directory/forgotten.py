"""What is said of somebody who is forgotten already: a view hands it in when it reads it, so that its owner blanks it.

Nothing is missed. An owner looks through its store after its views have read that somebody is forgotten; what comes into the store
after that look is read by the views later still, and they know it then.
"""

from collections.abc import Callable, Iterable, Sequence

from shared.contracts.event import Event
from shared.db import Connection, Pool


async def of_the_forgotten(
    connection: Connection | Pool, events: Sequence[Event], people: Callable[[Event], Iterable[str]]
) -> list[Event]:
    """Return those of the events that are of somebody who is forgotten, as far as this service's own `person` rows know.

    Args:
        connection: Of the view that reads them.
        events: What may have to be blanked.
        people: Returns whose an event is, and whom it names, by id.
    """
    asked = [(event, frozenset(people(event))) for event in events if event.personal]
    if not asked:
        return []
    rows = await connection.fetch(
        "SELECT stream_id::text FROM person WHERE stream_id = ANY ($1::text[]::uuid[]) AND registered -> 'forgotten' = 'true'",
        sorted(frozenset[str]().union(*(ids for _, ids in asked))),
    )
    forgotten = {row["stream_id"] for row in rows}
    return [event for event, ids in asked if ids & forgotten]


def owner_and_named(event: Event) -> list[str]:
    """Return who has said something that he keeps, and whom it names."""
    return [event.data["person_id"], *event.data.get("named", ())]
