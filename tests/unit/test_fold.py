"""The projector's fold: order between owners, duplicates, re-delivery and batches change nothing; gaps and poison stay local."""

import itertools
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import reduce
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.gateway.views import TicketView as GatewayTickets
from services.intake.views import TicketView as IntakeTickets
from services.knowledge.views import TicketView as KnowledgeTickets
from services.routing.views import TicketView as RoutingTickets
from services.workflow.domain import Life, evolve
from services.workflow.domain.state import Task
from services.workflow.views import TicketView as WorkflowTickets
from shared.contracts.erasing import TICKET_ERASED, erase, erased
from shared.contracts.event import Event, NewEvent
from shared.projection.folding import fold
from shared.projection.model import AnyModel, concerns
from shared.testing.events import NOON, created, event_of_fact, message

MODELS = {
    m.name: m for m in (IntakeTickets(), RoutingTickets(), WorkflowTickets(), KnowledgeTickets(), GatewayTickets())
}
JOHN, JANE = (f"00000000-0000-0000-0000-00000000000{n}" for n in (1, 2))
NOBODY, WHY = {"agent": None, "team": None}, {"by": "person", "reason": "test"}
STREAMS = [UUID(int=1), UUID(int=2)]


def fact(name: str, **data: object) -> NewEvent:
    return NewEvent(f"ledgerdesk.ticket.{name}", data)


LATER, LAST = "2026-12-24T00:00:00.000000Z", "2026-12-31T00:00:00.000000Z"
MAYBE = st.sampled_from
ERASED = fact("personal_erased")  # of a few of the events before it: see `histories`
FACTS = {
    "intake": st.builds(created, MAYBE(["100001", "100002"]), priority=MAYBE([None, "low", "high"]),
                        department=MAYBE([None, "support"]), tags=MAYBE([[], ["vpn"]]), words=MAYBE([None, {"w": "asked"}]),
                        fields=MAYBE([{}, {"f": 1}])) | st.just(message()) | st.just(ERASED),
    "routing": st.one_of(
        st.builds(fact, st.just("assigned"), agent=MAYBE([None, JOHN, JANE]), team=MAYBE([None, "on-call"]),
                  previous=st.just(NOBODY), why=st.just(WHY)),
        st.just(fact("unassigned", previous=NOBODY, why=WHY)),
        st.builds(fact, st.just("transferred"), department=MAYBE([None, "support", "sysadmin"]), previous=st.none(),
                  why=st.just(WHY)),
        st.just(fact("rule_applied", rule="r", rule_version=1, changes={"priority": "high"})),
        st.just(fact("teleported", to="somewhere")),  # a type this program does not know
        st.just(ERASED),
    ),
    "workflow": st.one_of(
        st.builds(lambda name: NewEvent(f"ledgerdesk.ticket.{name}", {}, {"body": "words"}), MAYBE(["noted", "replied"])),
        st.just(NewEvent("ledgerdesk.ticket.resolved", {}, {"resolution": "words"})),
        st.builds(fact, MAYBE(["started", "noted", "replied", "resumed", "resolved", "closed", "acknowledged"])),
        st.builds(fact, st.just("held"), until=MAYBE([None, "2026-12-01T00:00:00.000000Z"])),
        st.builds(fact, st.just("prioritised"), priority=MAYBE([None, "low", "high"]), severity=MAYBE([None, "Sev-A"]),
                  previous=st.just({})),
        st.builds(fact, st.just("reopened"), previous=st.just("closed")),
        st.builds(fact, st.just("escalated"), level=st.integers(1, 3)),
        st.builds(fact, st.just("tagged"), added=MAYBE([[], ["a"], ["vpn"]]), removed=MAYBE([[], ["b"], ["vpn"]])),
        st.builds(lambda new, words, as_created: NewEvent(
            "ledgerdesk.ticket.fields_changed",
            {"new": new, "worded": {key: word is not None for key, word in words.items()}, "as_created": as_created},
            {"new": {key: word for key, word in words.items() if word}, "old": {}}),
            MAYBE([{}, {"f": 2}, {"f": None, "g": ["x"]}]), MAYBE([{}, {"w": "said"}, {"w": None}]), MAYBE([[], ["f"], ["w"]])),
        st.builds(fact, MAYBE(["linked", "unlinked"]), kind=MAYBE(["parent", "related"]), other=MAYBE([JOHN, JANE])),
        st.builds(fact, st.just("merged"), into=MAYBE([JOHN, JANE]), previous=st.just("open")),
        st.builds(fact, st.just("unmerged"), into=st.just(JOHN), status=MAYBE(["open", "closed"])),
        st.builds(fact, MAYBE(["watched", "unwatched"]), person_id=MAYBE([JOHN, JANE])),
        st.builds(fact, st.just("time_logged"), minutes=st.integers(1, 9), on=st.just("2026-11-01")),
        st.builds(fact, st.just("rated"), score=st.integers(1, 5)),
        st.builds(fact, MAYBE(["task_added", "task_changed"]), task=MAYBE([JOHN, JANE]), agent=MAYBE([None, JOHN])),
        st.builds(lambda due, warn, left: fact(
            "sla_scheduled", plan="gold", plan_version=1, reason="test", clocks=[
                {"target": "resolution", "start": LATER, "minutes": 5, "due": due, "warn": warn, "left": left}]),
            MAYBE([None, LATER]), MAYBE([None, LATER]), MAYBE([None, 5.0])),
        st.builds(fact, MAYBE(["sla_warned", "sla_met"]), target=MAYBE(["own", "resolution"]), start=st.just(LATER),
                  at=st.just(LATER), due=MAYBE([None, LATER]), late=st.booleans(), seconds=st.just(1.0)),
        st.builds(fact, st.just("sla_breached"), target=st.just("resolution"), start=MAYBE([LATER, LAST]), due=st.just(LATER),
                  next_at=MAYBE([None, LATER])),
        st.builds(fact, st.just("escalated"), level=st.just(2), plan=st.just("gold"), next_at=MAYBE([None, LATER])),
        st.builds(fact, st.just("close_warned"), closes_at=MAYBE([LATER, LAST])),
        st.builds(fact, MAYBE(["task_done", "task_reopened", "task_dropped"]), task=MAYBE([JOHN, JANE])),
        st.just(ERASED),
    ),
}  # fmt: skip


@st.composite
def histories(draw) -> dict[tuple[UUID, str], list[Event]]:
    """What each owner says of each ticket, in its own order; clocks of owners disagree, and go back."""
    found = {}
    for stream in STREAMS:
        for source, facts in FACTS.items():
            chosen = draw(st.lists(facts, max_size=5))
            if source == "intake":
                chosen = [draw(st.builds(created)), *chosen]
            seconds = draw(st.lists(st.integers(0, 9), min_size=len(chosen), max_size=len(chosen)))
            events = found[stream, source] = []
            for version, (f, s) in enumerate(zip(chosen, seconds, strict=True), 1):
                said = f
                if f is ERASED:
                    names = draw(
                        st.sets(
                            MAYBE(["created", "message_received", "noted", "replied", "resolved", "fields_changed"])
                        )
                    )
                    decided = erase(events, lambda e, names=names: e.name in names, TICKET_ERASED, "asked", JOHN)
                    nothing = fact("personal_erased", reason="asked", person_id=JOHN, versions={})
                    said = decided[0] if decided else nothing
                events.append(event_of_fact(said, source, stream, version, occurred_at=NOON + timedelta(seconds=s)))
    return found


@st.composite
def delivered(draw, events: list[Event]) -> list[Event]:
    """One owner's events as a relay may send them: in order, with pages sent again from any earlier place."""
    sent: list[Event] = []
    at = 0
    while at < len(events):
        upto = draw(st.integers(at + 1, len(events)))
        again = draw(st.integers(0, at))
        sent += events[again:upto]
        at = upto
    return sent + (events[draw(st.integers(0, len(events) - 1)) :] if events and draw(st.booleans()) else [])


@st.composite
def interleaved(draw, parts: list[list[Event]]) -> list[Event]:
    """Any merge of sequences that keeps each in its order."""
    left = [list(part) for part in parts if part]
    merged: list[Event] = []
    while left:
        which = draw(st.integers(0, len(left) - 1))
        merged.append(left[which].pop(0))
        left = [part for part in left if part]
    return merged


@st.composite
def batches(draw, events: list[Event]) -> list[list[Event]]:
    cuts = sorted(draw(st.lists(st.integers(0, len(events)), max_size=6)))
    edges = [0, *cuts, len(events)]
    return [events[one:other] for one, other in itertools.pairwise(edges)]


@dataclass
class View:
    """A view in memory, moved batch by batch as the projector does it."""

    model: AnyModel

    def __post_init__(self):
        self.rows, self.applied, self.gaps, self.parked = {}, [], {}, []

    def take(self, events: list[Event]) -> None:
        mine = [event for event in events if concerns(self.model, event.type, event.source)]
        done = fold(self.model, self.rows, mine, {(e.stream_id, e.source) for e, _ in self.parked})
        self.rows.update(done.rows)
        self.applied += done.applied
        self.gaps.update(done.gaps)
        self.parked += done.parked


def in_order(model: AnyModel, history) -> dict[UUID, object]:
    """Fold each owner's sequence once, one owner after the other, with nothing but `evolve`."""
    rows = {}
    for (stream, _), events in history.items():
        mine = [event for event in events if concerns(model, event.type, event.source)]
        if mine:
            rows[stream] = reduce(model.evolve, mine, rows.get(stream) or model.initial(stream))
    return rows


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=60)
@given(st.data())
def test_any_interleaving_duplication_and_split_gives_the_same_state(name, data):
    history = data.draw(histories())
    parts = [data.draw(delivered(events)) for events in history.values()]
    stream = data.draw(interleaved(parts))
    view = View(MODELS[name])
    for batch in data.draw(batches(stream)):
        view.take(batch)
    assert view.rows == in_order(MODELS[name], history)
    assert not view.gaps
    assert not view.parked
    ids = [event.event_id for event in view.applied]
    assert len(ids) == len(set(ids)), "each event is applied once"


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=60)
@given(st.data())
def test_what_was_read_before_it_was_blanked_comes_to_the_same_as_what_was_read_after(name, data):
    history = data.draw(histories())
    blank = {
        part: [replace(e, personal=None) if (e.source, e.version) in erased(events) else e for e in events]
        for part, events in history.items()
    }
    assert in_order(MODELS[name], history) == in_order(MODELS[name], blank)


@settings(max_examples=200)
@given(st.data())
def test_the_row_says_what_workflow_decides_by(data):
    """The view folds by functions of its own, over all owners; of workflow's slots it must come to what the ledger comes to."""
    for (_, source), events in data.draw(histories()).items():
        if source != "workflow":
            continue
        row, life = (
            reduce(WorkflowTickets.evolve, events, WorkflowTickets.initial(UUID(int=1))),
            reduce(evolve, events, Life()),
        )
        assert (row.status, row.set_priority, row.set_severity) == (life.status, life.priority, life.severity)
        assert row.tag_changes == life.tags
        assert row.field_changes == life.fields
        assert {(link["kind"], link["other"]) for link in row.links} == life.links
        assert (str(row.merged_into) if row.merged_into else None) == life.merged_into
        assert set(row.watchers) == life.watchers
        assert row.minutes == sum(life.minutes.values())
        assert {
            task["id"]: Task(task["agent"], task["due"], task["blocks"], task["done"]) for task in row.tasks
        } == life.tasks
        assert row.score == life.score


@settings(max_examples=60)
@given(st.data())
def test_a_missing_event_is_a_gap_until_the_owner_has_told_it(data):
    history = data.draw(histories())
    model = MODELS["workflow.ticket"]
    place = data.draw(st.sampled_from([p for p, events in history.items() if len(events) > 1] or [None]))
    if place is None:
        return
    events = history[place]
    lost = data.draw(st.integers(0, len(events) - 2))
    broken = {**history, place: [e for n, e in enumerate(events) if n != lost]}
    view = View(model)
    for batch in data.draw(batches(data.draw(interleaved(list(broken.values()))))):
        view.take(batch)
    assert set(view.gaps) == {place}
    have, want = view.gaps[place]
    assert (have, want) == (lost, len(events))
    if place[0] in view.rows:
        assert view.rows[place[0]].versions.get(place[1], 0) == lost
    view.take(events[have:])  # what the owner's stream answers
    assert view.rows == in_order(model, history)


class Fragile:
    """A view that cannot fold one event."""

    def __init__(self, model: AnyModel, poison: UUID) -> None:
        self._model, self._poison = model, poison
        self.healed = False

    def __getattr__(self, name):
        return getattr(self._model, name)

    def evolve(self, state, event):
        if event.event_id == self._poison and not self.healed:
            raise RuntimeError("poison")
        return self._model.evolve(state, event)


@settings(max_examples=60)
@given(st.data())
def test_poison_parks_its_own_stream_and_owner_and_nothing_else(data):
    history = data.draw(histories())
    place = data.draw(st.sampled_from([p for p, events in history.items() if events]))
    bad = data.draw(st.sampled_from(history[place]))
    model = Fragile(MODELS["workflow.ticket"], bad.event_id)
    view = View(model)
    for batch in data.draw(batches(data.draw(interleaved(list(history.values()))))):
        view.take(batch)
    rest = history[place][bad.version - 1 :]
    assert [event for event, _ in view.parked] == rest, "parked in version order"
    assert view.parked[0][1] == "RuntimeError: poison"
    others = {**history, place: history[place][: bad.version - 1]}
    assert view.rows == in_order(MODELS["workflow.ticket"], others), "the rest flows"
    model.healed = True
    again, view.parked = view.parked, []
    view.take([event for event, _ in again])
    assert view.rows == in_order(MODELS["workflow.ticket"], history)


def test_an_event_of_a_newer_schema_is_parked_and_an_unknown_type_is_counted():
    model = MODELS["workflow.ticket"]
    stream = STREAMS[0]
    newer = event_of_fact(message(), "intake", stream, 2, schema_version=9)
    unknown = event_of_fact(fact("teleported"), "routing", stream, 1)
    done = fold(model, {}, [event_of_fact(created(), "intake", stream, 1), newer, unknown], set())
    assert [(event.version, reason.split(":")[0]) for event, reason in done.parked] == [(2, "NewerSchemaError")]
    assert done.rows[stream].versions == {"intake": 1, "routing": 1}


def test_states_are_not_changed_in_place():
    model = MODELS["workflow.ticket"]
    before = fold(model, {}, [event_of_fact(created(), "intake", STREAMS[0], 1)], set()).rows
    copy = dict(before)
    fold(model, before, [event_of_fact(fact("assigned", agent=JOHN), "routing", STREAMS[0], 1)], set())
    assert before == copy
    assert before[STREAMS[0]].agent is None
