"""Events that somebody has given up: a view passes over them, and shows that there was something.

A ticket's event leaves its place on the timeline, as one named `discarded` that says nothing; an entry of the directory counts
its version and stays as it was. Which events these are stands in `projection_discarded`, per view.
"""

from dataclasses import replace
from uuid import UUID

from shared.contracts.event import Event
from shared.db import Connection
from shared.projection.model import ReadModel, S, advanced

DISCARDED = "ledgerdesk.ticket.discarded"
"""What stands in the place of a ticket's event. Nobody writes such an event; to every view it is of a type it does not know."""

Held = set[tuple[UUID, str]]
"""(stream, owner) of which an event is parked"""
Given = set[tuple[UUID, str, int]]
"""(stream, owner, version) of discarded events"""


def pass_over(model: ReadModel[S], state: S, event: Event) -> tuple[S, Event | None]:
    """Return the state after an event that is passed over, and what stands in its place, if anything does. Pure."""
    if event.type.startswith("ledgerdesk.ticket."):
        nothing = replace(event, type=DISCARDED, schema_version=1, data={}, personal=None)
        return model.evolve(state, nothing), nothing
    passed: S = state._replace(versions=advanced(state.versions, event))  # type: ignore[attr-defined] # states are named tuples
    return passed, None


async def set_aside(connection: Connection) -> dict[str, tuple[Held, Given]]:
    """Return, by view, what is parked and what was discarded; in one query, since every batch asks."""
    rows = await connection.fetch(
        "SELECT DISTINCT view, stream_id, source, NULL::int AS version FROM projection_parked "
        "UNION ALL SELECT view, stream_id, source, version FROM projection_discarded"
    )
    found: dict[str, tuple[Held, Given]] = {}
    for row in rows:
        held, given = found.setdefault(row["view"], (set(), set()))
        if row["version"] is None:
            held.add((row["stream_id"], row["source"]))
        else:
            given.add((row["stream_id"], row["source"], row["version"]))
    return found
