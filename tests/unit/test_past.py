"""A ticket as it was is a fresh fold of what had happened by then."""

from datetime import timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.workflow.past import folded, part_of, row_of, until
from services.workflow.views.row import evolve, initial
from shared.contracts.event import Event, NewEvent
from shared.testing.events import NOON, created, event_of_fact

TICKET, JANE = UUID(int=1), str(UUID(int=9))
FACTS = {
    "intake": [
        created(priority="high", department="support"),
        NewEvent("ledgerdesk.ticket.message_received", {"person_id": JANE, "channel": "api"}, {"body": "still"}),
    ],
    "routing": [
        NewEvent("ledgerdesk.ticket.assigned", {"agent": JANE, "team": "on-call"}),
        NewEvent("ledgerdesk.ticket.transferred", {"department": "network"}),
        NewEvent("ledgerdesk.ticket.unassigned", {}),
    ],
    "workflow": [
        NewEvent("ledgerdesk.ticket.started", {}),
        NewEvent("ledgerdesk.ticket.prioritised", {"priority": "low", "severity": "Sev-B"}),
        NewEvent("ledgerdesk.ticket.held", {}),
        NewEvent("ledgerdesk.ticket.resolved", {}, {"resolution": "done"}),
        NewEvent("ledgerdesk.ticket.reopened", {}),
    ],
}


def row(event: Event, ordered_at) -> dict:
    return {
        "ticket_id": event.stream_id, "source": event.source, "version": event.version, "event_id": event.event_id, "type": event.name,
        "at": event.occurred_at, "recorded_at": event.recorded_at, "actor": event.actor, "via": event.via, "cause": event.cause,
        "data": event.data, "personal": event.personal, "ordered_at": ordered_at,
    }  # fmt: skip


@st.composite
def histories(draw) -> tuple[list[Event], list[dict]]:
    """Events with any moments (an imported log's may go back), and their timeline in any order."""
    events, rows = [], []
    for source, facts in FACTS.items():
        latest = NOON
        for version, fact in enumerate(facts[: draw(st.integers(0, len(facts)))], 1):
            moment = NOON + timedelta(seconds=draw(st.integers(0, 6)))
            latest = max(latest, moment)
            event = event_of_fact(fact, source, TICKET, version, occurred_at=moment)
            events.append(event)
            rows.append(row(event, latest))
    return events, draw(st.permutations(rows))


@given(histories(), st.integers(0, 7))
def test_a_moment_is_a_fold_of_what_had_happened(history, seconds):
    events, rows = history
    at = NOON + timedelta(seconds=seconds)
    expected = initial(TICKET)
    for source in FACTS:
        its = [event for event in events if event.source == source]
        for n, event in enumerate(its):
            if max(one.occurred_at for one in its[: n + 1]) <= at:
                expected = evolve(expected, event)
    assert folded(TICKET, until(rows, at)) == expected


def test_what_postgresql_derives():
    rows = [
        row(event_of_fact(fact, s, TICKET, v), NOON) for s, facts in FACTS.items() for v, fact in enumerate(facts, 1)
    ]
    then = row_of(folded(TICKET, [one for one in rows if one["source"] == "intake"]))
    assert (then["priority"], then["severity"], then["department"]) == ("high", None, "support")
    now = row_of(folded(TICKET, rows))
    assert (now["priority"], now["severity"], now["department"]) == ("low", "Sev-B", "network")


def test_what_was_merged_later_is_no_part_of_it_yet():
    other = UUID(int=2)
    said, merged = (
        row(event_of_fact(NewEvent(f"ledgerdesk.ticket.{name}", {}), "workflow", other, n), NOON + timedelta(seconds=n))
        for n, name in enumerate(("noted", "merged"), 1)
    )
    own = row(event_of_fact(created(), "intake", TICKET, 1), NOON)
    assert part_of([own, said], TICKET) == [own]
    assert part_of([own, said, merged], TICKET) == [own, said, merged]
