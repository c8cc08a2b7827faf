"""What rows become: both styles."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerdesk.importer.derive import derive
from ledgerdesk.importer.facts import fact_id, person_id, ticket_id
from ledgerdesk.importer.mapping import parse_mapping
from ledgerdesk.importer.people import directory
from ledgerdesk.importer.reader import read_log
from services.workflow import domain as workflow
from shared.contracts.event import Event
from shared.contracts.ids import derived
from tests.unit.importer_logs import ACTIVITY, ACTS, STATUS, facts_of, kinds, lines, reading_in


@pytest.fixture
def read(tmp_path):
    return reading_in(tmp_path)


# -- style: status ----------------------------------------------------------------------------------------------------


def test_changes_between_rows_become_facts(read):
    text = lines(
        "A,1/2/2016 10:00,New,ann,?,G1,3,cal",
        "A,1/2/2016 10:01,New,ann,bob,G1,3,cal",
        "A,1/2/2016 10:02,Active,bob,bob,G2,3,cal",
        "A,1/2/2016 10:03,Awaiting User,bob,bob,?,1,cal",
        "A,1/2/2016 10:04,Awaiting Vendor,bob,?,?,1,cal",
        "A,1/2/2016 10:05,Awaiting Vendor,bob,?,?,1,cal",
        "A,1/2/2016 10:06,Active,bob,?,?,1,cal",
        "A,1/2/2016 10:07,-100,bob,?,?,1,cal",
        "A,1/2/2016 10:08,Resolved,bob,?,?,1,cal",
        "A,1/2/2016 10:09,Resolved,bob,?,?,1,cal",
        "A,1/2/2016 10:10,Closed,bob,?,?,1,cal",
        "A,1/2/2016 10:11,Active,bob,?,?,1,cal",
        "A,1/2/2016 10:12,Closed,bob,?,?,1,cal",
        "A,1/2/2016 10:13,Awaiting User,bob,?,?,1,cal",
        "A,1/2/2016 10:14,New,bob,?,?,1,cal",
    )
    assert kinds(*read(text, STATUS)) == [
        "created", "assigned", "transferred|started", "prioritised|transferred|held", "unassigned|held", "noted", "resumed",
        "noted", "resolved", "noted", "closed", "reopened", "closed", "reopened|held", "resumed",
    ]  # fmt: skip


def test_a_first_row_creates_and_moves(read):
    text = lines(
        "A,1/2/2016 10:00,Resolved,ann,bob,G1,3,cal", "B,1/2/2016 10:00,Active,ann,?,?,3,cal",
        "C,1/2/2016 10:00,Awaiting User,ann,?,?,3,cal", "D,1/2/2016 10:00,-100,ann,?,?,3,?",
    )  # fmt: skip
    log, mapping = read(text, STATUS)
    assert kinds(log, mapping) == ["created|assigned|resolved", "created|started", "created|held", "created"]
    created = facts_of(log, mapping)[0].fact
    assert created["data"]["department"] == "G1"
    assert created["data"]["priority"] == "normal"
    assert created["data"]["number"] == created["personal"]["subject"] == "A"
    assert created["personal"]["requester"] == {"name": "cal"}
    assert created["stream_id"] == str(derived("import", "small", "A")) == ticket_id("small", "A")
    assert created["occurred_at"] == "2016-02-01T10:00:00.000000Z"
    assert created["actor"] == {"kind": "person", "id": person_id("small", "ann")}
    origin = {"log": "small", "case": "A", "row": 1, "activity": "Resolved", "actor": person_id("small", "ann")}
    assert created["data"]["origin"] == origin


def test_duplicate_rows_stay_rows_and_ids_do_not_depend_on_what_follows(read):
    rows = ["A,1/2/2016 10:00,New,ann,?,G1,3,cal", "A,1/2/2016 10:05,Active,ann,?,G1,3,cal"]
    short = [s.fact["id"] for s in facts_of(*read(lines(*rows), STATUS))]
    longer = lines(rows[0], "B,1/2/2016 10:00,New,ann,?,G1,3,cal", rows[1], rows[1], rows[1])
    log, mapping = read(longer, STATUS)
    assert kinds(log, mapping) == ["created", "created", "started", "noted", "noted"]
    of_a = [s.fact["id"] for s in facts_of(log, mapping) if s.fact["data"]["origin"]["case"] == "A"]
    assert of_a[:2] == short
    assert of_a[3] == fact_id("small", "A", 4, 0) == str(derived("import", "small", "A", 4, 0))


@given(st.text(max_size=30), st.integers(1, 10**9), st.integers(0, 9))
def test_fact_ids_are_derived_ones(case, ordinal, index):
    assert fact_id("a.log", case, ordinal, index) == str(derived("import", "a.log", case, ordinal, index))


def test_untracked_columns_and_empty_cells_that_say_nothing(read):
    text = lines("A,1/2/2016 10:00,New,ann,bob,G1,3,cal", "A,1/2/2016 10:01,New,ann,?,G2,1,cal")
    assert kinds(*read(text, STATUS + "tracked: [priority]\n")) == ["created", "prioritised"]
    assert kinds(*read(text, STATUS + "blanks: keep\n")) == ["created|assigned", "prioritised|transferred"]


def test_people_and_groups_are_inactive_entries_once(read):
    text = lines("A,1/2/2016 10:00,New,ann,bob,G1,3,cal", "B,2/2/2016 10:00,New,bob,ann,G1,3,?")
    log, mapping = read(text, STATUS)
    entries = [(s.owner, s.fact) for s in directory(log.rows, mapping.log)]
    assert [(owner, f["type"].split(".", 1)[1]) for owner, f in entries] == [
        ("routing", "agent.configured"), ("routing", "agent.configured"), ("routing", "department.configured"),
        ("intake", "person.registered"), ("intake", "person.registered"),
    ]  # fmt: skip
    ann, nobody = entries[0][1], entries[-1][1]
    assert ann["personal"] == {"login": "ann", "name": "ann"}
    assert ann["stream_id"] == ann["data"]["new"]["person_id"] == str(derived("import-person", "small", "ann"))
    assert ann["data"]["new"]["active"] is False
    assert ann["actor"] == {"kind": "system", "id": "import"}
    assert nobody["personal"] is None  # whom the log does not name has no name


def test_an_address_makes_the_requester_and_what_is_none_is_a_name(read):
    mapping = STATUS.replace("requester: caller", "requester_email: caller")
    text = lines("A,1/2/2016 10:00,New,?,?,?,3,Ken@Example.org", "B,1/2/2016 10:00,New,?,?,?,3,Ken from sales")
    one, two = facts_of(*read(text, mapping))
    assert one.fact["personal"]["requester"] == {"email": "ken@example.org"}
    assert one.fact["actor"] == {"kind": "system", "id": "import"}
    assert "actor" not in one.fact["data"]["origin"]
    assert two.fact["personal"]["requester"] == {"name": "Ken from sales"}


_STATES = ["New", "Active", "Awaiting A", "Awaiting B", "Resolved", "Closed", "-100"]


@given(st.lists(st.tuples(st.sampled_from(["A", "B"]), st.sampled_from(_STATES)), min_size=1, max_size=25))
def test_the_ledger_comes_to_the_state_that_the_derivation_went_by(tmp_path_factory, moves):
    path = tmp_path_factory.getbasetemp() / "states.csv"
    path.write_text(lines(*(f"{case},1/2/2016 10:00,{state},ann,?,?,3,cal" for case, state in moves)))
    mapping = parse_mapping(STATUS)
    lives: dict[str, workflow.Life] = {}
    wanted: dict[str, str] = {}
    rows = iter(derive(read_log(path, mapping).rows, mapping))
    now = datetime.now(UTC)
    for owner, _, fact in rows:
        life = lives.setdefault(fact["stream_id"], workflow.Life())
        event = Event(
            UUID(fact["id"]), fact["type"], 1, owner, UUID(fact["stream_id"]), 1, 1, fact["data"], None, {}, {}, None,
            uuid4(), now, now,
        )  # fmt: skip
        lives[fact["stream_id"]] = workflow.evolve(life, event)
    meant = {
        "Active": "open",
        "Awaiting A": "on_hold",
        "Awaiting B": "on_hold",
        "Resolved": "resolved",
        "Closed": "closed",
    }
    for case, state in moves:
        before = wanted.get(case, "new")
        # Nothing makes a ticket new again: the ledger has it open.
        wanted[case] = meant.get(state, before if state == "-100" or before == "new" else "open")
    assert {case: lives[ticket_id("small", case)].status for case in wanted} == wanted


# -- style: activity --------------------------------------------------------------------------------------------------


def test_activities_become_facts(read):
    text = (
        ACTS + "1,Assign seriousness,ann,2012-10-09 14:50:17\n1,Take in charge ticket,bob,2012-10-09 14:51:01\n"
        "1,Wait,bob,2012-10-10 10:00:00\n1,Wait,bob,2012-10-10 11:00:00\n1,Take in charge ticket,bob,2012-10-11 10:00:00\n"
        "1,Resolve ticket,bob,2012-10-12 15:02:56\n1,Take in charge ticket,eve,2012-10-12 16:00:00\n"
        "1,Require upgrade,eve,2012-10-12 17:00:00\n1,Resolve ticket,eve,2012-10-13 15:02:56\n1,Closed,sys,2012-10-27 15:02:56\n"
        "2,Require upgrade,ann,2012-10-27 15:02:56\n"
    )
    log, mapping = read(text, ACTIVITY)
    assert kinds(log, mapping) == [
        "created|started", "assigned", "held", "noted", "resumed", "resolved", "assigned|reopened", "noted", "resolved",
        "closed", "created",
    ]  # fmt: skip
    assigned = next(s.fact for s in facts_of(log, mapping) if s.fact["type"].endswith(".assigned"))
    assert assigned["data"]["agent"] == person_id("acts", "bob")
    assert assigned["data"]["origin"]["activity"] == "Take in charge ticket"


def test_every_kind_of_act(read):
    mapping = """
log: all
style: activity
order: file
columns: {case: id, time: at, activity: what, actor: who, group: team, comment: words, resolution: words, requester: ask}
tracked: []
activities:
  open: created
  take: [assigned, started]
  drop: unassigned
  move: transferred
  wait: on_hold
  go on: resumed
  again: reopened
  up: escalated
  seen: acknowledged
  wrote: replied
  asked: message_received
  done: resolved
  look: noted
"""
    acts = ["open", "take", "take", "move", "wait", "go on", "go on", "up", "seen", "wrote", "asked", "again", "done", "again",
            "drop", "look", "odd"]  # fmt: skip
    rows = "".join(
        f"7,2020-01-01T00:00:{i:02}Z,{a},ann,T{i},{'hello' if a in {'wrote', 'asked'} else ''},ken\n"
        for i, a in enumerate(acts)
    )
    log, parsed = read("id,at,what,who,team,words,ask\n" + rows, mapping)
    assert kinds(log, parsed) == [
        "created", "assigned|started", "noted", "transferred", "held", "resumed", "noted", "escalated", "acknowledged",
        "replied", "message_received", "noted", "resolved", "reopened", "unassigned", "noted", "noted",
    ]  # fmt: skip


def test_a_comment_is_a_note_since_nobody_knows_whether_requesters_may_read_it(read):
    mapping = ACTIVITY.replace("actor: Resource", "comment: Resource")
    mapping = mapping.replace("[assigned, open]", "open")
    text = ACTS + "1,Wait,internal words,2012-10-09 14:50:17\n"
    log, parsed = read(text, mapping)
    assert kinds(log, parsed) == ["created|held|noted"]
    assert facts_of(log, parsed)[-1].fact["personal"] == {"body": "internal words"}
