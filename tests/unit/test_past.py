"""A ticket as it was is a fresh fold of what had happened by then."""

from collections import Counter
from datetime import timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.workflow.past import folded, part_of, row_of, steps_of, until
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


def moves(*told: tuple[str, str, int]) -> list[dict]:
    """Rows of merges ("a", "b") and unmerges ("a", ""), each at a second; tickets are letters."""
    rows, versions = [], Counter()
    into = {}
    for ticket, other, second in told:
        versions[ticket] += 1
        data = {"into": str(named(other))} if other else {"into": str(named(into[ticket])), "status": "open"}
        into[ticket] = other
        fact = NewEvent(f"ledgerdesk.ticket.{'merged' if other else 'unmerged'}", data)
        moment = NOON + timedelta(seconds=second)
        rows.append(row(event_of_fact(fact, "workflow", named(ticket), versions[ticket], occurred_at=moment), moment))
    return rows


def named(letter: str) -> UUID:
    return UUID(int=ord(letter))


def part_at(rows, ticket: str, second: int) -> str:
    part = part_of(until(rows, NOON + timedelta(seconds=second)), named(ticket))
    return "".join(sorted(chr(one.int) for one in part))


def test_what_was_merged_later_is_no_part_of_it_yet():
    rows = moves(("a", "b", 1))
    assert [part_at(rows, "b", second) for second in (0, 1)] == ["b", "ab"]
    assert part_at(rows, "a", 1) == "a"


def test_what_was_unmerged_and_merged_again_is_no_part_of_it_between():
    rows = moves(("a", "b", 1), ("a", "", 2), ("a", "b", 3))
    assert [part_at(rows, "b", second) for second in range(4)] == ["b", "ab", "b", "ab"]


def test_what_was_merged_elsewhere_was_part_of_that():
    rows = moves(("a", "c", 1), ("a", "", 2), ("a", "b", 3))
    assert [part_at(rows, "b", second) for second in range(4)] == ["b", "b", "b", "ab"]
    assert [part_at(rows, "c", second) for second in range(4)] == ["c", "ac", "c", "c"]


def test_what_is_merged_into_what_is_merged_comes_with_it_and_not_before():
    rows = moves(("a", "b", 1), ("b", "c", 3))
    assert [part_at(rows, "c", second) for second in range(4)] == ["c", "c", "c", "abc"]


def test_what_stands_for_itself_again_was_part_of_it():
    rows = moves(("a", "b", 1), ("a", "", 3))
    assert [part_at(rows, "b", second) for second in range(4)] == ["b", "ab", "ab", "b"]


def test_a_ring_ends():
    rows = moves(("a", "b", 1), ("b", "a", 2))
    assert (part_at(rows, "a", 2), part_at(rows, "b", 2)) == ("ab", "ab")


LETTERS = "abcd"


@st.composite
def merges(draw) -> list[tuple[str, str, int]]:
    """Merges and unmerges of four tickets in any order, also such as two who act at once, or an imported log, may state."""
    told, into = [], dict.fromkeys(LETTERS, "")
    for second in range(draw(st.integers(0, 12))):
        ticket = draw(st.sampled_from(LETTERS))
        others = [one for one in LETTERS if one != ticket]
        other = draw(st.sampled_from([*others, ""] if into[ticket] else others))
        into[ticket] = other
        told.append((ticket, other, second))
    return told


@given(merges(), st.integers(-1, 12), st.sampled_from(LETTERS), st.data())
def test_a_part_is_who_stands_for_whom_at_that_moment(told, second, asked, data):
    """The model: who stands for each ticket, written over and over; then each one's way is followed."""
    into = {ticket: other for ticket, other, when in told if when <= second}
    expected = set()
    for letter in LETTERS:
        at, passed = letter, set()
        while at and at not in passed:
            if at == asked:
                expected.add(letter)
            passed.add(at)
            at = into.get(at, "")
    rows = data.draw(st.permutations(moves(*told)))
    assert set(part_at(rows, asked, second)) == expected


def began(ticket: str, second: int) -> dict:
    moment = NOON + timedelta(seconds=second)
    return row(event_of_fact(created(), "intake", named(ticket), 1, occurred_at=moment), moment)


def noted(ticket: str, second: int, version: int = 1) -> dict:
    moment = NOON + timedelta(seconds=second)
    fact = NewEvent("ledgerdesk.ticket.assigned", {"agent": JANE, "team": None})
    return row(event_of_fact(fact, "routing", named(ticket), version, occurred_at=moment), moment)


def steps(rows, ticket: str, shown: str = "abc", told=None) -> list[str]:
    """The seconds of a ticket's steps, each with what came apart from it."""
    ids = {one["event_id"] for one in rows} if told is None else told
    found = steps_of(rows, named(ticket), {named(letter) for letter in shown}, ids)
    apart = ["".join(sorted(chr(one.int) for one in step.apart)) for step in found]
    return [f"{(step.at - NOON).seconds}{left}" for step, left in zip(found, apart, strict=True)]


def test_the_end_of_a_merge_is_a_step():
    rows = [began("a", 0), began("b", 1), noted("a", 3), noted("a", 5, 2), *moves(("a", "b", 2), ("a", "", 4))]
    assert steps(rows, "b") == ["1", "2", "3", "4a"]
    assert steps(rows, "a") == ["0", "2", "3", "4", "5"], "its own steps are its own"


def test_what_moves_on_with_what_it_is_merged_into_comes_apart_with_it():
    rows = [began(one, 0) for one in "abc"] + moves(
        ("a", "b", 1), ("b", "c", 2), ("a", "", 3), ("b", "", 4), ("a", "b", 5)
    )
    assert steps(rows, "c") == ["0", "2", "3a", "4b"]
    assert steps(rows, "b") == ["0", "1", "2", "3a", "4", "5"]


def test_it_begins_when_the_ticket_was_opened():
    rows = [began("a", 0), began("b", 3), noted("a", 2), *moves(("a", "b", 1))]
    assert steps(rows, "b") == ["3"]


def test_of_what_the_reader_is_not_shown_there_is_no_step():
    rows = [began("a", 0), began("b", 0), noted("b", 1), noted("a", 3), *moves(("a", "b", 2), ("a", "", 4))]
    assert steps(rows, "b", shown="b") == ["0", "1"]
    told = {one["event_id"] for one in rows if one["type"] != "assigned"}
    assert steps(rows, "b", told=told) == ["0", "2", "4a"]


def test_what_was_merged_and_unmerged_at_one_moment_changes_nothing():
    rows = [began("a", 0), began("b", 0), *moves(("a", "b", 2), ("a", "", 2))]
    assert steps(rows, "b") == ["0"]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["a", "b", "c", "", "-"]), st.integers(0, 8)), max_size=8),
    st.tuples(*[st.integers(0, 8)] * 3),
)  # fmt: skip
def test_the_steps_are_the_moments_at_which_the_timeline_is_another(told, opened):
    told = sorted((one for one in told if one[0] != one[1]), key=lambda one: one[2])
    merges, into = [], {}
    for ticket, other, second in told:
        if other != "-" and (other or into.get(ticket)):
            merges.append((ticket, other, second))
            into[ticket] = other
    rows = [began(one, second) for one, second in zip("abc", opened, strict=True)] + moves(*merges)
    rows += [noted(ticket, second, n) for n, (ticket, other, second) in enumerate(told) if other == "-"]

    def view(ticket: str, second: int) -> set | None:
        then = until(rows, NOON + timedelta(seconds=second))
        if not any(one["ticket_id"] == named(ticket) and one["type"] == "created" for one in then):
            return None
        return {one["event_id"] for one in then if one["ticket_id"] in part_of(then, named(ticket))}

    for ticket in "abc":
        changes = [
            second for second in range(9) if view(ticket, second) != (view(ticket, second - 1) if second else None)
        ]
        assert [int(step[0]) for step in steps(rows, ticket)] == changes
