"""Workflow decides: the ticket's life. Every command, where it is allowed and where it is refused."""

import itertools
from datetime import timedelta
from uuid import UUID

import pytest

from services.workflow import domain
from services.workflow.domain import Life
from shared.contracts.event import NewEvent
from shared.testing.events import event_of_fact
from shared.testing.given import scenario
from tests.unit.where_from import need_where_from

given = scenario("workflow", Life, domain.evolve)


def fact(name: str, **data: object) -> NewEvent:
    return NewEvent(f"ledgerdesk.ticket.{name}", data)


STARTED, HELD, RESUMED = fact("started"), fact("held", until=None), fact("resumed")
RESOLVED, CLOSED, REOPENED = fact("resolved"), fact("closed"), fact("reopened", previous="closed")
STATES = {
    "new": [],
    "open": [STARTED],
    "on_hold": [STARTED, HELD],
    "resolved": [STARTED, RESOLVED],
    "closed": [STARTED, RESOLVED, CLOSED],
}
COMMANDS = {
    "note": (domain.note, {"body": "psst"}),
    "reply": (domain.reply, {"body": "hello"}),
    "prioritise": (domain.prioritise, {"priority": "high", "severity": None, "message": None, "asked": {}}),
    "hold": (domain.hold, {"reason": "vendor", "until": None}),
    "resume": (domain.resume, {}),
    "resolve": (domain.resolve, {"resolution": "renewed the certificate"}),
    "close": (domain.close, {"message": None}),
    "reopen": (domain.reopen, {"message": None}),
    "escalate": (domain.escalate, {"message": "now!"}),
    "acknowledge": (domain.acknowledge, {"message": None}),
    "start": (domain.start, {}),
    "customer_wrote": (domain.customer_wrote, {}),
}
REFUSED = None
TABLE = {
    #                 new                        open             on_hold          resolved         closed
    "note": (["started", "noted"], ["noted"], ["noted"], ["noted"], ["noted"]),
    "reply": (["started", "replied"], ["replied"], ["replied"], ["replied"], REFUSED),
    "prioritise": (["started", "prioritised"], ["prioritised"], ["prioritised"], ["prioritised"], REFUSED),
    "hold": (["started", "held"], ["held"], ["held"], REFUSED, REFUSED),
    "resume": (REFUSED, REFUSED, ["resumed"], REFUSED, REFUSED),
    "resolve": (["started", "resolved"], ["resolved"], ["resolved"], REFUSED, REFUSED),
    "close": (REFUSED, ["closed"], ["closed"], ["closed"], REFUSED),
    "reopen": (REFUSED, REFUSED, REFUSED, ["reopened"], ["reopened"]),
    "escalate": (["started", "escalated"], ["escalated"], ["escalated"], REFUSED, REFUSED),
    "acknowledge": (["started", "acknowledged"], ["acknowledged"], ["acknowledged"], ["acknowledged"], REFUSED),
    "start": (["started"], [], [], [], []),
    "customer_wrote": ([], [], ["resumed"], ["reopened"], ["reopened"]),
}


@pytest.mark.parametrize("command", TABLE)
@pytest.mark.parametrize("state", STATES)
def test_every_command_in_every_state(command, state):
    decide, arguments = COMMANDS[command]
    expected = TABLE[command][list(STATES).index(state)]
    outcome = given(*STATES[state]).when(decide, **arguments)
    if expected is REFUSED:
        outcome.refused(409, state.replace("_", " "))
    else:
        outcome.then(*expected)
        need_where_from(given, STATES[state], outcome.events)


@pytest.mark.parametrize("state", STATES)
def test_the_states_are_what_they_are_called(state):
    assert given(*STATES[state]).state.status == state


def test_every_refusal_says_what_to_do():
    for command, row in TABLE.items():
        for state, expected in zip(STATES, row, strict=True):
            if expected is REFUSED:
                decide, arguments = COMMANDS[command]
                refusal = given(*STATES[state]).when(decide, **arguments).refusal
                assert refusal is not None
                assert ": " in refusal.detail, f"{command} in {state}: {refusal.detail}"


def test_words_are_personal():
    for command, where in (("note", "body"), ("reply", "body"), ("resolve", "resolution"), ("hold", "reason")):
        decide, arguments = COMMANDS[command]
        event = given(STARTED).when(decide, **arguments).events[-1]
        assert event.personal == {where: arguments[where]}
        assert arguments[where] not in str(event.data)


def test_prioritise_tells_old_and_new():
    asked = {"priority": "low", "severity": "Sev-C"}
    command = {"priority": None, "severity": "Sev-A", "message": "it burns", "asked": asked}
    (event,) = given(STARTED).when(domain.prioritise, **command).then("prioritised")
    assert event.data == {"priority": None, "severity": "Sev-A", "previous": asked}
    assert event.personal == {"message": "it burns"}


@pytest.mark.parametrize(
    ("facts", "asked", "priority", "severity"),
    [
        ([], {}, "normal", None),
        ([], {"priority": "high"}, "high", None),
        ([], {"severity": "Sev-B"}, None, "Sev-B"),
        ([fact("prioritised", priority="high", severity=None)], {"priority": "low"}, "high", None),
        ([fact("prioritised", priority="high", severity=None)], {"severity": "Sev-B"}, "high", "Sev-B"),
    ],
)
def test_prioritise_to_what_it_is_already(facts, asked, priority, severity):
    given(STARTED, *facts).when(
        domain.prioritise, priority=priority, severity=severity, message=None, asked=asked
    ).refused(409, "already")


def test_a_rule_does_not_open_a_ticket():
    given().when(domain.prioritise, priority="high", severity=None, message=None, asked={}, by_agent=False).then(
        "prioritised"
    )


def test_hold_can_be_changed_and_ends():
    until = "2026-12-01T00:00:00.000000Z"
    (event,) = given(STARTED, HELD).when(domain.hold, reason=None, until=until).then("held")
    again = given(STARTED, HELD, event).when(domain.hold, reason=None, until=None).events
    need_where_from(given, [STARTED, HELD, event], again)
    assert event.data == {"until": until, "previous": "on_hold"}
    assert event.personal is None
    assert given(STARTED, fact("held", until=until)).state.until == until
    assert given(STARTED, fact("held", until=until), RESUMED).state.until is None


def test_escalation_climbs_and_wants_a_new_acknowledgement():
    first, second = fact("escalated", level=1), fact("acknowledged")
    (event,) = given(STARTED, first, second).when(domain.escalate, message=None).then("escalated")
    assert event.data == {"level": 2}
    given(STARTED, first, second).when(domain.acknowledge, message=None).refused(409, "acknowledged already")
    given(STARTED, first, second, fact("escalated", level=2)).when(domain.acknowledge, message=None).then(
        "acknowledged"
    )


def test_reopened_says_what_it_was():
    for state in ("resolved", "closed"):
        (event,) = given(*STATES[state]).when(domain.reopen, message="again").then("reopened")
        assert (event.data, event.personal) == ({"previous": state}, {"message": "again"})
        (event,) = given(*STATES[state]).when(domain.customer_wrote).then("reopened")
        assert event.data == {"previous": state}


def test_what_a_timer_has_done_over_an_unheard_message_is_undone_when_that_comes():
    """Who changes a status has seen what was written before; a timer sees nothing."""
    answered, wrote, over = (event_of_fact(STARTED, "workflow", UUID(int=1), n).occurred_at for n in (2, 3, 4))
    for actor, expected in (({"kind": "system", "id": "timer"}, ["reopened"]), ({"kind": "person", "id": "john"}, [])):
        state = given(STARTED, RESOLVED).state
        state = domain.evolve(state, event_of_fact(CLOSED, "workflow", UUID(int=1), 4, actor=actor))
        assert [event.type.rsplit(".", 1)[1] for event in domain.customer_wrote(state, wrote)] == expected
        assert domain.customer_wrote(state, answered) == [], "that was seen"
        assert domain.customer_wrote(state, over + timedelta(seconds=1)) != []


def test_evolve_takes_any_fact_in_any_state():
    facts = [
        STARTED, HELD, RESUMED, RESOLVED, CLOSED, REOPENED, fact("escalated"), fact("acknowledged"), fact("noted"),
        fact("prioritised", priority=None, severity=None, previous={}), fact("teleported"),
    ]  # fmt: skip
    for some in itertools.product(facts, repeat=3):
        assert given(*some).state.status in STATES
    assert given(RESOLVED, RESOLVED, CLOSED, CLOSED, STARTED).state.status == "closed"
