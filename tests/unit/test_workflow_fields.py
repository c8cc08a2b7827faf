"""Workflow's deciders for custom fields: changing them, what closing needs, taking a change back, words that are blanked."""

from typing import Any
from uuid import UUID

import pytest

from services.workflow import domain
from services.workflow.domain import Life, Sheet, alarms, evolve
from services.workflow.domain.sla.story import Story
from services.workflow.views import row as rows
from shared import forms
from shared.contracts.erasing import TICKET_ERASED
from shared.contracts.event import Event, NewEvent
from shared.testing.events import NOON, created, event_of_fact
from shared.testing.forms import HIDDEN, REQUIRED, SEEN, field, when
from shared.testing.given import Given, scenario

given = scenario("workflow", Life, evolve)
TICKET = UUID(int=10)
FORM = [
    field("device", "choice"), field("serial", shown_when=[when("field.device", "is", "laptop")]), field("note", "memo"),
    field("seats", "integer", agent=REQUIRED), field("cause", "choice", required_to_close=True, customer=HIDDEN),
    field("urgent", "bool", shown_when=[when("priority", "is", "high")]), field("seen", customer=SEEN),
]  # fmt: skip
SHEET = Sheet(FORM, "hardware", values={"device": "laptop", "serial": forms.words("S/N 1"), "seats": 2})


def fact(name: str, personal: dict[str, Any] | None = None, **data: Any) -> NewEvent:
    return NewEvent(f"ledgerdesk.ticket.{name}", data, personal)


STARTED, RESOLVED, CLOSED = (fact(name) for name in ("started", "resolved", "closed"))


def changed(
    state: Given[Life], wanted: dict[str, Any], audience: forms.Audience = "agent", sheet: Sheet = SHEET
) -> Any:
    return state.when(domain.change_fields, wanted=wanted, sheet=sheet, audience=audience)


def held(state: Life, sheet: Sheet = SHEET) -> dict[str, Any]:
    return forms.plain(sheet.held(state))


def test_a_change_carries_old_and_new_and_words_apart():
    _, event = changed(given(), {"device": "printer", "seats": 3, "note": "two\nlines"}).then(
        "started", "fields_changed"
    )
    assert event.data == {
        "new": {"device": "printer", "seats": 3},
        "old": {"device": "laptop", "seats": 2},
        "worded": {"note": True},
    }
    assert event.personal == {"new": {"note": "two\nlines"}, "old": {}}
    state = given(STARTED, event).state
    assert held(state) == {"device": "printer", "seats": 3, "note": "two\nlines", "serial": "S/N 1"}
    (event,) = changed(given(STARTED, event), {"note": "one", "device": None}).then("fields_changed")
    assert event.data == {"new": {"device": None}, "old": {"device": "printer"}, "worded": {"note": True}}
    assert event.personal == {"new": {"note": "one"}, "old": {"note": "two\nlines"}}


def test_words_that_the_ticket_was_opened_with_are_not_said_twice():
    (event,) = changed(given(STARTED), {"serial": "S/N 2"}).then("fields_changed")
    assert event.personal == {"new": {"serial": "S/N 2"}, "old": {}}
    (event,) = changed(given(STARTED), {"serial": None}).then("fields_changed")
    assert (event.data["worded"], event.personal) == ({"serial": False}, None)
    assert "serial" not in held(given(STARTED, event).state)


def test_who_may_change_what():
    changed(given(), {"cause": "laptop"}, "customer").refused(
        422, "is no field of this ticket's form", field="fields.cause"
    )
    changed(given(), {"seen": "x"}, "customer").refused(422, "not yours", field="fields.seen")
    changed(given(), {"urgent": True}).refused(422, "is not asked for", field="fields.urgent")
    changed(given(), {"seats": None}).refused(422, "is required", field="fields.seats")
    changed(given(), {"seats": None}, "customer").then("fields_changed")  # and no agent's act
    changed(given(), {"seats": None}, "system").then("started", "fields_changed")
    changed(given(), {"device": "laptop"}).nothing()


def test_what_is_asked_for_follows_the_ticket_as_it_is_now():
    changed(given(STARTED, fact("prioritised", priority="high", previous={})), {"urgent": True}).then("fields_changed")
    asked = Sheet(FORM, "hardware", priority="high", values=SHEET.values)
    changed(given(STARTED), {"urgent": True}, sheet=asked).then("fields_changed")
    changed(given(STARTED, fact("prioritised", priority="low", previous={})), {"urgent": True}, sheet=asked).refused(
        422, "not asked for", field="fields.urgent"
    )


def test_of_a_closed_ticket_the_desk_alone_changes_fields_and_nothing_that_closing_needed_goes():
    closed = (STARTED, fact("fields_changed", new={"cause": "laptop"}, old={}, worded={}), CLOSED)
    changed(given(*closed), {"device": None}, "customer").refused(409, "reopen it first")
    changed(given(*closed), {"device": None}).then("fields_changed")
    changed(given(*closed), {"cause": None}).refused(409, "before the ticket is closed: Cause", field="fields.cause")
    changed(given(STARTED, CLOSED), {"device": None}).then("fields_changed")  # it was closed before that was asked


# -- closing -----------------------------------------------------------------------------------------------------------


def close(state: Life, *, sheet: Sheet = SHEET, audience: forms.Audience = "agent") -> list[NewEvent]:
    domain.needs_fields(state, sheet=sheet, audience=audience)
    return domain.close(state, message=None)


def test_closing_waits_for_what_it_needs():
    given(STARTED, RESOLVED).when(close).refused(409, "Cause", field="fields.cause")
    (filled,) = changed(given(STARTED, RESOLVED), {"cause": "laptop"}).then("fields_changed")
    given(STARTED, RESOLVED, filled).when(close).then("closed")
    (emptied,) = changed(given(STARTED, RESOLVED, filled), {"cause": None}).then("fields_changed")
    given(STARTED, RESOLVED, filled, emptied).when(close).refused(409, "Cause", field="fields.cause")


def test_a_customer_is_not_told_of_what_he_does_not_see():
    refusal = given(STARTED, RESOLVED).when(close, audience="customer").refusal
    assert refusal is not None
    assert (refusal.status, refusal.fields) == (409, {})
    assert "Cause" not in refusal.detail
    seen = Sheet([field("seen", customer=SEEN, required_to_close=True)])
    given(STARTED).when(close, sheet=seen, audience="customer").refused(409, "by the desk", field="fields.seen")


def test_silence_does_not_close_what_is_unfinished_and_asks_once_a_day():
    warned = fact("close_warned", closes_at="2026-11-01T12:00:00.000000Z")
    state = given(STARTED, RESOLVED, warned).state
    assert domain.unfinished(state, SHEET)
    answered = Story(answers=[NOON])
    (event,) = alarms.come_true(state, answered, NOON.replace(day=2), unfinished=True)
    assert (event.type.rsplit(".", 1)[-1], event.data) == ("close_warned", {"closes_at": "2026-11-03T12:00:00.000000Z"})
    (filled,) = changed(given(STARTED, RESOLVED, warned), {"cause": "laptop"}).then("fields_changed")
    after = given(STARTED, RESOLVED, warned, filled).state
    assert not domain.unfinished(after, SHEET)
    (event,) = alarms.come_true(after, answered, NOON.replace(day=2), unfinished=False)
    assert event.type.endswith("closed")


# -- taken back --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before",
    [
        (), (fact("fields_changed", {"new": {"serial": "S/N 5"}}, new={"device": "printer"}, worded={"serial": True, "note": False}),),
        (fact("fields_changed", {}, new={"device": None}, worded={"serial": False}),),
    ],
)  # fmt: skip
def test_a_change_taken_back_leaves_all_as_it_was(before):
    sheet = Sheet([field("device", "choice"), field("serial"), field("note")], values=SHEET.values)
    start = given(STARTED, *before)
    (event,) = changed(start, {"device": "laptop", "serial": "S/N 9", "note": "x"}, sheet=sheet).then("fields_changed")
    done = given(STARTED, *before, event)
    assert held(done.state, sheet) != held(start.state, sheet)
    decided = Given("workflow", start.state).when(lambda state: [domain.take_fields_back(state, event_at(event, 9))])
    (back,) = decided.then("fields_changed")
    assert held(given(STARTED, *before, event, back).state, sheet) == held(start.state, sheet)


def event_at(said: NewEvent, version: int, source: str = "workflow") -> Event:
    return event_of_fact(said, source, TICKET, version)


# -- the row, and blanking ----------------------------------------------------------------------------------------------


OPENED = created(words={"serial": "S/N 1"}, fields={"device": "laptop"})
SAID = fact(
    "fields_changed", {"new": {"note": "x"}, "old": {}}, new={"device": "printer"}, old={}, worded={"note": True}
)
AGAIN = fact("fields_changed", {"new": {"serial": "S/N 2"}, "old": {}}, new={}, old={}, worded={"serial": True})


def blanking(name: str, *versions: int) -> NewEvent:
    return NewEvent(TICKET_ERASED, {"reason": "redacted", "versions": {name: list(versions)}})


def shown(*events: Event) -> dict[str, Any]:
    state = rows.initial(TICKET)
    for event in events:
        state = rows.evolve(state, event)
    assert state.fields == domain.fields.effective(state.asked_fields, state.field_changes)
    return forms.plain(state.fields)


def test_what_a_row_holds_is_blanked_by_its_owner_s_facts_alone():
    first, said, again = event_at(OPENED, 1, "intake"), event_at(SAID, 1), event_at(AGAIN, 2)
    assert shown(said, first) == shown(first, said) == {"device": "printer", "serial": "S/N 1", "note": "x"}
    by_intake, by_workflow = event_at(blanking("created", 1), 2, "intake"), event_at(blanking("fields_changed", 1), 3)
    assert shown(first, by_intake, said) == {"device": "printer", "serial": "(erased)", "note": "x"}
    of_a_message = event_at(blanking("message_received", 1), 2, "intake")
    assert shown(first, said, of_a_message)["note"] == "x", "its versions are another owner's"
    assert shown(first, said, again, by_workflow) == {"device": "printer", "serial": "S/N 2", "note": "(erased)"}
    assert shown(first, said, again, by_intake) == {"device": "printer", "serial": "S/N 2", "note": "x"}, (
        "what was said since stands"
    )


def test_read_after_it_was_blanked_it_is_the_same():
    first, said = event_at(OPENED, 1, "intake"), event_at(SAID, 1)
    facts = (event_at(blanking("created", 1), 2, "intake"), event_at(blanking("fields_changed", 1), 2))
    blank = [event_of_fact(NewEvent(e.type, e.data, None), e.source, TICKET, e.version) for e in (first, said)]
    assert (
        shown(*blank, *facts)
        == shown(first, said, *facts)
        == {"device": "printer", "serial": "(erased)", "note": "(erased)"}
    )
    state = given(SAID, blanking("fields_changed", 1)).state
    assert state.fields == {"device": "printer", "note": {"words": None, "version": 1}}
