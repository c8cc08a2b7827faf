"""Which custom fields can be configured, and what is said of those that cannot."""

from typing import Any

import pytest

from services.intake import domain
from services.intake.form_check import faults
from shared.contracts.catalogue import check
from shared.testing.forms import HIDDEN, SEEN, field, when

TOPICS = frozenset({"hardware", "mail"})
OFFERED = [{"key": "a", "name": "A"}, {"key": "b", "name": "B", "active": False}]
KIND = field("kind", "choice", choices=OFFERED)


def found(*new: dict[str, Any], there: tuple[dict[str, Any], ...] = ()) -> dict[str, str]:
    return faults(new, {one["key"]: one for one in there}, TOPICS)


@pytest.mark.parametrize(
    ("changes", "place", "remedy"),
    [
        ({"kind": "choice", "choices": []}, "choices", "must offer something"),
        ({"kind": "choices", "choices": [OFFERED[1]]}, "choices", "must offer something"),
        ({"kind": "choice", "choices": [OFFERED[0], OFFERED[0]]}, "choices", "a key each"),
        ({"kind": "text", "choices": OFFERED}, "choices", "leave them out"),
        ({"topics": ["hardware", "fax"]}, "topics", "there is no 'fax'"),
        ({"customer": {"visible": True, "editable": False, "required": True}}, "customer", "set editable: true"),
        ({"agent": {"visible": False, "editable": True, "required": False}}, "agent", "set visible: true"),
        ({"required_to_close": True, "customer": SEEN, "agent": HIDDEN}, "required_to_close", "somebody who may fill it in"),
        ({"shown_when": [when("status", "is", "open")]}, "shown_when.0.field", "topic, priority, severity, or field.KEY"),
        ({"shown_when": [when("field.never", "filled")]}, "shown_when.0.field", "topic, priority, severity, or field.KEY"),
        ({"shown_when": [when("kind", "filled")]}, "shown_when.0.field", "topic, priority, severity, or field.KEY"),
        ({"shown_when": [when("topic", "filled"), when("topic", "is", "fax")]}, "shown_when.1.values", "there is no 'fax'"),
        ({"shown_when": [when("priority", "is_not", "huge")]}, "shown_when.0.values", "there is no 'huge'"),
        ({"shown_when": [when("severity", "is", "1")]}, "shown_when.0.values", "Sev-A"),
        ({"shown_when": [when("field.kind", "is", "c")]}, "shown_when.0.values", "must be of: a, b"),
        ({"shown_when": [when("field.flag", "is", "yes")]}, "shown_when.0.values", "must be of: true, false"),
        ({"shown_when": [when("field.kind", "is")]}, "shown_when.0.values", "must be there with is and is_not"),
        ({"shown_when": [when("field.kind", "empty", "a")]}, "shown_when.0.values", "nothing else"),
        ({"shown_when": [when("field.note", "is", "secret")]}, "shown_when.0.op", "of a text must be filled or empty"),
        ({"shown_when": [when("field.desk", "filled")]}, "shown_when.0.field", "visible to customers"),
        ({"shown_when": [when("field.f", "filled")]}, "shown_when", "ring"),
    ],
)  # fmt: skip
def test_what_cannot_be_configured(changes, place, remedy):
    there = (KIND, field("flag", "bool"), field("note"), field("desk", customer=HIDDEN))
    wrong = found(field("f", **changes), there=there)
    assert wrong.keys() == {f"fields.f.{place}"}
    assert remedy in wrong[f"fields.f.{place}"]


def test_what_can():
    there = (KIND, field("flag", "bool"), field("note"), field("desk", customer=HIDDEN))
    conditions = [
        when("topic", "is", "mail"), when("priority", "is_not", "low"), when("severity", "empty"), when("field.kind", "is", "b"),
        when("field.flag", "is", "true", "false"), when("field.note", "empty"),
    ]  # fmt: skip
    assert found(field("f", "memo", topics=["mail"], required_to_close=True, shown_when=conditions), there=there) == {}
    assert found(field("f", customer=HIDDEN, shown_when=[when("field.desk", "filled")]), there=there) == {}
    assert found(field("f", shown_when=[when("field.g", "filled")]), field("g")) == {}, "of the same call"


def test_a_ring_is_named_by_everyone_in_it():
    a, b = (field(key, shown_when=[when(f"field.{other}", "filled")]) for key, other in (("a", "b"), ("b", "a")))
    assert found(a, b).keys() == {"fields.a.shown_when", "fields.b.shown_when"}
    assert found(b, there=(a,)).keys() == {"fields.a.shown_when", "fields.b.shown_when"}


def test_a_type_stays():
    assert found(field("f", "integer"), there=(field("f"),)).keys() == {"fields.f.type"}
    assert found(field("f", active=False), there=(field("f"),)) == {}


def test_what_others_look_at_cannot_be_changed_under_them():
    looks = field("looks", shown_when=[when("field.kind", "is", "a")])
    hidden, fewer = {**KIND, "customer": HIDDEN}, {**KIND, "choices": [{"key": "z", "name": "Z", "active": True}]}
    assert found(hidden, there=(KIND, looks)).keys() == {"fields.looks.shown_when.0.field"}
    assert found(fewer, there=(KIND, looks)).keys() == {"fields.looks.shown_when.0.values"}


def test_each_change_is_a_version():
    entry = {key: value for key, value in KIND.items() if key != "version"}
    (first,) = domain.configure("field", entry, None, versioned=True)
    assert first.data == {"new": {**entry, "version": 1}, "old": None}
    check(first, "intake")
    assert domain.configure("field", entry, first.data["new"], versioned=True) == []
    (second,) = domain.configure("field", {**entry, "name": "Other"}, first.data["new"], versioned=True)
    assert (second.data["new"]["version"], second.data["old"]) == (2, first.data["new"])
