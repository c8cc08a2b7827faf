"""What comes of a rule's wishes: each action, and what a ticket's state does not allow."""

from uuid import UUID

import pytest

from services.workflow import domain
from services.workflow.domain import Life, Ruled, evolve, sla
from services.workflow.views import TicketView
from shared.contracts.catalogue import check
from shared.contracts.event import NewEvent
from shared.testing.events import event_of_fact
from shared.testing.forms import field
from shared.testing.given import scenario
from tests.unit.where_from import need_where_from

given = scenario("workflow", Life, evolve)
JOHN, JANE, TASK = (str(UUID(int=n)) for n in (1, 2, 20))


def fact(name: str, personal: dict | None = None, **data) -> NewEvent:
    return NewEvent(f"ledgerdesk.ticket.{name}", data, personal)


STARTED, HELD, RESOLVED, CLOSED = (fact(name) for name in ("started", "held", "resolved", "closed"))
URGENT = fact("prioritised", priority="emergency", severity=None, previous={})
TASKED = fact("task_added", {"title": "t"}, task=TASK, blocks=True)
MERGED = fact("merged", into=JOHN, previous="open")


def ruled(*facts: NewEvent, note: str | None = None, fresh: bool = False, asked: dict | None = None, **wanted) -> Ruled:
    found = domain.ruled(given(*facts).state, wanted, note=note, asked=asked or {}, fresh=fresh)
    for event in found.events:
        check(event, "workflow")
    need_where_from(given, facts, found.events)
    return found


def names(found: Ruled) -> list[str]:
    return [event.type.rpartition(".")[2] for event in found.events]


@pytest.mark.parametrize(
    ("facts", "wanted", "expected"),
    [
        ([], {"priority": "high"}, ["prioritised"]),
        ([], {"priority": "normal"}, []),
        ([URGENT], {"priority": "emergency"}, []),
        ([URGENT], {"priority": "low", "severity": "Sev-B"}, ["prioritised"]),
        ([], {"add_tags": ["a"]}, ["tagged"]),
        ([], {"remove_tags": ["a"]}, []),
        ([fact("tagged", added=["a"], removed=[])], {"add_tags": ["a"], "remove_tags": ["b"]}, []),
        ([], {"watch": [JOHN, JANE, JOHN]}, ["watched", "watched"]),
        ([fact("watched", person_id=JOHN)], {"watch": [JOHN]}, []),
        ([], {"escalate": True}, ["escalated"]),
        ([], {"status": "open"}, ["started"]),
        ([STARTED], {"status": "open"}, []),
        ([STARTED, HELD], {"status": "open"}, ["resumed"]),
        ([STARTED, RESOLVED], {"status": "open"}, ["reopened"]),
        ([], {"status": "on_hold"}, ["held"]),
        ([STARTED, HELD], {"status": "on_hold"}, []),
        ([], {"status": "resolved"}, ["resolved"]),
        ([STARTED, RESOLVED], {"status": "resolved"}, []),
        ([], {"status": "closed"}, ["resolved", "closed"]),
        ([STARTED], {"status": "closed"}, ["closed"]),
        ([STARTED, CLOSED], {"status": "closed"}, []),
        ([], {}, []),
        ([], {"sla": "gold"}, []),
    ],
)  # fmt: skip
def test_each_action(facts, wanted, expected):
    found = ruled(*facts, **wanted)
    assert (names(found), found.left) == (expected, {})


def test_a_note_and_whom_an_escalation_calls():
    found = ruled(note="Call them back.", escalate=True, notify=[JOHN, JOHN])
    assert names(found) == ["noted", "escalated"], "and no agent has begun to work"
    note, escalated = found.events
    assert note.personal == {"body": "Call them back."}
    assert escalated.data == {"level": 1, "notify": [JOHN]}


def test_a_canned_reply_is_said_as_a_rule_says_it():
    answer = {"body": "We have your ticket.", "canned": {"key": "received", "version": 2}}
    (said,) = domain.ruled(Life(), {"reply": "received"}, note=None, asked={}, fresh=True, answer=answer).events
    check(said, "workflow")
    assert (said.type.rpartition(".")[2], said.data["canned"], said.personal["body"]) == (
        "auto_replied", answer["canned"], answer["body"],
    )  # fmt: skip
    closed = given(STARTED, CLOSED).state
    found = domain.ruled(closed, {"reply": "received"}, note=None, asked={}, fresh=True, answer=answer)
    assert (names(found), set(found.left)) == ([], {"reply"})


def test_a_fact_says_what_was_before():
    (event,) = ruled(priority="high", asked={"priority": "low"}).events
    assert event.data == {"priority": "high", "severity": None, "previous": {"priority": "low", "severity": None}}
    (event,) = ruled(remove_tags=["asked"], add_tags=["a"], asked={"tags": ["asked"]}).events
    assert event.data == {"added": ["a"], "removed": ["asked"]}


def test_what_somebody_has_set_on_a_fresh_ticket_stands_and_later_the_rule_s_word_counts():
    assert names(ruled(URGENT, fresh=True, priority="low")) == []
    assert names(ruled(URGENT, fresh=True, priority="low", severity="Sev-A")) == ["prioritised"]
    assert names(ruled(URGENT, fresh=False, priority="low")) == ["prioritised"]


@pytest.mark.parametrize(
    ("facts", "wanted", "left"),
    [
        ([STARTED, CLOSED], {"priority": "high", "add_tags": ["a"]}, {"priority"}),
        ([STARTED, RESOLVED], {"escalate": True}, {"escalate"}),
        ([STARTED, RESOLVED], {"status": "on_hold"}, {"status"}),
        ([STARTED, CLOSED], {"status": "resolved"}, {"status"}),
        ([STARTED, TASKED], {"status": "closed"}, {"status"}),
        ([TASKED], {"status": "closed"}, {"status"}),
        ([MERGED], {"status": "closed", "priority": "high"}, {"ticket"}),
    ],
)  # fmt: skip
def test_what_cannot_be_is_left_with_its_reason(facts, wanted, left):
    found = ruled(*facts, **wanted)
    assert set(found.left) == left
    assert all(reason.endswith(".") for reason in found.left.values())
    assert names(found) == (["tagged"] if "add_tags" in wanted else [])


def test_a_rule_closes_nothing_that_lacks_a_field():
    sheet = domain.Sheet([field("cause", "choice", required_to_close=True)])
    wanted = {"status": "closed", "add_tags": ["a"]}
    for facts in ([], [STARTED]):
        found = domain.ruled(given(*facts).state, wanted, note=None, asked={}, fresh=True, sheet=sheet)
        assert (names(found), set(found.left)) == (["tagged"], {"status"})
    filled = fact("fields_changed", new={"cause": "laptop"}, old={}, worded={})
    found = domain.ruled(given(STARTED, filled).state, wanted, note=None, asked={}, fresh=False, sheet=sheet)
    assert (names(found), found.left) == (["tagged", "closed"], {})


def test_the_plan_that_a_rule_names_comes_first():
    plans = [{"key": key, "order": n, "active": True, "priorities": [], "severities": [], "departments": [], "topics": []}
             for n, key in enumerate(("bronze", "gold"))]  # fmt: skip
    ticket = {"priority": "low", "severity": None, "department": None, "topic": None, "ruled_sla": None}
    assert sla.choose(plans, ticket)["key"] == "bronze"
    assert sla.choose(plans, {**ticket, "ruled_sla": "gold"})["key"] == "gold"
    assert sla.choose(plans, {**ticket, "ruled_sla": "unheard-of"})["key"] == "bronze"
    assert sla.choose([{**plans[1], "active": False}], {**ticket, "ruled_sla": "gold"}) is None


def test_the_view_keeps_the_plan_until_another_rule_names_one():
    row = TicketView.initial(UUID(int=1))
    wants = [{"sla": "gold"}, {"priority": "high"}, {"sla": "silver"}]
    seen = []
    for version, changes in enumerate(wants, 1):
        applied = fact("rule_applied", rule="r", rule_version=1, changes=changes)
        row = TicketView.evolve(row, event_of_fact(applied, "routing", UUID(int=1), version))
        seen.append(row.ruled_sla)
    assert seen == ["gold", "gold", "silver"]
