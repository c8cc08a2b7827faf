"""Which fields the new-ticket page asks for, and what it makes of what was written."""

from typing import Any

import pytest

from services.gateway.pages import topic_form
from services.gateway.pages.topic_form import (
    ASKED,
    all_named,
    form_of,
    held_of,
    kept,
    looked_at,
    said,
    shown,
    unasked,
    values_of,
)
from shared import forms


def field(key: str, kind: str = "text", when: tuple[Any, ...] = (), **more: Any) -> dict[str, Any]:
    choices = (
        [{"key": "laptop", "name": "Laptop"}, {"key": "other", "name": "Other"}] if kind.startswith("choice") else []
    )
    shown_when = [{"field": name, "op": op, "values": values} for name, op, values in when]
    return {
        "key": key, "name": key.title(), "help": None, "type": kind, "choices": choices, "editable": True, "required": False,
        "required_to_close": False, "shown_when": shown_when, **more,
    }  # fmt: skip


DEVICE = field("device", "choice", required=True)
SERIAL = field("serial", when=(("field.device", "is", ["laptop"]),))
AGE = field("age", "integer", when=(("field.serial", "filled", []),))
URGENT = field("why", "memo", when=(("priority", "is", ["high"]),))
NORMAL = field("calm", when=(("priority", "is", ["normal"]),))
FORM = [DEVICE, SERIAL, AGE, URGENT, NORMAL]


def keys(sent: dict[str, str], form: list[dict[str, Any]] | None = None) -> list[str]:
    return [one["key"] for one in shown(FORM if form is None else form, sent)]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("text", " S/N 1 ", "S/N 1"),
        ("text", "  ", None),
        ("memo", "  two\nlines\n", "  two\nlines\n"),
        ("memo", " \n", None),
        ("integer", " 42 ", 42),
        ("integer", "-1", -1),
        ("integer", "many", "many"),
        ("integer", "4" * 17, "4" * 17),
        ("integer", "", None),
        ("decimal", "12.50", "12.50"),
        ("date", "2026-11-24", "2026-11-24"),
        ("bool", "1", True),
        ("bool", "", False),
        ("choice", "laptop", "laptop"),
        ("choice", "", None),
        ("choices", "laptop\nother", ["laptop", "other"]),
        ("choices", "", None),
    ],
)
def test_what_is_written_becomes_the_apis_value(kind: str, text: str, value: Any) -> None:
    assert values_of([field("it", kind)], {"fields.it": text}) == ({} if value is None else {"it": value})


def test_a_topic_has_its_form_and_what_is_not_there_the_one_without() -> None:
    topics = {"items": [{"key": "hardware", "fields": FORM}], "without_topic": [AGE]}
    assert form_of(topics, "hardware") == FORM
    assert form_of(topics, "") == form_of(topics, "gone") == [AGE]


def test_fields_are_asked_for_as_their_conditions_hold() -> None:
    assert keys({}) == ["device", "calm"]
    assert keys({"fields.device": "other"}) == ["device", "calm"]
    assert keys({"fields.device": "laptop"}) == ["device", "serial", "calm"]
    assert keys({"fields.device": "laptop", "fields.serial": "1"}) == ["device", "serial", "age", "calm"]
    assert keys({"fields.device": "other", "fields.serial": "1"}) == ["device", "calm"], "what is not shown is empty"
    assert keys({"priority": "high"}) == ["device", "why"]


def test_what_one_may_only_read_is_not_asked_for_and_counts_as_empty() -> None:
    form = [{**DEVICE, "editable": False}, SERIAL]
    assert keys({"fields.device": "laptop"}, form) == []


def test_only_what_others_depend_on_is_looked_at() -> None:
    assert looked_at(FORM) == {"device", "serial"}


def test_a_field_that_the_form_did_not_have_yet_is_noticed() -> None:
    sent = {"fields.device": "laptop", ASKED: "device\ncalm"}
    assert unasked(shown(FORM, sent), sent)
    assert not unasked(shown(FORM, sent), {**sent, ASKED: "device\ncalm\nserial"})
    assert not unasked([], {})


def test_what_was_written_comes_back_with_its_field() -> None:
    sent = {"fields.device": "other", "fields.serial": "S/N 1", "fields.age": "", "subject": "x"}
    assert kept(sent, shown(FORM, sent)) == {"fields.serial": "S/N 1"}


def test_refusals_are_said_to_people_and_others_left_as_they_are() -> None:
    wrong = {
        "fields.device": "is required: Device",
        "fields.age": "must be a whole number, such as 42, between …",
        "subject": "too long",
    }
    told = said(FORM, wrong)
    assert told == {
        "fields.device": "Fill this in.",
        "fields.age": "Must be a whole number, such as 42.",
        "subject": "too long",
    }
    assert said(FORM, {"fields.gone": "is no field"}) == {"fields.gone": "is no field"}
    assert said([field("it", "choices")], {"fields.it": "is required: It"}) == {"fields.it": "Choose at least one."}
    assert all_named([DEVICE], ["fields.device"])
    assert not all_named([DEVICE], ["fields.device", "subject"])
    assert not all_named([DEVICE], [])


@pytest.mark.parametrize("kind", ["text", "memo", "integer", "decimal", "date", "choice", "choices"])
def test_every_type_that_can_be_refused_has_its_words(kind: str) -> None:
    one = {**field("it", kind), "choices": [{"key": "a", "name": "A", "active": True}]}
    with pytest.raises(forms.BadValueError) as refused:
        forms.checked(one, object())
    told = said([one], {"fields.it": str(refused.value)})["fields.it"]
    assert told == topic_form._PLAIN[kind]


def test_what_a_ticket_holds_is_read_by_names() -> None:
    def held(kind: str, value: Any) -> dict[str, Any]:
        return {**field("it", kind), "value": value}

    items = [
        held("choice", "laptop"), held("choice", "gone"), held("choices", ["laptop", "gone"]), held("bool", False), held("bool", True),
        held("integer", 0), held("text", "S/N 1"), held("date", None), held("choices", None),
    ]  # fmt: skip
    assert [value for _, value in held_of(items)] == ["Laptop", "gone", "Laptop, gone", "No", "Yes", "0", "S/N 1"]


def holding(key: str, kind: str, value: Any) -> dict[str, Any]:
    return {**field(key, kind), "value": value}


@pytest.mark.parametrize(
    ("kind", "held", "text", "change"),
    [
        ("text", "a", "b", {"it": "b"}),
        ("text", "a", "a", {}),
        ("text", "a", "", {"it": None}),
        ("text", None, "", {}),
        ("integer", 5, "0", {"it": 0}),
        ("integer", None, "0", {"it": 0}),
        ("integer", 0, "0", {}),
        ("integer", 0, "", {"it": None}),
        ("choices", ["laptop"], "laptop\nother", {"it": ["laptop", "other"]}),
        ("choices", ["laptop"], "", {"it": None}),
        ("bool", None, "", {}),
        ("bool", None, "1", {"it": True}),
        ("bool", True, "", {"it": False}),
        ("bool", False, "", {}),
    ],
)
def test_only_what_is_otherwise_is_changed(kind: str, held: Any, text: str, change: dict[str, Any]) -> None:
    items = [holding("it", kind, held)]
    assert topic_form.changes(items, {ASKED: "it", "fields.it": text}) == change
    assert topic_form.changes(items, {ASKED: "other", "fields.it": text}) == {}, "it was not asked for"


@pytest.mark.parametrize(
    ("kind", "value"),
    [("text", "S/N 1"), ("integer", 0), ("choices", ["laptop", "other"]), ("bool", True), ("bool", False)],
)
def test_what_is_held_is_written_so_that_sending_it_changes_nothing(kind: str, value: Any) -> None:
    items = [holding("it", kind, value), holding("none", kind, None)]
    typed = topic_form.written(items)
    assert set(typed) == {"fields.it"}
    assert topic_form.changes(items, {ASKED: "it\nnone", **typed}) == {}
