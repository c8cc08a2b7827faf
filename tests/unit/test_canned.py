"""Canned replies: what can be filled in, what cannot be configured, whose they are; and answering with one."""

import re
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.workflow import domain
from services.workflow.canned import Answer, automatic
from services.workflow.domain import Life, canned, evolve
from services.workflow.domain.sla import story_of
from services.workflow.views.row import TicketRow
from services.workflow.views.row import evolve as row_after
from shared.contracts.event import NewEvent
from shared.contracts.public import is_public
from shared.directory.people import Person
from shared.refusal import Refusal
from shared.testing.events import created, event_of_fact
from shared.testing.given import scenario

given = scenario("workflow", Life, evolve)
HERE = UUID(int=10)
MADE_FROM = {"key": "received", "version": 3}
VALUES = dict.fromkeys(canned.VARIABLES, "value")


def fact(name: str, personal: dict | None = None, **data) -> NewEvent:
    return NewEvent(f"ledgerdesk.ticket.{name}", data, personal)


CLOSED = fact("closed")
AUTO = fact("auto_replied", {"body": "We have it."}, canned=MADE_FROM)


# -- texts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Dear {{requester.name}}, yours is {{ ticket.number }}.", "Dear Ken, yours is 100001."),
        ("{{requester.name}}{{requester.name}}", "KenKen"),
        ("Write {{{{name}} to fill in a name.", "Write {{name}} to fill in a name."),
        ("{ one } brace, and }} two", "{ one } brace, and }} two"),
        ("a line\n{{ticket.number}}\nmore", "a line\n100001\nmore"),
    ],
)
def test_filled_in(text, filled):
    assert canned.fault(text) is None
    assert canned.fill(text, {"requester.name": "Ken", "ticket.number": "100001"}) == canned.Filled(filled, [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{requester.password}}", "{{requester.password}}; there are ticket.number"), ("{{agent}}", "{{agent}}"),
        ("{{ticket.number}} {{a.b}} {{c.d}}", "{{a.b}}, {{c.d}}"), ("{{ticket.number}", "begins no variable"), ("{{", "begins no variable"),
        ("{{}}", "begins no variable"), ("{{{ticket.number}}}", "begins no variable"), ("{{ticket.number|upper}}", "begins no variable"),
        ("{{ticket.__class__}}", "{{ticket.__class__}}"), ("{{ticket['number']}}", "begins no variable"), ("{{TICKET.NUMBER}}", "begins no variable"),
        ("{{ticket.number\n}}", "begins no variable"), ("{% for x in y %}{{x.y}}{% endfor %}", "{{x.y}}"),
    ],
)  # fmt: skip
def test_cannot_be_configured(text, said):
    assert said in (canned.fault(text) or "")


def test_what_has_no_value_is_named_and_stays():
    filled = canned.fill("{{agent.name}} of {{department.name}}", {"agent.name": "Jane", "department.name": None})
    assert filled == canned.Filled("Jane of {{department.name}}", ["department.name"])
    assert canned.fill("{{gone.variable}}", VALUES).missing == ["gone.variable"]


@for_all(st.text(alphabet="{}a. \n") | st.text(), st.text())
def test_total_and_never_filled_in_twice(text, value):
    canned.fill(text, {"a.a": value})
    nested = {"requester.name": "{{agent.name}}" + value, "agent.name": "secret"}
    assert canned.fill("{{requester.name}}", nested).text == "{{agent.name}}" + value


@for_all(st.lists(st.sampled_from([*canned.VARIABLES, None]), max_size=6), st.text(alphabet="x }\n", max_size=5))
def test_what_can_be_configured_can_be_filled_in_whole(names, between):
    text = between.join("{{{{" if name is None else f"{{{{{name}}}}}" for name in names)
    assert canned.fault(text) is None
    filled = canned.fill(text, VALUES)
    assert filled.missing == []
    assert filled.text == between.join("{{" if name is None else "value" for name in names)


# -- whose they are ----------------------------------------------------------------------------------------------------

PARENTS = {"support": None, "network": "support", "wifi": "network", "sales": None, "a": "b", "b": "a"}


@pytest.mark.parametrize(
    ("departments", "of", "may"),
    [
        ([], ["sales"], True), ([], [], True), (["support"], ["support"], True), (["support"], ["wifi"], True), (["network"], ["support"], False),
        (["support"], ["sales"], False), (["support"], ["sales", "network"], True), (["support"], [], False), (["support"], None, True),
        (["c"], ["a"], False), (["b"], ["a"], True), (["gone"], ["nowhere"], False),
    ],
)  # fmt: skip
def test_whose_it_is(departments, of, may):
    entry = {"departments": departments, "active": True}
    assert canned.usable(entry, of, PARENTS) is may
    assert canned.usable({**entry, "active": False}, of, PARENTS) is False


# -- answering ---------------------------------------------------------------------------------------------------------


def test_an_answer_says_what_it_was_made_from():
    reply = NewEvent("ledgerdesk.ticket.replied", {"canned": MADE_FROM}, {"body": "We have it."})
    given().when(domain.reply, body="We have it.", canned=MADE_FROM).then("started", reply)
    (_, said) = given().when(domain.reply, body="x").then("started", "replied")
    assert said.data == {}


def test_an_automatic_answer_is_nobodys_act():
    given().when(domain.auto_reply, body="We have it.", canned=MADE_FROM).then(AUTO)
    given(fact("started")).when(domain.auto_reply, body="We have it.", canned=MADE_FROM).then(AUTO)
    given(CLOSED).when(domain.auto_reply, body="x", canned=MADE_FROM).refused(409, "reopen")


def test_an_automatic_answer_answers_nothing():
    """No promise of an answer is kept by it, no silence begins with it, the ticket waits as before."""
    at = event_of_fact(AUTO, "workflow", HERE, 2)
    assert story_of([("created", at.occurred_at, {}), ("auto_replied", at.occurred_at, at.data)]).answers == []
    before = row_after(TicketRow(HERE, {}), event_of_fact(created(), "intake", HERE, 1))
    after = row_after(before, at)
    assert (after.last_reply_at, after.answered_at, after.silent_since, after.status) == (None, None, None, "new")
    warned = Life(status="open", closes_at="2026-11-09T12:00:00Z")
    assert evolve(warned, at).closes_at == warned.closes_at
    assert evolve(warned, event_of_fact(fact("replied", {"body": "x"}), "workflow", HERE, 2)).closes_at is None


def test_an_automatic_answer_is_corrected_and_taken_back_as_a_reply():
    said = event_of_fact(AUTO, "workflow", HERE, 1, actor={"kind": "rule", "id": "greeting"})
    state = evolve(Life(), said)
    (erased,) = domain.take_back(state, kind="replied", event=str(said.event_id), by=None, others=True)
    assert erased.data == {"reason": "redacted", "versions": {"auto_replied": [1]}}
    (edited,) = domain.edit(
        state, kind="replied", event=str(said.event_id), by=None, others=True, body="We have got it."
    )
    assert (edited.data["kind"], edited.personal) == ("replied", {"body": "We have got it.", "previous": "We have it."})
    assert is_public(said)
    assert is_public(event_of_fact(edited, "workflow", HERE, 2))


# -- a rule's answer ---------------------------------------------------------------------------------------------------


class Known:
    """A directory with Jane, who has the ticket, one topic, and one canned reply."""

    async def entry(self, kind: str, key: str):
        entries = {
            ("canned_reply", "received"): {"key": "received", "version": 3, "body": "{{ticket.topic}}: {{agent.name}}", "active": True},
            ("canned_reply", "old"): {"key": "old", "version": 1, "body": "x", "active": False}, ("topic", "mail"): {"name": "E-mail"},
        }  # fmt: skip
        return entries.get((kind, key))

    async def by_id(self, person_id: UUID):
        return Person(person_id, "jane@x.example", "Jane", "jane", {}, None) if person_id == UUID(int=2) else None

    async def expected(self, person_id: UUID):
        found = await self.by_id(person_id)
        assert found is not None
        return found


ROW = {
    "number": "100001", "subject": "s", "topic": "mail", "department": None, "requester_id": UUID(int=7), "requester_name": None,
    "requester_email": "ken@example.org", "agent": UUID(int=2),
}  # fmt: skip


async def test_a_rule_answers_with_who_has_the_ticket():
    assert await automatic(Known(), ROW, "received") == Answer("E-mail: Jane", {"key": "received", "version": 3})


@pytest.mark.parametrize(
    ("row", "key", "said"),
    [
        ({**ROW, "agent": None}, "received", "{{agent.name}}"), ({**ROW, "topic": None}, "received", "{{ticket.topic}}"),
        (ROW, "old", "no canned reply"), (ROW, "nowhere", "no canned reply"),
    ],
)  # fmt: skip
async def test_a_rule_says_nothing_rather_than_something_with_a_hole_in_it(row, key, said):
    with pytest.raises(Refusal, match=re.escape(said)):
        await automatic(Known(), row, key)


def test_what_blanks_public_words_is_public_and_what_blanks_a_note_is_not():
    def erasing(**versions):
        return event_of_fact(fact("personal_erased", reason="redacted", versions=versions), "workflow", HERE, 3)

    assert is_public(erasing(replied=[1]))
    assert is_public(erasing(replied=[1], edited=[2]))
    assert not is_public(erasing(noted=[1]))
    assert not is_public(erasing(noted=[1], edited=[2]))
    assert not is_public(event_of_fact(fact("edited", event="x", kind="noted"), "workflow", HERE, 2))
