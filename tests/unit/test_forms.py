"""Custom fields: what each type holds, when a field is shown, what is required of whom, what is read by whom."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import forms
from shared.contracts.tickets import Created
from shared.refusal import Refusal
from shared.testing.forms import HIDDEN, REQUIRED, SEEN, field, when

FACTS = {"topic": "hardware", "priority": "normal", "severity": None}

# -- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "given_", "kept"),
    [
        ("text", " S/N 4711 ", "S/N 4711"), ("text", "größer 東京", "größer 東京"), ("text", "x" * 500, "x" * 500),
        ("memo", "two\nlines", "two\nlines"), ("memo", "x" * 20_000, "x" * 20_000),
        ("integer", 42, 42), ("integer", 0, 0), ("integer", -(2**53 - 1), -(2**53 - 1)),
        ("decimal", "12.50", "12.5"), ("decimal", "-0.0", "0"), ("decimal", "007", "7"), ("decimal", "100", "100"),
        ("decimal", "0.0000000001", "0.0000000001"), ("decimal", "999999999999999.9999999999", "999999999999999.9999999999"),
        ("date", "2028-02-29", "2028-02-29"), ("bool", True, True), ("bool", False, False),
        ("choice", "laptop", "laptop"), ("choices", ["printer", "laptop", "laptop"], ["laptop", "printer"]), ("choices", [], None),
    ],
)  # fmt: skip
def test_what_a_type_holds(kind, given_, kept):
    value = forms.checked(field(kind=kind), given_)
    assert value == kept
    assert type(value) is type(kept)
    if kind not in forms.WORDED and value is not None:
        Created.model_validate({"number": "1", "person_id": "00000000-0000-0000-0000-000000000001", "channel": "x", "fields": {"f": value}})  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "wrong", "remedy"),
    [
        ("text", "", "not blank"), ("text", "  ", "not blank"), ("text", "x" * 501, "500"), ("text", 5, "one line"),
        ("text", "a\x00b", "one line"), ("text", ["x"], "one line"), ("memo", "x" * 20_001, "20,000"), ("memo", " \n ", "not blank"),
        ("integer", 4.0, "whole number"), ("integer", "4", "whole number"), ("integer", True, "whole number"),
        ("integer", 2**53, "2^53"), ("decimal", 12.5, "in quotes"), ("decimal", 12, "in quotes"), ("decimal", "1e3", "in quotes"),
        ("decimal", "1,5", "in quotes"), ("decimal", "1" * 16, "15 digits"), ("decimal", "0." + "1" * 11, "10 after"),
        ("decimal", "\uff11", "in quotes"), ("decimal", "5\n", "in quotes"),
        ("date", "2026-02-29", "YYYY-MM-DD"), ("date", "20261101", "YYYY-MM-DD"), ("date", "2026-11-01T00:00", "YYYY-MM-DD"), ("date", 1, "YYYY-MM-DD"),
        ("bool", "true", "true or false"), ("bool", 1, "true or false"), ("choice", "fax", "laptop, printer"), ("choice", "Laptop", "laptop, printer"),
        ("choice", ["laptop"], "laptop, printer"), ("choices", "laptop", "list"), ("choices", ["laptop", "fax"], "laptop, printer"),
        ("choices", [1], "list"), ("choices", {"laptop": 1}, "list"),
    ],
)  # fmt: skip
def test_what_a_type_does_not_hold(kind, wrong, remedy):
    with pytest.raises(forms.BadValueError, match=re.escape(remedy)):
        forms.checked(field(kind=kind), wrong)


@pytest.mark.parametrize("kind", ["integer", "decimal", "date", "bool", "choice", "choices", "text", "memo"])
def test_a_refusal_does_not_repeat_what_was_given(kind):
    with pytest.raises(forms.BadValueError) as caught:
        forms.checked(field(kind=kind), ["hunter2"] if kind in forms.WORDED else "hunter2")
    assert "hunter2" not in str(caught.value)


def test_a_choice_that_was_made_stays_possible():
    assert forms.checked(field(kind="choice"), "fax", "fax") == "fax"
    assert forms.checked(field(kind="choices"), ["fax", "laptop"], ["fax"]) == ["laptop", "fax"]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("text", "S/N 1", {"words": "S/N 1"}), ("integer", "-5", -5), ("decimal", "1.50", "1.5"), ("date", "2026-11-01", "2026-11-01"),
        ("bool", "true", True), ("bool", "false", False), ("choice", "fax", "fax"), ("choices", "laptop", ["laptop"]),
    ],
)  # fmt: skip
def test_what_a_filter_looks_for(kind, text, value):
    assert forms.parsed(field(kind=kind), text) == value
    assert type(forms.parsed(field(kind=kind), text)) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [("memo", "x"), ("integer", "5.0"), ("integer", "9" * 16), ("integer", "x"), ("decimal", "x"), ("date", "x"), ("bool", "yes"), ("choice", "x"), ("text", "")],
)  # fmt: skip
def test_what_a_filter_cannot_look_for(kind, text):
    with pytest.raises(forms.BadValueError):
        forms.parsed(field(kind=kind), text)


# -- shown -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        (when("topic", "is", "hardware", "mail"), {}, True), (when("topic", "is", "mail"), {}, False),
        (when("topic", "is_not", "mail"), {}, True), (when("priority", "is", "normal"), {}, True),
        (when("severity", "empty"), {}, True), (when("severity", "filled"), {}, False), (when("severity", "is_not", "Sev-A"), {}, True),
        (when("field.kind", "is", "laptop"), {"kind": "laptop"}, True), (when("field.kind", "is", "laptop"), {"kind": "printer"}, False),
        (when("field.kind", "is", "laptop"), {}, False), (when("field.kind", "is_not", "laptop"), {}, True),
        (when("field.kinds", "is", "printer"), {"kinds": ["laptop", "printer"]}, True),
        (when("field.kinds", "is_not", "printer"), {"kinds": ["laptop", "printer"]}, False),
        (when("field.flag", "is", "true"), {"flag": True}, True), (when("field.flag", "is", "true"), {"flag": False}, False),
        (when("field.flag", "is", "false"), {"flag": False}, True), (when("field.flag", "is", "false"), {}, False),
        (when("field.flag", "filled"), {"flag": False}, True), (when("field.note", "filled"), {"note": {"words": "x"}}, True),
        (when("field.note", "filled"), {"note": {"words": None}}, True), (when("field.note", "empty"), {}, True),
        (when("field.gone", "empty"), {"gone": "x"}, True),
    ],
)  # fmt: skip
def test_conditions(condition, values, expected):
    others = [field("kind", "choice"), field("kinds", "choices"), field("flag", "bool"), field("note")]
    form = [*others, field("asked", shown_when=[condition])]
    assert ("asked" in forms.shown(form, values, FACTS)) == expected


def test_to_a_condition_a_field_that_is_not_shown_is_empty():
    form = [
        field("c", shown_when=[when("field.b", "filled")]), field("b", shown_when=[when("field.a", "is", "true")]), field("a", "bool"),
    ]  # fmt: skip
    assert forms.shown(form, {"a": True, "b": "x"}, FACTS) == {"a", "b", "c"}
    assert forms.shown(form, {"a": False, "b": "x"}, FACTS) == {"a"}


def test_all_conditions_must_hold_and_a_ring_shows_nothing():
    both = [when("topic", "is", "hardware"), when("priority", "is", "high")]
    assert forms.shown([field("a", shown_when=both)], {}, FACTS) == frozenset()
    assert forms.shown([field("a", shown_when=both)], {}, {**FACTS, "priority": "high"}) == {"a"}
    ring = [
        field("a", shown_when=[when("field.b", "empty")]),
        field("b", shown_when=[when("field.a", "empty")]),
        field("c"),
    ]
    assert forms.shown(ring, {}, FACTS) == {"c"}
    assert forms.shown([field("a", shown_when=[when("field.a", "empty")])], {}, FACTS) == frozenset()


KEYS = "abcde"


@st.composite
def forms_without_rings(draw) -> list[dict[str, Any]]:
    """Fields each of which looks only at those before it, in any order on the form."""
    found = []
    for n, key in enumerate(KEYS):
        conditions = draw(st.lists(st.builds(
            lambda other, op: when(f"field.{other}", op, *(["true"] if op.startswith("is") else [])),
            st.sampled_from(KEYS[:n]) if n else st.nothing(), st.sampled_from(["is", "is_not", "filled", "empty"]),
        ), max_size=2)) if n else []  # fmt: skip
        found.append(field(key, "bool", shown_when=conditions))
    return draw(st.permutations(found))


@settings(max_examples=300)
@given(forms_without_rings(), st.dictionaries(st.sampled_from(KEYS), st.booleans()))
def test_shown_is_what_recursion_says(form, values):
    by_key = {f["key"]: f for f in form}

    def is_shown(key: str) -> bool:
        for condition in by_key[key]["shown_when"]:
            other = condition["field"][len("field.") :]
            value = values.get(other) if is_shown(other) else None
            holds = {
                "is": value is True, "is_not": value is not True, "filled": value is not None, "empty": value is None,
            }[condition["op"]]  # fmt: skip
            if not holds:
                return False
        return True

    assert forms.shown(form, values, FACTS) == {key for key in by_key if is_shown(key)}


# -- filling in --------------------------------------------------------------------------------------------------------


def refused(form, wanted, audience="customer", before=None, **more) -> dict[str, str]:
    with pytest.raises(Refusal) as caught:
        forms.decided(form, before or {}, wanted, audience, FACTS, **more)
    assert caught.value.status == 422
    assert all(name in caught.value.detail for name in caught.value.fields)
    return {name: message.split(";")[0] for name, message in caught.value.fields.items()}


def test_a_form_is_of_its_topic_and_in_its_order():
    fields = [
        field("z", order=1), field("b", order=2, topics=["hardware"]), field("a", order=2, topics=["mail"]),
        field("gone", active=False), field("c", order=2, topics=["mail", "hardware"]),
    ]  # fmt: skip
    assert [f["key"] for f in forms.form_of(fields, "hardware")] == ["z", "b", "c"]
    assert [f["key"] for f in forms.form_of(fields, "mail")] == ["z", "a", "c"]
    assert [f["key"] for f in forms.form_of(fields, None)] == ["z"]


def test_what_is_refused_is_named_all_at_once():
    form = [field("seen", customer=SEEN), field("hidden", customer=HIDDEN), field("count", "integer")]
    assert refused(form, {"seen": "x", "hidden": "x", "never": "x", "count": "x"}) == {
        "fields.seen": "is not yours to fill in", "fields.hidden": "is no field of this ticket's form",
        "fields.never": "is no field of this ticket's form", "fields.count": forms_message("integer"),
    }  # fmt: skip
    with pytest.raises(Refusal, match="take one of: seen, count"):
        forms.decided(form, {}, {"never": 1}, "customer", FACTS)
    with pytest.raises(Refusal, match="it has none"):
        forms.decided([], {}, {"never": 1}, "customer", FACTS)


def forms_message(kind: str) -> str:
    with pytest.raises(forms.BadValueError) as caught:
        forms.checked(field(kind=kind), object())
    return str(caught.value)


@pytest.mark.parametrize(
    ("audience", "missing"), [("customer", {"fields.theirs"}), ("agent", {"fields.ours"}), ("system", set())]
)
def test_what_is_required_of_whom(audience, missing):
    form = [field("theirs", customer=REQUIRED), field("ours", agent=REQUIRED), field("either")]
    if missing:
        assert refused(form, {}, audience, opening=True).keys() == missing
        assert refused(form, {"theirs": None, "ours": None}, audience, opening=True).keys() == missing
    filled = forms.decided(form, {}, {"theirs": "x", "ours": "y"}, audience, FACTS, opening=True)
    assert filled == {"theirs": "x", "ours": "y"}


def test_another_system_fills_in_what_either_may_and_types_hold_for_it_too():
    form = [field("desk", customer=HIDDEN), field("theirs", agent=SEEN), field("fixed", customer=SEEN, agent=SEEN)]
    assert forms.decided(form, {}, {"desk": "x", "theirs": "y"}, "system", FACTS, opening=True) == {
        "desk": "x",
        "theirs": "y",
    }
    assert refused(form, {"fixed": "x"}, "system").keys() == {"fields.fixed"}
    assert refused([field("count", "integer")], {"count": "1"}, "system").keys() == {"fields.count"}


def test_what_is_not_shown_is_neither_required_nor_accepted():
    form = [
        field("kind", "choice"),
        field("serial", customer=REQUIRED, shown_when=[when("field.kind", "is", "laptop")]),
    ]
    assert forms.decided(form, {}, {"kind": "printer"}, "customer", FACTS, opening=True) == {"kind": "printer"}
    assert refused(form, {"kind": "printer", "serial": "x"}, opening=True) == {
        "fields.serial": "is not asked for, as the ticket is"
    }
    assert refused(form, {"kind": "laptop"}, opening=True) == {"fields.serial": "is required: Serial"}
    whole = {"kind": "laptop", "serial": "x"}
    assert forms.decided(form, {}, whole, "customer", FACTS, opening=True) == whole
    assert refused(form, {"kind": "laptop"}, before={"kind": "printer"}) == {"fields.serial": "is required: Serial"}, (
        "asked for now"
    )
    assert forms.decided(form, whole, {"kind": "printer"}, "customer", FACTS) == {"kind": "printer"}
    assert forms.decided(form, {"kind": "printer", "serial": "x"}, {"serial": None}, "customer", FACTS) == {
        "serial": None
    }


def test_later_only_what_is_touched_must_be_there():
    form = [field("theirs", customer=REQUIRED), field("other")]
    assert forms.decided(form, {}, {"other": "x"}, "customer", FACTS) == {"other": "x"}
    assert refused(form, {"theirs": None}, before={"theirs": "x"}) == {"fields.theirs": "is required: Theirs"}
    assert forms.decided(form, {"theirs": "x"}, {"theirs": None}, "agent", FACTS) == {"theirs": None}


def test_what_is_so_already_is_no_change():
    form = [field("note"), field("n", "integer"), field("flag", "bool")]
    before = {"note": {"words": "x", "version": 3}, "flag": False}
    assert forms.decided(form, before, {"note": "x", "n": None, "flag": False}, "agent", FACTS) == {}
    assert forms.decided(form, before, {"note": None, "flag": None}, "agent", FACTS) == {"note": None, "flag": None}
    assert forms.decided(form, {"note": {"words": None}}, {"note": None}, "agent", FACTS) == {"note": None}, (
        "blank words are there"
    )
    assert forms.decided(form, {"note": {"words": None}}, {"note": "y"}, "agent", FACTS) == {"note": "y"}


def test_what_closing_needs():
    form = [
        field("cause", "choice", required_to_close=True),
        field("part", required_to_close=True, shown_when=[when("field.cause", "is", "printer")]), field("other"),
    ]  # fmt: skip

    def lacking(**values: Any) -> list[str]:
        return [f["key"] for f in forms.missing(form, values, FACTS)]

    assert lacking() == ["cause"]
    assert lacking(cause="laptop") == []
    assert lacking(cause="printer") == ["part"]
    assert lacking(cause="printer", part={"words": None}) == [], "what was blanked was there"


# -- reading -----------------------------------------------------------------------------------------------------------


def test_who_reads_what():
    fields = {
        f["key"]: f
        for f in [
            field("both"), field("desk", customer=HIDDEN), field("theirs", agent=HIDDEN), field("gone", active=False), field("later", topics=["mail"]),
            field("off", shown_when=[when("priority", "is", "high")]),
        ]
    }  # fmt: skip
    values, form = {key: {"words": key} for key in [*fields, "unknown"]}, forms.form_of(fields.values(), "hardware")
    read = {a: forms.readable(fields, form, values, a, FACTS) for a in ("customer", "agent", "system")}
    assert read["customer"].keys() == {"both", "theirs"}
    assert read["agent"].keys() == {"both", "desk", "gone", "later", "unknown"}
    assert read["system"].keys() == {"both", "desk", "theirs", "gone", "later", "unknown"}
    assert read["customer"]["both"] == "both"
    assert forms.readable(fields, form, {"both": {"words": None}}, "customer", FACTS) == {"both": "(erased)"}


def test_words_are_blanked_where_they_stand():
    values = {"n": 1, "list": ["a"], "said": {"words": "x", "version": 3}, "asked": {"words": "y"}}
    assert forms.blank(values) == {
        "n": 1,
        "list": ["a"],
        "said": {"words": None, "version": 3},
        "asked": {"words": None},
    }
    assert forms.blank(values, lambda word: word.get("version") == 3) == {
        **values,
        "said": {"words": None, "version": 3},
    }
    assert forms.as_opened({"fields": {"n": 1}, "worded": ["w"]}, {"fields": {"w": "x"}}) == {
        "n": 1,
        "w": {"words": "x"},
    }
    assert forms.as_opened({"worded": ["w"]}, None) == {"w": {"words": None}}
    assert forms.as_opened({}, {"subject": "x"}) == {}
