"""Small things of a ticket's work: tags put on and taken off at once, words of which a correction is blanked, silence that begins anew."""

from uuid import UUID

import pytest

from services.workflow import domain
from services.workflow.domain import Life, evolve
from shared.contracts.event import NewEvent
from shared.testing.events import event_of_fact
from shared.testing.given import Given, scenario

given = scenario("workflow", Life, evolve)
TICKET, JOHN = UUID(int=1), str(UUID(int=2))


def fact(name: str, personal: dict[str, object] | None = None, **data: object) -> NewEvent:
    return NewEvent(f"ledgerdesk.ticket.{name}", data, personal)


@pytest.mark.parametrize(
    ("asked", "expected"), [(["x"], None), ([], (["x"], [])), (["x", "y"], ([], ["y"])), (["y"], (["x"], ["y"]))]
)
def test_a_tag_that_is_put_on_and_taken_off_at_once_is_on(asked, expected):
    outcome = given().when(domain.tag, add=["x"], remove=["x", "y"], asked=asked)
    if expected is None:
        outcome.nothing()
    else:
        (event,) = outcome.then("tagged")
        assert (event.data["added"], event.data["removed"]) == expected


@pytest.mark.parametrize("blanked", [{"noted": [1]}, {"edited": [2]}, {"noted": [1], "edited": [2]}])
def test_words_of_which_any_part_is_blank_are_taken_back(blanked):
    said = event_of_fact(fact("noted", {"body": "a"}), "workflow", TICKET, 1, actor={"kind": "person", "id": JOHN})
    note = str(said.event_id)
    edited = event_of_fact(
        fact("edited", {"body": "b", "previous": "a"}, event=note, kind="noted"), "workflow", TICKET, 2
    )
    gone = event_of_fact(fact("personal_erased", reason="redacted", versions=blanked), "workflow", TICKET, 3)
    state = evolve(evolve(evolve(Life(), said), edited), gone)
    assert state.words[note].body is None
    change = {"kind": "noted", "event": note, "by": JOHN, "others": False}
    Given("workflow", state).when(domain.edit, body="c", **change).refused(409, "taken back")


@pytest.mark.parametrize(
    ("what", "ends"),
    [
        (fact("replied", {"body": "x"}), True), (fact("held", until=None), True), (fact("noted", {"body": "x"}), False),
        (fact("tagged", added=["x"], removed=[]), False),
    ],
    ids=["an answer", "a hold", "a note", "a tag"],
)  # fmt: skip
def test_what_ends_a_silence_that_was_warned_of(what, ends):
    state = given(fact("started"), fact("close_warned", closes_at="2026-12-01T00:00:00.000000Z"), what).state
    assert (state.closes_at is None) == ends
