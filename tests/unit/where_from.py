"""What a change of a ticket's status must say: from what the ticket was moved."""

from collections.abc import Callable, Sequence

from services.workflow.domain import Life
from shared.contracts.event import NewEvent
from shared.testing.given import Given

MOVES = frozenset({"held", "resumed", "resolved", "closed", "reopened"})


def need_where_from(given: Callable[..., Given[Life]], before: Sequence[NewEvent], events: Sequence[NewEvent]) -> None:
    """See to it that each move among these events says what the ticket was just before it.

    Raises:
        AssertionError: One does not.
    """
    known = list(before)
    for event in events:
        if event.type.rpartition(".")[2] in MOVES:
            was = given(*known).state
            said = tuple(event.data.get(f"previous{part}") for part in ("", "_state", "_until"))
            assert said == (was.status, was.state, was.until if was.status == "on_hold" else None), event
        known.append(event)
