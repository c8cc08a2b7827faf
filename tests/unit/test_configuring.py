"""Forms of configured things: from a browser's form to an entry and back, without a server."""

from collections.abc import Mapping
from typing import Any

import pytest

from services.gateway.pages.configuring.form import (
    Field,
    Section,
    changes,
    entry_of,
    errors_of,
    initial_of,
    rows_shown,
    value_at,
)
from services.gateway.pages.configuring.kinds import KINDS, NAMED, WORDS
from services.gateway.pages.configuring.pages import _flat, _stated
from shared.service_names import OWNERS

RULE, AGENT = KINDS["rule"], KINDS["agent"]


def sent(**names: str | list[str]) -> dict[str, list[str]]:
    """A form; `__` stands for a dot."""
    return {f"e.{n.replace('__', '.')}": v if isinstance(v, list) else [v] for n, v in names.items()}


def test_what_a_form_does_not_show_of_an_entry_stays():
    before = {"key": "k", "name": "Old", "someday": 1, "actions": {"department": "support", "someday": 2}}
    after = entry_of(RULE.sections, sent(name="New", order="3"), before, new=False)
    assert (after["someday"], after["actions"]["someday"]) == (1, 2)
    assert "department" not in after["actions"]
    assert before["actions"] == {"department": "support", "someday": 2}, "what was there is not touched"


def test_what_is_fixed_is_said_once():
    assert entry_of(RULE.sections, sent(key="other"), {"key": "k"}, new=False)["key"] == "k"
    assert entry_of(RULE.sections, sent(key="other"), {}, new=True)["key"] == "other"


def test_rows_that_are_left_empty_are_left_out_and_the_rest_keep_their_order():
    form = sent(
        tests__0__field="", tests__0__op="", tests__0__value="", tests__2__field="subject", tests__2__op="equals",
        tests__2__value="", tests__10__field="body", tests__10__op="contains", tests__10__value=" x",
    )  # fmt: skip
    assert entry_of(RULE.sections, form, {}, new=True)["tests"] == [
        {"field": "subject", "op": "equals", "value": ""},
        {"field": "body", "op": "contains", "value": "x"},
    ]


def test_a_row_with_something_in_it_is_never_dropped_in_silence():
    (row,) = entry_of(RULE.sections, sent(tests__0__value="x"), {}, new=True)["tests"]
    assert row == {"value": "x"}, "the API says what is missing"
    assert entry_of(KINDS["field"].sections, sent(choices__3__active="1"), {}, new=True)["choices"] == []


def test_what_is_no_number_stays_as_it_was_written():
    assert entry_of(RULE.sections, sent(order="ten"), {}, new=True)["order"] == "ten"
    assert entry_of(RULE.sections, sent(order=" 10 "), {}, new=True)["order"] == 10


def test_a_group_with_nothing_in_it_is_left_out():
    entry = entry_of(RULE.sections, sent(), {"after": {"minutes": 1, "since": "due"}, "actions": {}}, new=False)
    assert "after" not in _stated("rule", RULE, entry)
    assert _stated("rule", RULE, entry)["actions"].get("skills") == []


def test_an_agent_s_roles_are_rows_in_the_form():
    configured = {"person_id": "p", "roles": {"support": "senior"}, "version": 3}
    flat = _flat("agent", configured, {"login": "john"})
    assert flat == {"person_id": "p", "login": "john", "roles": [{"department": "support", "role": "senior"}]}
    assert _stated("agent", AGENT, flat)["roles"] == {"support": "senior"}


@pytest.mark.parametrize(
    ("place", "control"),
    [
        ("rules.my-rule.tests.0.value", "e.tests.0.value"),
        ("rules.0.order", "e.order"),
        ("rules.0.actions.add_tags.2", "e.actions.add_tags"),
    ],
)
def test_the_api_s_messages_stand_beside_their_controls(place: str, control: str):
    assert errors_of(RULE.sections, {place: "wrong"}) == ({control: "wrong"}, {})


def test_the_message_of_what_there_is_one_of_stands_beside_its_control():
    assert errors_of(KINDS["policy"].sections, {"policy.reopen_days": "wrong"}) == ({"e.reopen_days": "wrong"}, {})


def test_a_message_that_belongs_to_no_control_is_still_shown():
    assert errors_of(RULE.sections, {"If-Match": "is 3", "rules.k.after": "is needed"})[1] == {
        "If-Match": "is 3",
        "rules.k.after": "is needed",
    }


def test_what_differs_between_two_states():
    old, new = {"name": "a", "order": 1, "gone": 2, "version": 1}, {"name": "b", "order": 1, "version": 2}
    assert changes(old, new) == [("name", "a", "b"), ("gone", 2, None)]


def fields() -> list[tuple[str, Field]]:
    return [(name, field) for name, kind in KINDS.items() for part in kind.sections for field in part.fields]


def test_every_form_offers_what_is_there():
    there = {*WORDS, *NAMED, "agent", "rule_fields", "condition_fields", "routed_topics", "permissions"}
    parts = [(name, part) for name, field in fields() for part in (field, *field.parts)]
    assert [(n, f.name) for n, f in parts if f.control in {"choice", "choices"} and f.offered not in there] == []
    assert {kind.owner for kind in KINDS.values()} <= set(OWNERS)


def as_sent(part: Section, entry: Mapping[str, Any]) -> dict[str, list[str]]:
    """What a browser sends of a form that shows this entry."""
    found: dict[str, list[str]] = {}

    def say(field: Field, value: Any, name: str) -> None:
        if field.control == "rows":
            for place, row in enumerate(value or []):
                for piece in field.parts:
                    say(piece, value_at(row, piece.name), f"{name}.{place}.{piece.name}")
        elif field.control == "choices":
            found[name] = list(value or [])
        elif field.control == "keys":
            found[name] = [", ".join(value or [])]
        elif field.control != "check":
            found[name] = ["" if value is None else str(value)]
        elif value:
            found[name] = ["1"]

    for field in part.fields:
        say(field, value_at(entry, field.name), f"e.{field.name}")
    return found


@pytest.mark.parametrize("name", sorted(KINDS))
def test_an_entry_that_is_sent_as_it_is_shown_stays_what_it_is(name: str):
    kind = KINDS[name]
    first = initial_of(kind.sections)
    form: dict[str, list[str]] = {}
    for part in kind.sections:
        form |= as_sent(part, first)
    once = entry_of(kind.sections, form, {}, new=True)
    again: dict[str, list[str]] = {}
    for part in kind.sections:
        again |= as_sent(part, once)
    assert entry_of(kind.sections, again, once, new=False) == once


def test_there_are_always_empty_rows_to_write_in():
    tests = next(field for name, field in fields() if name == "rule" and field.name == "tests")
    assert len(rows_shown(tests, {"tests": [{"field": "subject"}]})) == 3


def test_an_image_stays_unless_another_is_sent_or_it_is_to_go():
    sections, before = KINDS["branding"].sections, {"logo": {"sha256": "a"}, "name": "Help"}
    assert entry_of(sections, sent(name="Help"), before, new=False)["logo"] == {"sha256": "a"}
    assert (
        entry_of(sections, sent(name="Help", logo="data:;base64,QQ=="), before, new=False)["logo"]
        == "data:;base64,QQ=="
    )
    assert "logo" not in entry_of(sections, sent(name="Help", logo__remove="1"), before, new=False)
