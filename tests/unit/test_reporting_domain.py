"""What events count as, in timeline order; and that no interleaving, duplication or batch changes it."""

from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reporting.domain import Counts, Entry, Ticket, count, entries_of, evolve, follows, initial, refold
from services.reporting.views import ReportView
from shared.contracts.event import Event, NewEvent
from shared.projection.folding import fold
from shared.testing.events import NOON, event_of_fact

TICKET = UUID(int=1)
JOHN, JANE = UUID(int=11), UUID(int=12)
OWNER = {
    "created": "intake", "message_received": "intake", "assigned": "routing", "unassigned": "routing", "transferred": "routing",
    "rule_applied": "routing",
}  # fmt: skip


def at(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


class Story:
    """Events of one ticket, each owner's numbered as they are told."""

    def __init__(self):
        self.events: list[Event] = []

    def __call__(
        self, name, minute=0, *, actor=JOHN, via="session", command=None, row=None, activity=None, log="log", **data
    ):
        source = OWNER.get(name, "workflow")
        version = 1 + sum(e.source == source for e in self.events)
        if row is not None:
            data["origin"] = {"log": log, "case": "C1", "row": row, "activity": activity or name, "actor": str(actor)}
        self.events.append(
            event_of_fact(
                NewEvent(f"ledgerdesk.ticket.{name}", data), source, TICKET, version, occurred_at=at(minute),
                actor={"kind": "person", "id": str(actor)}, via={"kind": via, "id": "x"},
                **({"correlation": UUID(int=command)} if command else {}),
            )
        )  # fmt: skip
        return self

    @property
    def row(self) -> Ticket:
        row = initial(TICKET)
        for event in self.events:
            row = evolve(row, event)
        return row

    @property
    def written(self) -> list[tuple[Entry, Counts]]:
        return refold(self.row, {}, entries_of(initial(TICKET), self.events))[0]

    def kinds(self) -> list[str | None]:
        return [counts.kind for _, counts in self.written]


def story() -> Story:
    return Story()("created", 0, department="support", topic="vpn", priority="high")


def test_every_step_of_a_life_counts_once():
    told = story()("started", 1)("held", 2)("resumed", 3)("resolved", 4)("closed", 5)("reopened", 6)("resolved", 7)
    assert told.kinds() == ["created", "started", "held", "resumed", "resolved", "closed", "reopened", "resolved"]


@pytest.mark.parametrize(
    ("before", "name"),
    [
        ([], "created"),
        (["resolved"], "resolved"),
        (["closed"], "closed"),
        (["started"], "started"),
        (["resolved"], "started"),
        (["started"], "resumed"),
        (["started"], "reopened"),
    ],
)
def test_what_states_what_was_so_already_counts_as_nothing(before, name):
    told = story()
    for minute, earlier in enumerate(before, 1):
        told(earlier, minute)
    told(name, 9)
    entry, counts = told.written[-1]
    assert (entry.name, counts.kind) == (name, None)
    assert counts.counts_row  # it stays an activity, and an entry of the timeline
    assert (counts.open_delta, counts.unresolved_delta, counts.on_hold_delta) == (0, 0, 0)


def test_a_hold_counts_each_time_since_it_may_change_what_is_waited_for():
    told = story()("held", 1)("held", 2)
    assert told.kinds() == ["created", "held", "held"]
    assert [counts.on_hold_delta for _, counts in told.written] == [0, 1, 0]


def test_facts_that_no_live_desk_would_allow_are_taken():
    told = story()("closed", 1)("resolved", 2)("held", 3)
    assert told.kinds() == ["created", "closed", "resolved", "held"]
    assert [c.reopened_from for _, c in told.written] == [None, None, None, "resolved"]
    assert [c.open_delta for _, c in told.written] == [1, -1, 1, 0]
    assert [c.unresolved_delta for _, c in told.written] == [1, -1, 0, 1]
    assert (told.row.reopened_from_resolved, told.row.reopened_from_closed) == (1, 0)


def test_reopening_says_which_state_was_left():
    told = story()("resolved", 1)("reopened", 2)("closed", 3)("reopened", 4)
    assert [c.reopened_from for _, c in told.written] == [None, None, "resolved", None, "closed"]
    assert (told.row.reopened_from_resolved, told.row.reopened_from_closed) == (1, 1)


def test_dimensions_are_those_just_after_each_event():
    told = story()("assigned", 1, agent=str(JOHN))("transferred", 2, department="sysadmin")(
        "prioritised", 3, priority="low"
    )
    told("unassigned", 4)("transferred", 5, department=None)("assigned", 6, agent=None, team="on-call")
    assert [(c.department, c.agent, c.priority, c.topic) for _, c in told.written] == [
        ("support", None, "high", "vpn"),
        ("support", JOHN, "high", "vpn"),
        ("sysadmin", JOHN, "high", "vpn"),
        ("sysadmin", JOHN, "low", "vpn"),
        ("sysadmin", None, "low", "vpn"),
        (None, None, "low", "vpn"),
        (None, None, "low", "vpn"),
    ]


def test_the_row_measures_from_the_first_event_to_the_first_time_it_became_so():
    row = story()("resolved", 4)("closed", 5)("reopened", 6)("resolved", 7)("closed", 8)("noted", 20).row
    assert (row.first_at, row.first_resolved_at, row.first_closed_at, row.last_at) == (at(0), at(4), at(5), at(20))


def test_the_timeline_is_in_order_of_the_largest_time_so_far_then_row_then_owner():
    told = story()("noted", 5)("noted", 3)("assigned", 5, agent=None)("transferred", 4, department="sysadmin")
    assert [(e.name, e.at) for e, _ in told.written] == [
        ("created", at(0)),
        ("assigned", at(5)),
        ("transferred", at(5)),  # dated back, but not before what its own source said earlier
        ("noted", at(5)),
        ("noted", at(5)),
    ]
    imported = Story()("created", 0, row=1)("resolved", 0, row=2)("assigned", 0, row=3, agent=str(JOHN))
    assert [e.name for e, _ in imported.written] == ["created", "resolved", "assigned"]


def test_a_ticket_without_creation_counts_nowhere_until_it_comes():
    told = Story()("assigned", 1, agent=str(JOHN))("resolved", 2)
    assert told.kinds() == [None, None]
    assert not any(c.counts_row or c.counts_act or c.open_delta or c.status for _, c in told.written)
    told("created", 0)
    assert told.kinds() == ["created", "assigned", "resolved"]
    assert [c.status for _, c in told.written] == ["new", "new", "resolved"]


def test_a_row_of_a_log_counts_once_however_many_events_it_stated():
    told = Story()("created", 0, row=1, activity="Active")("started", 0, row=1, activity="Active")
    told("assigned", 0, row=1, activity="Active", agent=str(JANE))("noted", 0, row=2, activity="Active")
    assert [(e.row, c.counts_row, c.counts_act) for e, c in told.written] == [
        (1, True, True),
        (1, False, False),
        (1, False, False),
        (2, True, True),
    ]
    assert {e.activity for e, _ in told.written} == {"Active"}


def test_a_command_counts_once_and_a_reaction_never():
    told = story()("started", 1, command=5)("noted", 1, command=5)("noted", 2, command=6)
    told("resumed", 3, command=6, via="reaction")
    told("assigned", 3, command=6, agent=None)  # the same request, another owner: an act of its own
    assert [(e.name, c.counts_act) for e, c in told.written] == [
        ("created", True),
        ("started", True),
        ("noted", False),
        ("noted", True),
        ("assigned", True),
        ("resumed", False),
    ]
    assert all(c.counts_row for _, c in told.written)


def test_whom_a_log_names_need_be_no_id():
    told = story()("assigned", 1, agent="nobody's id")
    told.events.append(event_of_fact(NewEvent("ledgerdesk.ticket.noted", {}), "workflow", TICKET, 1, occurred_at=at(2)))
    assert [(e.actor, c.agent) for e, c in told.written] == [(JOHN, None), (JOHN, None), (None, None)]


# -- order, duplicates and batches change nothing ------------------------------------------------------------------------

NAMES = {
    "intake": ["message_received"], "routing": ["assigned", "unassigned", "transferred", "rule_applied"],
    "workflow": [
        "started", "noted", "replied", "held", "resumed", "resolved", "closed", "reopened", "prioritised", "teleported",
    ],
}  # fmt: skip


@st.composite
def histories(draw) -> list[list[Event]]:
    """What each owner says, in its own order: clocks go back, rows of a log and our own events mix, commands span events."""
    parts = []
    for source, names in NAMES.items():
        chosen = draw(st.lists(st.sampled_from(names), max_size=6))
        if source == "intake":
            chosen.insert(draw(st.integers(0, len(chosen))), "created")
        events = []
        for version, name in enumerate(chosen, 1):
            data = {
                "agent": draw(st.sampled_from([None, str(JOHN), str(JANE)])), "department": draw(st.sampled_from([None, "a", "b"])),
                "topic": "vpn", "priority": draw(st.sampled_from([None, "low", "high"])), "number": "1",
            }  # fmt: skip
            if draw(st.booleans()):
                row = draw(st.integers(1, 4))
                data["origin"] = {
                    "log": draw(st.sampled_from(["one", "one", "two"])), "case": "C", "row": row, "activity": f"did {row}",
                    "actor": str(JANE),
                }  # fmt: skip
            events.append(
                event_of_fact(
                    NewEvent(f"ledgerdesk.ticket.{name}", data), source, TICKET, version,
                    occurred_at=at(draw(st.integers(0, 5))), actor={"kind": "person", "id": str(JOHN)},
                    via={"kind": draw(st.sampled_from(["session", "reaction"])), "id": "x"},
                    correlation=UUID(int=draw(st.integers(1, 3))),
                )
            )  # fmt: skip
        parts.append(events)
    return parts


@st.composite
def deliveries(draw, parts: list[list[Event]]) -> list[list[Event]]:
    """Batches: any merge that keeps each owner's order, with anything that has been sent sent again."""
    left = [list(part) for part in parts if part]
    sent: list[Event] = []
    while left:
        part = left[draw(st.integers(0, len(left) - 1))]
        sent.append(part.pop(0))
        if draw(st.integers(0, 4)) == 0:
            sent += sent[draw(st.integers(0, len(sent) - 1)) :]
        left = [part for part in left if part]
    edges = [0, *sorted(draw(st.lists(st.integers(0, len(sent)), max_size=8))), len(sent)]
    return [sent[one:other] for one, other in pairwise(edges)]


def project(batches: list[list[Event]]) -> tuple[Ticket, dict]:
    """Do in memory what the view does with its tables."""
    row, written = initial(TICKET), {}
    for batch in batches:
        done = fold(ReportView(), {TICKET: row}, batch, set())
        assert not done.parked
        if not done.rows:
            continue
        after, entries = done.rows[TICKET], entries_of(row, done.applied)
        if follows(row, entries):
            fresh, changed = list(zip(entries, count(row, entries, shown=after.slots.created), strict=True)), []
        else:
            fresh, changed = refold(after, written, entries)
        assert not written.keys() & {entry.place for entry, _ in fresh}
        written.update({entry.place: (entry, counts) for entry, counts in [*fresh, *changed]})
        row = after
    return row, written


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_interleaving_duplication_and_split_gives_the_same_rows(data):
    parts = data.draw(histories())
    row, written = project(data.draw(deliveries(parts)))
    one_by_one = [event for part in parts for event in part]
    whole, expected = project([one_by_one])
    assert row == whole
    assert written == expected


def test_a_row_counts_once_also_after_another_log():
    """Routing states row 2 of a log, one of another log, then row 1: that row 2 was counted must not be forgotten by then."""

    def said(name: str, source: str, version: int, minute: int, log: str | None = None, row: int = 0) -> Event:
        origin = {"log": log, "case": "C", "row": row, "activity": f"did {row}", "actor": str(JANE)}
        data = {"agent": None, "department": None, "topic": "vpn", "priority": None, "number": "1"}
        return event_of_fact(
            NewEvent(f"ledgerdesk.ticket.{name}", data | ({"origin": origin} if log else {})), source, TICKET, version,
            occurred_at=at(minute), actor={"kind": "person", "id": str(JOHN)}, via={"kind": "session", "id": "x"},
            correlation=UUID(int=1),
        )  # fmt: skip

    before = [
        said("created", "intake", 1, 0), said("assigned", "routing", 1, 0, "one", 2), said("assigned", "routing", 2, 0, "two", 1),
        said("assigned", "routing", 3, 0, "one", 1),
    ]  # fmt: skip
    after = [said("message_received", "intake", 2, 1, "one", 2)]
    assert project([before, after]) == project([[*before, *after]])


@settings(deadline=None)
@given(histories())
def test_the_stocks_add_up(parts):
    row, written = project([[event for part in parts for event in part]])
    counts = [c for _, c in written.values()]
    assert sum(c.open_delta for c in counts) == (row.slots.status != "closed")
    assert sum(c.unresolved_delta for c in counts) == (row.slots.status not in {"resolved", "closed"})
    assert sum(c.on_hold_delta for c in counts) == (row.slots.status == "on_hold")
    left = [c.reopened_from for c in counts]
    assert (left.count("resolved"), left.count("closed")) == (row.reopened_from_resolved, row.reopened_from_closed)
    assert sum(c.kind == "created" for c in counts) == 1
