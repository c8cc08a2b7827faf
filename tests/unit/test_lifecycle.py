"""The desk's lifecycle: its own states, and who may make which move, when, with which words. Given, when, then; and each refusal."""

from dataclasses import replace
from typing import get_args
from uuid import UUID

import hypothesis
import pytest
from hypothesis import strategies as st

from services.workflow import domain
from services.workflow.bulk import bulk
from services.workflow.domain import Life, Moves, moves_of, possible
from services.workflow.domain.state import fact
from services.workflow.views import row as rows
from shared.contracts.event import NewEvent
from shared.contracts.lifecycle import LifecycleMove, LifecycleState, MoveVerb
from shared.testing.events import event_of_fact
from shared.testing.given import scenario
from tests.unit.where_from import need_where_from

OTHER = str(UUID(int=2))
given = scenario("workflow", Life, domain.evolve)
STARTED, HELD, RESOLVED, CLOSED = fact("started"), fact("held", {"until": None}), fact("resolved"), fact("closed")
WAITING = fact("held", {"until": None, "state": "waiting"})
OPEN, ON_HOLD, DONE, GONE = (STARTED,), (STARTED, HELD), (STARTED, RESOLVED), (STARTED, RESOLVED, CLOSED)
STATES = [
    {"key": "triage", "name": "Triage", "status": "new"}, {"key": "review", "name": "In review", "status": "open", "public": True},
    {"key": "waiting", "name": "Waiting for the vendor", "status": "on_hold"},
    {"key": "old", "name": "Retired", "status": "on_hold", "active": False},
    {"key": "worked-around", "name": "Worked around", "status": "resolved"}, {"key": "spam", "name": "Spam", "status": "closed"},
]  # fmt: skip


def lifecycle(*moves: dict, roles: str = "agent", desk: bool = True) -> Moves:
    entry = {
        "key": "desk", "version": 1, "states": [LifecycleState(**state).model_dump() for state in STATES],
        "moves": [LifecycleMove(**move).model_dump() for move in moves],
    }  # fmt: skip
    return moves_of(entry, frozenset(roles.split()), desk=desk)


def standing(*facts: NewEvent) -> tuple[str, str | None]:
    state = given(*facts).state
    return state.status, state.state


ANY = lifecycle()
# verb, decider, its arguments without words, the words' argument, a ticket on which it is usual
COMMANDS = [
    ("hold", domain.hold, {"until": None, "reason": None}, "reason", OPEN), ("resume", domain.resume, {}, "reason", ON_HOLD),
    ("resolve", domain.resolve, {"resolution": None}, "resolution", OPEN), ("close", domain.close, {"message": None}, "message", DONE),
    ("reopen", domain.reopen, {"message": None}, "message", DONE), ("escalate", domain.escalate, {"message": None}, "message", OPEN),
    ("acknowledge", domain.acknowledge, {"message": None}, "message", OPEN),
    ("prioritise", domain.prioritise, {"priority": "high", "severity": None, "message": None, "asked": {}}, "message", OPEN),
    ("state", domain.change_state, {"to": "review"}, "message", OPEN),
]  # fmt: skip
VERB_IDS = [command[0] for command in COMMANDS]
WORDLESS = [(verb, decide, said, usual) for verb, decide, said, _, usual in COMMANDS]


def test_every_verb_can_be_configured():
    assert set(domain.VERBS) == set(get_args(MoveVerb)) == set(VERB_IDS)


# -- every verb: who, when, with which words ------------------------------------------------------------------------------


@pytest.mark.parametrize(("verb", "decide", "said", "usual"), WORDLESS, ids=VERB_IDS)
def test_who(verb, decide, said, usual):
    only = {"verb": verb, "by": ["lead", "senior"]}
    given(*usual).when(decide, **said, moves=lifecycle(only)).refused(403, "by lead or senior only")
    given(*usual).when(decide, **said, moves=lifecycle(only, roles="requester", desk=False)).refused(
        403, "by the desk only"
    )
    assert given(*usual).when(decide, **said, moves=lifecycle(only, roles="agent senior")).events
    assert given(*usual).when(decide, **said, moves=lifecycle({"verb": verb})).events, "no roles: anybody who may"


@pytest.mark.parametrize(("verb", "decide", "said", "words", "usual"), COMMANDS, ids=VERB_IDS)
def test_words(verb, decide, said, words, usual):
    must = lifecycle({"verb": verb, "message": True})
    given(*usual).when(decide, **said, moves=must).refused(422, f"takes a {words}", field=words)
    assert given(*usual).when(decide, **{**said, words: "because"}, moves=must).events
    either = lifecycle({"verb": verb, "message": True}, {"verb": verb, "by": ["lead"]}, roles="lead")
    assert given(*usual).when(decide, **said, moves=either).events, "a lead need not say why"


@pytest.mark.parametrize(("verb", "decide", "said", "usual"), WORDLESS, ids=VERB_IDS)
def test_when(verb, decide, said, usual):
    here = given(*usual).state.status
    elsewhere = next((s for s in sorted(domain.VERBS[verb].at) if s != here), None)
    assert given(*usual).when(decide, **said, moves=lifecycle({"verb": verb, "when": [here]})).events
    if elsewhere is not None:
        decided = given(*usual).when(decide, **said, moves=lifecycle({"verb": verb, "when": [elsewhere]}))
        decided.refused(409, f"cannot be {domain.VERBS[verb].done} by you: it must be {elsewhere.replace('_', ' ')}.")
        two = lifecycle({"verb": verb, "when": [elsewhere], "by": ["agent"]}, {"verb": verb, "by": ["lead"]})
        given(*usual).when(decide, **said, moves=two).refused(409, "As it is, it can by lead.")


@pytest.mark.parametrize(("verb", "decide", "said", "usual"), WORDLESS, ids=VERB_IDS)
def test_what_is_said_of_another_verb_changes_nothing(verb, decide, said, usual):
    other = next(name for name in VERB_IDS if name != verb)
    assert given(*usual).when(decide, **said, moves=lifecycle({"verb": other, "by": ["nobody"]})).events


@pytest.mark.parametrize(("verb", "decide", "said"), [c[:3] for c in COMMANDS[:-1]], ids=VERB_IDS[:-1])
def test_what_a_verb_means_no_lifecycle_changes(verb, decide, said):
    """Where it makes no sense it stays refused, whatever is configured."""
    wide = lifecycle({"verb": verb, "when": ["new", "open", "on_hold", "resolved", "closed"]})
    facts = {"new": (), "open": OPEN, "on_hold": ON_HOLD, "resolved": DONE, "closed": GONE}
    for status in {"new", "open", "on_hold", "resolved", "closed"} - domain.VERBS[verb].at:
        given(*facts[status]).when(decide, **said, moves=wide).refused(409, "A ticket that is")


def test_nothing_is_configured_and_everything_is_as_it_was():
    given().when(domain.close, message=None).refused(409, "nobody has worked on it yet")
    given().when(domain.close, message=None, moves=moves_of(None, frozenset({"requester"}))).refused(
        409, "nobody has worked"
    )
    given().when(domain.close, message=None, moves=lifecycle({"verb": "close", "by": ["agent"]})).refused(
        409, "must be on hold or open or resolved"
    )


def test_a_new_ticket_is_closed_where_the_desk_says_so():
    new = {"verb": "close", "when": ["new", "resolved"]}
    given().when(domain.close, message=None, to="spam", moves=lifecycle(new)).then("started", "closed")
    given().when(domain.close, message=None, moves=lifecycle(new, roles="requester", desk=False)).then("closed")
    given(*OPEN).when(domain.close, message=None, moves=lifecycle(new)).refused(409, "must be new or resolved")


def test_tasks_block_closing_under_any_lifecycle():
    task = fact("task_added", {"task": "t", "blocks": True}, title="x")
    given(*OPEN, task).when(domain.close, message=None, moves=lifecycle({"verb": "close"})).refused(
        409, "1 open tasks", field="tasks"
    )


# -- states ---------------------------------------------------------------------------------------------------------------


def test_a_move_names_the_state_it_leads_to():
    (held,) = given(*OPEN).when(domain.hold, reason=None, until=None, to="waiting", moves=ANY).then("held")
    assert held.data == {"until": None, "state": "waiting", "previous": "open"}
    assert given(*OPEN, held).state.state == "waiting"
    (resumed,) = given(*OPEN, held).when(domain.resume, to="review", moves=ANY).then("resumed")
    assert given(*OPEN, held, resumed).state.state == "review"
    (resolved,) = given(*OPEN).when(domain.resolve, resolution="x", to="worked-around", moves=ANY).then("resolved")
    (closed,) = given(*OPEN, resolved).when(domain.close, message=None, to="spam", moves=ANY).then("closed")
    (reopened,) = (
        given(*OPEN, resolved, closed).when(domain.reopen, message=None, to="review", moves=ANY).then("reopened")
    )
    assert reopened.data == {"previous": "closed", "previous_state": "spam", "state": "review"}
    assert standing(*OPEN, resolved, closed, reopened) == ("open", "review")


def test_a_move_that_names_none_leads_to_none_and_its_event_says_nothing_new():
    state = given(*OPEN, WAITING).when(domain.resume, moves=ANY)
    assert state.then("resumed")[0].data == {"previous": "on_hold", "previous_state": "waiting"}
    assert given(*OPEN, WAITING, *state.events).state.state is None
    (closed,) = given(*OPEN, WAITING).when(domain.close, message=None, moves=ANY).then("closed")
    assert closed.data == {"previous": "on_hold", "previous_state": "waiting"}


@pytest.mark.parametrize("to", ["review", "old", "nothing", "on_hold"])
def test_a_state_must_be_one_of_the_status_that_can_be_chosen(to):
    given(*OPEN).when(domain.hold, reason=None, until=None, to=to, moves=ANY).refused(
        422, "must be one of waiting", field="state"
    )
    given(*OPEN).when(domain.hold, reason=None, until=None, to=to).refused(422, "none is configured", field="state")


def test_a_hold_that_goes_on_stays_in_its_state_also_in_one_that_is_retired():
    (held,) = given(*OPEN, WAITING).when(domain.hold, reason=None, until="2026-12-01T00:00:00Z", moves=ANY).then("held")
    assert held.data["state"] == "waiting"
    retired = fact("held", {"until": None, "state": "old"})
    (held,) = given(*OPEN, retired).when(domain.hold, reason=None, until=None, moves=ANY).then("held")
    assert held.data["state"] == "old"
    given(*OPEN, retired, HELD).when(domain.hold, reason=None, until=None, to="old", moves=ANY).refused(
        422, field="state", words="waiting"
    )


def test_the_state_changes_within_the_status():
    (changed,) = given(*OPEN).when(domain.change_state, to="review", moves=ANY).then("state_changed")
    assert changed.data == {"state": "review", "previous": None}
    given(*OPEN, changed).when(domain.change_state, to="review", moves=ANY).nothing()
    (back,) = given(*OPEN, changed).when(domain.change_state, to=None, moves=ANY).then("state_changed")
    assert back.data == {"state": None, "previous": "review"}
    given(*OPEN).when(domain.change_state, to="waiting", moves=ANY).refused(409, "tickets that are on hold")
    given(*OPEN).when(domain.change_state, to="nothing", moves=ANY).refused(422, "must be one of review", field="state")
    given(*OPEN).when(domain.change_state, to="review").refused(422, "none is configured", field="state")
    given(*GONE).when(domain.change_state, to="spam", moves=ANY).then("state_changed")


def test_an_agent_who_takes_up_a_new_ticket_into_a_state_begins_it_and_one_who_sorts_it_does_not():
    given().when(domain.change_state, to="review", moves=ANY).then("started", "state_changed")
    given().when(domain.change_state, to="triage", moves=ANY).then("state_changed")
    sorted_ = fact("state_changed", {"state": "triage", "previous": None})
    assert given(sorted_, STARTED).state.state is None
    assert given(*OPEN, fact("state_changed", {"state": "review", "previous": None}), STARTED).state.state == "review"


def test_where_it_leads_to_is_configured():
    ways = lifecycle(
        {"verb": "state", "when": ["open"], "to": ["review"]}, {"verb": "state", "when": ["review"], "to": ["open"], "by": ["lead"]},
        {"verb": "hold", "to": ["waiting"]},
    )  # fmt: skip
    reviewed = (*OPEN, fact("state_changed", {"state": "review", "previous": None}))
    given(*OPEN).when(domain.change_state, to="review", moves=ways).then("state_changed")
    given(*reviewed).when(domain.change_state, to=None, moves=ways).refused(409, "into review only", field="state")
    given(*reviewed).when(domain.change_state, to=None, moves=replace(ways, roles=frozenset({"lead"}))).then(
        "state_changed"
    )
    given(*OPEN).when(domain.hold, reason=None, until=None, moves=ways).refused(409, "into waiting only", field="state")
    given(*OPEN).when(domain.hold, reason=None, until=None, to="waiting", moves=ways).then("held")


def test_a_state_is_a_place_to_move_from():
    only = lifecycle({"verb": "close", "when": ["worked-around"]})
    given(*DONE).when(domain.close, message=None, moves=only).refused(
        409, "that is resolved cannot be closed by you: it must be worked-around"
    )
    around = fact("resolved", {"state": "worked-around"})
    given(STARTED, around).when(domain.close, message=None, moves=only).then("closed")
    wide = lifecycle({"verb": "close", "when": ["resolved"]})
    given(STARTED, around).when(domain.close, message=None, moves=wide).then("closed")
    resolved_only = lifecycle({"verb": "reopen", "when": ["closed"]})
    given(STARTED, around).when(domain.reopen, message=None, moves=resolved_only).refused(
        409, "resolved (worked-around) cannot"
    )


def test_requesters_learn_nothing_of_what_is_the_desks():
    only = {"verb": "close", "when": ["waiting", "review"], "by": ["requester"]}
    refused = given(*DONE).when(domain.close, message=None, moves=lifecycle(only, roles="requester", desk=False))
    refused.refused(409, "it must be review.")
    around = fact("resolved", {"state": "worked-around"})
    refused = given(STARTED, around).when(
        domain.close, message=None, moves=lifecycle(only, roles="requester", desk=False)
    )
    refused.refused(409, "A ticket that is resolved".lower())
    assert "worked-around" not in refused.refusal.detail
    hidden = {"verb": "close", "when": ["waiting"], "by": ["requester"]}
    given(*DONE).when(domain.close, message=None, moves=lifecycle(hidden, roles="requester", desk=False)).refused(
        409, "must be further on"
    )
    given(*DONE).when(domain.close, message=None, to="spam", moves=lifecycle(roles="requester", desk=False)).refused(
        422, "none is configured", field="state"
    )


def test_a_merge_gives_the_state_back():
    merged = fact("merged", {"into": OTHER, "previous": "on_hold"})
    assert given(*OPEN, WAITING, merged).state.state is None
    (unmerged,) = given(*OPEN, WAITING, merged).when(domain.unmerge, message=None).then("unmerged")
    assert unmerged.data == {"into": OTHER, "status": "on_hold", "state": "waiting"}
    assert given(*OPEN, WAITING, merged, unmerged).state.state == "waiting"
    assert given(*OPEN, WAITING, merged, merged, unmerged).state.state == "waiting", "twice merged, once unmerged"


def test_what_happens_by_itself_asks_nobody():
    """The customer writes, silence lasts, a hold ends: the desk's policy, which `judge` is not asked about."""
    assert [e.type for e in domain.customer_wrote(given(*OPEN, WAITING).state)] == ["ledgerdesk.ticket.resumed"]
    assert given(*OPEN, WAITING, *domain.customer_wrote(given(*OPEN, WAITING).state)).state.state is None


def test_any_fact_in_any_state():
    odd = fact("resumed", {"state": "never-configured"})
    assert given(odd).state.state == "never-configured"
    assert standing(*GONE, fact("state_changed", {"state": "review"})) == ("closed", "review")


FACTS = st.one_of(
    st.sampled_from([STARTED, HELD, WAITING, RESOLVED, CLOSED, fact("merged", {"into": OTHER, "previous": "open"})]),
    st.builds(
        lambda name, key: fact(name, {"state": key}), st.sampled_from(["resumed", "reopened", "closed", "state_changed"]),
        st.sampled_from([None, "review", "waiting"]),
    ),
    st.builds(
        lambda status, key: fact("unmerged", {"into": OTHER, "status": status, "state": key}),
        st.sampled_from(["open", "on_hold"]), st.sampled_from([None, "review"]),
    ),
)  # fmt: skip


@hypothesis.given(st.lists(FACTS, max_size=12))
def test_the_view_says_what_the_ledger_says_whatever_an_import_states(facts):
    life, row = Life(), rows.initial(UUID(int=1))
    for version, one in enumerate(facts, 1):
        event = event_of_fact(one, "workflow", UUID(int=1), version)
        life, row = domain.evolve(life, event), rows.evolve(row, event)
        assert (row.status, row.state) == (life.status, life.state)
    if life.merged_into is not None:
        assert (row.before_merge, row.state_before_merge) == (life.before_merge, life.state_before_merge)


# -- undoing a bulk move ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "done", "names"),
    [
        ((*OPEN, WAITING), CLOSED, ["reopened", "held"]), ((*OPEN, WAITING), fact("resumed"), ["held"]),
        ((*OPEN, fact("state_changed", {"state": "review", "previous": None})), RESOLVED, ["reopened"]),
        ((*OPEN, fact("state_changed", {"state": "review", "previous": None})), HELD, ["resumed"]),
        ((STARTED, fact("resolved", {"state": "worked-around"})), CLOSED, ["reopened", "resolved"]),
        ((*OPEN, WAITING), fact("state_changed", {"state": None, "previous": "waiting"}), ["state_changed"]),
        ((fact("state_changed", {"state": "triage", "previous": None}),), fact("state_changed", {"state": None, "previous": "triage"}), ["state_changed"]),
    ],
)  # fmt: skip
def test_an_undone_move_is_back_where_it_was(before, done, names):
    was = given(*before).state
    event = given(*before, done)
    assert (event.state.status, event.state.state) != (was.status, was.state)
    facts = bulk._undo[done.type.rsplit(".", 1)[-1]](was, event_of_fact(done, "workflow", UUID(int=1), was.version + 1))
    assert [f.type.rsplit(".", 1)[-1] for f in facts] == names
    need_where_from(given, [*before, done], facts)
    after = given(*before, done, *facts).state
    assert (after.status, after.state) == (was.status, was.state)


# -- what is left to somebody ----------------------------------------------------------------------------------------------


def test_the_moves_that_are_left_are_those_that_are_not_refused():
    ways = lifecycle(
        {"verb": "close", "when": ["resolved"], "by": ["requester"]}, {"verb": "hold", "to": ["waiting"], "message": True},
        {"verb": "escalate", "by": ["lead"]},
    )  # fmt: skip
    found = {move.verb: move for move in possible(given(*OPEN).state, ways)}
    assert set(found) == {"hold", "resolve", "acknowledge", "prioritise", "state"}
    assert (found["hold"].states, found["hold"].plain, found["hold"].message) == (["waiting"], False, True)
    assert (found["state"].states, found["state"].plain) == (["review"], True)
    asked = replace(ways, roles=frozenset({"requester"}), desk=False)
    assert [move.verb for move in possible(given(*DONE).state, asked) if domain.VERBS[move.verb].requesters] == [
        "close",
        "reopen",
    ]
    assert {move.verb for move in possible(given(*OPEN).state, Moves())} == {
        "hold",
        "resolve",
        "close",
        "escalate",
        "acknowledge",
        "prioritise",
    }
    assert possible(replace(given().state, status="merged"), ANY) == []
    new = {move.verb: move for move in possible(given().state, ANY)}
    assert new["state"].states == ["triage", "review"]
    assert "close" not in new


# -- configuring ----------------------------------------------------------------------------------------------------------


def wrong(states=(), moves=(), roles=()) -> dict[str, str]:
    entry = {
        "states": [LifecycleState(**state).model_dump() for state in states],
        "moves": [LifecycleMove(**move).model_dump() for move in moves],
    }
    return domain.faults(entry, frozenset(roles))


def test_what_is_wrong_with_a_lifecycle_is_told():
    assert (
        wrong(
            STATES,
            [{"verb": "close", "when": ["resolved", "review"], "to": ["spam", "closed"], "by": ["lead", "requester"]}],
        )
        == {}
    )
    assert list(wrong([STATES[1], STATES[1]])) == ["states.1.key"]
    assert list(wrong([{"key": "open", "name": "x", "status": "open"}])) == ["states.0.key"]
    assert "closed" in wrong(STATES, [{"verb": "hold", "when": ["closed"]}])["moves.0.when"]
    assert (
        "must be of new, on_hold, open, resolved" in wrong([], [{"verb": "close", "when": ["nowhere"]}])["moves.0.when"]
    )
    assert "must be of old, on_hold, waiting" in wrong(STATES, [{"verb": "hold", "to": ["review"]}])["moves.0.to"]
    assert wrong(STATES, [{"verb": "escalate", "to": ["review"]}])["moves.0.to"].endswith("must be left out")
    assert "senior" in wrong([], [{"verb": "close", "by": ["senior"]}])["moves.0.by"]
    assert wrong([], [{"verb": "close", "by": ["senior"]}], ["senior"]) == {}
    assert "requester" in wrong([], [{"verb": "hold", "by": ["requester"]}])["moves.0.by"]
