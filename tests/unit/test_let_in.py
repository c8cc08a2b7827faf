"""What who is let in on another's ticket has said is forgotten with him, and what the desk has said is not."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from hypothesis import given as any_of
from hypothesis import strategies as st

from services.reporting.domain.ticket import NO_WORK, name_of
from services.routing.domain.causes import when_of
from services.workflow.domain import Life, Sheet, change_fields, evolve, let_in, take_fields_back
from services.workflow.views import row as rows
from shared import forms
from shared.contracts.catalogue import check
from shared.contracts.erasing import erased
from shared.contracts.event import Event, NewEvent
from shared.testing.events import NOON, event_of_fact
from shared.testing.forms import field

TICKET = UUID(int=10)
KIM, JOHN = str(UUID(int=8)), str(UUID(int=1))
PERSON = {KIM: {"kind": "person", "id": KIM}, JOHN: {"kind": "person", "id": JOHN}}
SHEET = Sheet([field("place"), field("note", "memo")])


class Ticket:
    """Workflow's part of a ticket, as its store has it."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    @property
    def state(self) -> Life:
        state = Life()
        for event in self.events:
            state = evolve(state, event)
        return state

    def say(self, who: str, *facts: NewEvent, mark: bool = True) -> None:
        for fact in let_in.marked(facts) if mark and who == KIM else facts:
            check(fact, "workflow")
            self.events.append(event_of_fact(fact, "workflow", TICKET, len(self.events) + 1, actor=PERSON[who]))

    def fill_in(self, who: str, mark: bool = True, **wanted: str | None) -> None:
        audience: forms.Audience = "customer" if who == KIM else "agent"
        facts = change_fields(self.state, wanted=wanted, sheet=SHEET, audience=audience)
        self.say(who, *facts, mark=mark)

    def forget(self, unmarked: bool = False) -> Sequence[NewEvent]:
        facts = let_in.forget(self.events, KIM, "asked", unmarked=unmarked)
        self.say(JOHN, *facts)
        places = erased(self.events)
        self.events = [replace(e, personal=None) if (e.source, e.version) in places else e for e in self.events]
        return facts

    @property
    def held(self) -> dict[str, Any]:
        return forms.plain(SHEET.held(self.state))

    @property
    def left(self) -> list[tuple[str, dict[str, Any]]]:
        return [(e.name, dict(e.personal)) for e in self.events if e.personal]


def fact(name: str, personal: dict[str, Any] | None = None, **data: Any) -> NewEvent:
    return NewEvent(f"ledgerdesk.ticket.{name}", data, personal)


CLOSED, REOPENED = fact("closed", {"message": "Kim is done"}), fact("reopened", {"message": "no"}, previous="closed")


def test_only_what_he_may_say_is_marked() -> None:
    closed, started = let_in.marked([CLOSED, fact("started")])
    assert (closed.data, closed.personal) == ({"let_in": True}, CLOSED.personal)
    assert started == fact("started")


def test_his_words_go_and_the_desk_s_stay() -> None:
    ticket = Ticket()
    ticket.say(KIM, CLOSED)
    ticket.say(JOHN, REOPENED)
    ticket.say(KIM, CLOSED, mark=False)  # as an agent, on whose desk it is by then
    (fact_,) = ticket.forget()
    assert fact_.data == {"reason": "asked", "person_id": KIM, "versions": {"closed": [1]}}
    assert ticket.left == [("reopened", {"message": "no"}), ("closed", {"message": "Kim is done"})]
    assert ticket.forget() == [], "once is enough"


def test_what_does_not_say_so_is_his_where_he_was_no_agent() -> None:
    ticket = Ticket()
    ticket.say(KIM, CLOSED, mark=False)
    assert ticket.forget() == []
    ticket.forget(unmarked=True)
    assert ticket.left == []


def test_words_that_were_replaced_go_with_the_change_that_tells_them_and_what_holds_is_said_again() -> None:
    ticket = Ticket()
    ticket.fill_in(KIM, place="beside Kim", note="Kim's")
    ticket.fill_in(JOHN, place="room 7")
    before = rows.evolve(rows.initial(TICKET), ticket.events[0])
    _, again = ticket.forget()
    assert again.data == {"new": {}, "old": {}, "worded": {"place": True}, "again": True}
    assert ticket.left == [("fields_changed", {"new": {"place": "room 7"}, "old": {}})]
    assert ticket.held == {"place": "room 7", "note": "(erased)"}
    event = ticket.events[-1]
    assert name_of(event) == NO_WORK, "no report changes"
    assert when_of(event) is None, "no rule is asked"
    assert rows.evolve(before, event).updated_at == before.updated_at, "no list changes"
    assert before.updated_at > NOON


def test_what_nothing_holds_any_more_is_not_said_again() -> None:
    ticket = Ticket()
    ticket.fill_in(KIM, place="beside Kim")
    ticket.fill_in(JOHN, place="room 7")
    ticket.fill_in(JOHN, place="room 8")
    ticket.forget()
    assert [event.name for event in ticket.events][-1] == "personal_erased"
    assert ticket.held == {"place": "room 8"}


def test_words_that_were_brought_back_go_too() -> None:
    ticket = Ticket()
    ticket.fill_in(KIM, place="beside Kim")
    before = ticket.state
    ticket.fill_in(JOHN, place="room 7")
    ticket.say(JOHN, take_fields_back(before, ticket.events[-1]))
    assert ticket.held == {"place": "beside Kim"}
    ticket.forget()
    assert ticket.left == []
    assert ticket.held == {"place": "(erased)"}


_CHANGE = st.tuples(
    st.sampled_from([KIM, JOHN]), st.sampled_from(["place", "note"]), st.sampled_from([None, "a", "b", "c"])
)


@any_of(st.lists(_CHANGE, max_size=12), st.booleans())
def test_however_fields_went_back_and_forth_nothing_of_his_is_left_and_all_of_the_desk_s_holds(
    changes: list[tuple[str, str, str | None]], unmarked: bool
) -> None:
    ticket = Ticket()
    for who, key, text in changes:
        words = text and f"{who}'s {text}"
        if words or key in ticket.held:
            ticket.fill_in(who, not unmarked, **{key: words})
    before = ticket.held
    ticket.forget(unmarked)
    assert KIM not in str(ticket.left)
    assert ticket.held == {key: "(erased)" if KIM in text else text for key, text in before.items()}
