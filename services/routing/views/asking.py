"""Events after which rules are asked, with what those look at as it was just then."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from services.routing.domain.causes import CAUSING, kinds_of, when_of
from services.routing.views.row import TicketRow, evolve, initial, values_of
from shared.contracts.event import Event
from shared.rules import Rule, asked

AS_IT_WAS = "as_it_was"
"""In `data` of an event in the inbox: what rules look at, just after that event; nothing personal."""


def asking(rules: Sequence[Rule], applied: Sequence[Event]) -> set[UUID]:
    """Return the ids of those of these events after which a rule is asked. Pure."""
    return {
        event.event_id
        for event in applied
        if event.type in CAUSING and (when := when_of(event)) is not None and asked(rules, when, kinds_of(event))
    }


def as_it_was(wanted: set[UUID], before: Mapping[UUID, TicketRow], applied: Sequence[Event]) -> dict[UUID, Event]:
    """Return these events with what rules look at just after each of them, though more may have been read since. Pure.

    Args:
        wanted: Ids of the events.
        before: Tickets' rows before all that was read now.
        applied: All that was read now, in the order in which it was folded.
    """
    states = dict(before)
    streams = {event.stream_id for event in applied if event.event_id in wanted}
    found = {}
    for event in applied:
        if event.stream_id not in streams:
            continue
        row = states[event.stream_id] = evolve(states.get(event.stream_id) or initial(event.stream_id), event)
        if event.event_id in wanted and row.status != "merged":
            seen = {"values": values_of(row), "versions": row.versions}
            found[event.event_id] = replace(event, data={**event.data, AS_IT_WAS: seen})
    return found
