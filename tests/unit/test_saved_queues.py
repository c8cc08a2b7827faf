"""Saved queues: what is decided, what is remembered, and which questions they may ask."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from services.workflow.domain.queues import (
    REMOVED,
    SAVED,
    SavedQueue,
    SaveQueue,
    change_queue,
    evolve_queue,
    make_queue,
    remove_queue,
)
from services.workflow.saved_queues import question_of
from services.workflow.views.queue import QueueView
from shared.contracts.erasing import QUEUE_ERASED
from shared.contracts.event import NewEvent, Via
from shared.http.problems import Problem
from shared.http.rights import Caller
from shared.testing.events import event_of_fact
from shared.testing.given import scenario

PERSON = "00000000-0000-4000-8000-000000000001"
OTHER = "00000000-0000-4000-8000-000000000002"
PRINTERS = SaveQueue("Printers", {"tag": ["printer"], "status": ["new", "open"]}, "nobody", None, [], "-updated_at", 0)
DATA = {"person_id": PERSON, "share": "nobody", "team": None, "columns": [], "sort": "-updated_at", "order": 0}
WORDS = {"name": "Printers", "filters": {"status": ["new", "open"], "tag": ["printer"]}}
IT = NewEvent(SAVED, DATA, WORDS)
GONE = NewEvent(REMOVED, {"person_id": PERSON})
BLANK = NewEvent(QUEUE_ERASED, {"reason": "asked", "versions": {"saved": [1]}})


queues = scenario("workflow", SavedQueue, evolve_queue)


def test_a_queue_is_saved_once():
    queues().when(lambda s: make_queue(s, PERSON, PRINTERS)).then(IT)
    queues(IT).when(lambda s: change_queue(s, PRINTERS)).then()


def test_whom_it_names_stands_by_id_where_nothing_is_blanked():
    naming = replace(PRINTERS, named=(OTHER,))
    queues().when(lambda s: make_queue(s, PERSON, naming)).then(NewEvent(SAVED, {**DATA, "named": [OTHER]}, WORDS))
    queues(IT).when(lambda s: change_queue(s, naming)).then(NewEvent(SAVED, {**DATA, "named": [OTHER]}, WORDS))


def test_what_changes_keeps_its_owner():
    other = SaveQueue("Mine", {}, "team", "on-call", ["topic"], "created_at", 3)
    queues(IT).when(lambda s: change_queue(s, other)).then(
        NewEvent(
            SAVED,
            {**DATA, "share": "team", "team": "on-call", "columns": ["topic"], "sort": "created_at", "order": 3},
            {"name": "Mine", "filters": {}},
        )
    )


def test_what_is_removed_is_gone():
    queues(IT).when(remove_queue).then(GONE)
    queues(IT, GONE).when(remove_queue).then()
    queues().when(remove_queue).then()
    queues(IT, GONE).when(lambda s: change_queue(s, PRINTERS)).refused(404)


def caller(person: str | None = PERSON) -> Caller:
    return Caller(UUID(person) if person else None, "john", "John", None, frozenset({"agent"}), Via("session", "x"))


def test_a_question_is_that_of_the_list():
    query = question_of(
        {"status": ["new", "open"], "team": ["on-call"], "answered": ["true"], "field.building": ["B7"]}, "created_at", caller()
    )  # fmt: skip
    assert (query.status, query.team, query.answered, query.fields, query.sort) == (
        ["new", "open"], "on-call", True, {"field.building": ["B7"]}, "created_at",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ({"nonsense": ["x"]}, "nonsense"), ({"limit": ["5"]}, "limit"), ({"cursor": ["x"]}, "cursor"), ({"sort": ["created_at"]}, "sort"),
        ({"team": ["a", "b"]}, "team"), ({"status": ["asleep"]}, "status"), ({"answered": ["perhaps"]}, "answered"),
        ({"created_from": ["yesterday"]}, "created_from"), ({"involved": ["ken"]}, "involved"),
    ],
)  # fmt: skip
def test_a_question_that_the_list_would_refuse_is_refused(filters, field):
    with pytest.raises(Problem) as refused:
        question_of(filters, "-updated_at", caller())
    assert refused.value.status == 422
    assert list(refused.value.fields) == [f"filters.{field}"]


@pytest.mark.parametrize("name", ["assignee", "teams", "involved", "watching", "task"])
def test_me_is_a_person(name):
    assert getattr(question_of({name: ["me"]}, "-updated_at", caller()), name) == "me"
    with pytest.raises(Problem):
        question_of({name: ["me"]}, "-updated_at", caller(None))


@any_of(st.lists(st.sampled_from([IT, GONE, BLANK]), max_size=8))
def test_the_view_and_the_decider_agree(facts):
    view, state = QueueView(), SavedQueue()
    row = view.initial(UUID(PERSON))
    for version, fact in enumerate(facts, 1):
        event = event_of_fact(fact, "workflow", UUID(int=1), version)
        row, state = view.evolve(row, event), evolve_queue(state, event)
    there = state.data is not None
    assert there == (row.person_id is not None and not row.removed)
    assert (row.name is not None) == (there and state.personal is not None)
