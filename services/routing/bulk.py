"""Moves on many tickets: who has them."""

from collections.abc import Sequence

from services.routing import domain
from services.routing.api import moves
from services.routing.domain import Handling
from services.routing.domain.people import holder
from shared.contracts.event import Event, NewEvent
from shared.http.bulk import Bulk, Verb

_WHY = {"by": "person", "reason": "undone"}


def _given_back(state: Handling, event: Event) -> Sequence[NewEvent]:
    """Give it back to who had it."""
    now = {"agent": event.data.get("agent"), "team": event.data.get("team")}
    if state.agent is None and state.team is None:
        return [NewEvent("ledgerdesk.ticket.unassigned", {"previous": now, "why": _WHY})]
    return [NewEvent(domain.ASSIGNED, {**holder(state), "previous": now, "why": _WHY})]


def _moved_back(state: Handling, event: Event) -> Sequence[NewEvent]:
    """Move it back to where it was."""
    data = {"department": state.department, "previous": event.data["department"], "why": _WHY}
    return [NewEvent("ledgerdesk.ticket.transferred", data)]


bulk = Bulk(
    "routing",
    {
        "assign": Verb(moves.assign, "ticket.assign", moves.AssignBody, needed=True),
        "claim": Verb(moves.claim, "ticket.assign", moves.MessageOnly),
        "release": Verb(moves.release, "ticket.release", moves.MessageOnly),
        "transfer": Verb(moves.transfer, "ticket.transfer", moves.TransferBody, needed=True),
    },
    {"assigned": _given_back, "unassigned": _given_back, "transferred": _moved_back}, Handling, domain.evolve,
)  # fmt: skip
