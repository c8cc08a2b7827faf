"""Intake's deciders for what was said, afterwards: corrections, words taken back, messages split off, people let in or forgotten."""

from uuid import UUID

import pytest

from services.intake import domain
from services.intake.domain import Door, evolve
from shared.contracts.event import NewEvent
from shared.testing.events import created, event_of_fact, message
from shared.testing.given import Given

TICKET, KEN, KIM = UUID(int=10), str(UUID(int=7)), str(UUID(int=8))


def door(*facts: NewEvent) -> tuple[Given, list[str]]:
    """Return the state after some facts, and the facts' ids."""
    state, ids = Door(), []
    for version, fact in enumerate(facts, 1):
        event = event_of_fact(fact, "intake", TICKET, version)
        state = evolve(state, event)
        ids.append(str(event.event_id))
    return Given("intake", state), ids


def edited(event: str, body: str, previous: str = "x") -> NewEvent:
    return NewEvent(domain.EDITED, {"event": event}, {"body": body, "previous": previous})


FIRST, SECOND = (door(created(), message())[1][n] for n in (0, 1))


@pytest.mark.parametrize(("event", "was"), [(FIRST, "Every ten minutes."), (SECOND, "It still does.")])
def test_a_correction_carries_old_and_new(event, was):
    (fact,) = door(created(), message())[0].when(domain.edit_message, event=event, body="no").then("message_edited")
    assert (fact.data, fact.personal) == ({"event": event}, {"body": "no", "previous": was})
    again = door(created(), message(), edited(event, "no"))[0]
    again.when(domain.edit_message, event=event, body="no").nothing()
    assert again.when(domain.edit_message, event=event, body="yes").events[0].personal["previous"] == "no"


def test_what_is_not_there_cannot_be_changed():
    for decide, more in ((domain.edit_message, {"body": "x"}), (domain.take_back_message, {})):
        door(created())[0].when(decide, event=str(TICKET), **more).refused(404, "no such words")


def test_a_message_is_taken_back_with_its_corrections():
    (fact,) = (
        door(created(), message(), edited(SECOND, "b"))[0]
        .when(domain.take_back_message, event=SECOND)
        .then("personal_erased")
    )
    assert fact.data == {"reason": "redacted", "versions": {"message_received": [2], "message_edited": [3]}}
    after = door(created(), message(), edited(SECOND, "b"), fact)[0]
    after.when(domain.take_back_message, event=SECOND).refused(409, "taken back")
    after.when(domain.edit_message, event=SECOND, body="x").refused(409, "taken back")


def test_of_the_first_words_subject_and_requester_are_said_again():
    blank, again = door(created())[0].when(domain.take_back_message, event=FIRST).then("personal_erased", "restated")
    assert blank.data["versions"] == {"created": [1]}
    assert again.personal == {"subject": "The VPN drops", "requester": {"email": "ken@example.org", "name": "Ken"}}
    assert "body" not in again.personal
    worded = door(created(words={"serial": "the password"}))[0].when(domain.take_back_message, event=FIRST)
    assert "the password" not in str([fact.personal for fact in worded.events])


def test_who_is_let_in():
    kim = {"person_id": KIM, "email": "kim@example.org", "name": None}
    (fact,) = door(created())[0].when(domain.add_collaborator, **kim).then("collaborator_added")
    assert fact.personal == {"email": "kim@example.org", "name": None}
    door(created())[0].when(domain.add_collaborator, **{**kim, "person_id": KEN}).refused(
        422, "is the requester", field="email"
    )
    door(created(), fact)[0].when(domain.add_collaborator, **kim).nothing()
    (gone,) = door(created(), fact)[0].when(domain.remove_collaborator, person_id=KIM).then("collaborator_removed")
    door(created(), fact, gone)[0].when(domain.remove_collaborator, person_id=KIM).refused(404, "no such collaborator")


def test_what_can_be_split_off():
    state = door(created(), message("one"), message("two"), message("three"))[0].state
    ids = door(created(), message("one"), message("two"), message("three"))[1]
    assert [words.personal["body"] for words in domain.split(state, [ids[3], ids[1]])] == ["one", "three"], (
        "in their order"
    )
    for wrong in (ids[0], str(TICKET)):
        with pytest.raises(domain.Refusal, match="no message that can be split off"):
            domain.split(state, [wrong])


def test_forgetting_says_what_it_blanks_and_is_done_once():
    registered = event_of_fact(domain.register_person("w@example.org", "W", None)[0], "intake", TICKET, 1)
    (fact,) = domain.forget_person([registered], "asked")
    assert fact.data == {"reason": "asked", "versions": {"registered": [1]}}
    assert domain.forget_person([registered, event_of_fact(fact, "intake", TICKET, 2)], "asked") == []
    nameless = event_of_fact(domain.register_person(None, None, None)[0], "intake", TICKET, 1)
    assert domain.forget_person([nameless], "asked")[0].data["versions"] == {}
    with pytest.raises(domain.Refusal, match="no such person"):
        domain.forget_person([], "asked")
