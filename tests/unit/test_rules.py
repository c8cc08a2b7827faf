"""Which rules hold, and which can be configured."""

import time

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from shared import rules
from shared.rules import Held, compiled, faults, matching, refusing

SEEN = {
    "subject": "The VPN drops", "body": "Every ten minutes", "topic": None, "priority": "high", "severity": None, "channel": "api",
    "email": "ken@example.org", "organisation": "example", "tags": ["vpn", "Home office"], "field.floor": 3, "field.urgent": True,
    "field.systems": ["mail", "vpn"], "unseen": ["field.secret"],
}  # fmt: skip


def rule(*tests: tuple[str, str, str], key: str = "r", order: int = 1, **more):
    actions = more.pop("actions", {"department": "support"})
    return {
        "key": key, "order": order, "match": "all", "stop": True, "active": True, "actions": actions,
        "tests": [dict(zip(("field", "op", "value"), test, strict=True)) for test in tests], **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("test", "holds"),
    [
        (("subject", "equals", "the vpn drops"), True),
        (("subject", "equals", "vpn"), False),
        (("subject", "not_equals", "vpn"), True),
        (("subject", "not_equals", "The VPN drops"), False),
        (("subject", "contains", "VPN"), True),
        (("subject", "contains", "printer"), False),
        (("subject", "not_contains", "VPN"), False),
        (("subject", "not_contains", "printer"), True),
        (("subject", "starts", "the"), True),
        (("subject", "starts", "vpn"), False),
        (("subject", "not_starts", "vpn"), True),
        (("subject", "ends", "drops"), True),
        (("subject", "ends", "the"), False),
        (("subject", "not_ends", "drops"), False),
        (("subject", "matches", r"\bvpn\b"), True),
        (("subject", "matches", r"^vpn"), False),
        (("subject", "not_matches", r"\bvpn\b"), False),
        (("subject", "not_matches", r"^vpn"), True),
        (("body", "contains", "ten"), True),
        (("tags", "equals", "vpn"), True),
        (("tags", "equals", "home office"), True),
        (("tags", "not_equals", "vpn"), False),
        (("tags", "contains", "x"), False),
        (("email", "ends", "@example.org"), True),
        (("organisation", "equals", "example"), True),
        (("channel", "equals", "mail"), False),
        (("topic", "equals", ""), True),
        (("topic", "not_equals", ""), False),
        (("priority", "not_equals", ""), True),
        (("field.floor", "equals", "3"), True),
        (("field.floor", "equals", "4"), False),
        (("field.urgent", "equals", "true"), True),
        (("field.systems", "equals", "mail"), True),
        (("field.systems", "equals", "printer"), False),
        (("field.empty", "equals", ""), True),
        (("field.empty", "contains", "x"), False),
        (("field.secret", "equals", ""), False),
        (("field.secret", "not_equals", "x"), False),
        # what cannot be tested holds never, nor its opposite
        (("subject", "resembles", "vpn"), False),
        (("subject", "not_resembles", "vpn"), False),
        (("weather", "equals", ""), False),
        (("weather", "not_equals", "fine"), False),
        (("subject", "matches", "("), False),
        (("subject", "not_matches", "("), False),
    ],
)
def test_each_operator(test, holds):
    assert bool(matching([rule(test)], SEEN)) is holds


def test_all_and_any_and_which_tests_held():
    tests = [("topic", "equals", "mail"), ("subject", "contains", "vpn"), ("tags", "equals", "vpn")]
    assert matching([rule(*tests)], SEEN) == []
    (held,) = matching([rule(*tests, match="any")], SEEN)
    assert held.named == [
        {"test": 2, "field": "subject", "op": "contains"},
        {"test": 3, "field": "tags", "op": "equals"},
    ]
    (held,) = matching([rule(*tests[1:])], SEEN)
    assert held.tests == [0, 1]


def test_order_and_stop():
    always = ("subject", "contains", "vpn")
    all_of = [
        rule(always, key="d", order=4), rule(always, key="c", order=3), rule(always, key="b", order=2, stop=False),
        rule(always, key="a", order=2, stop=False), rule(always, key="off", order=0, active=False), rule(key="empty", order=0),
    ]  # fmt: skip
    assert [held.rule["key"] for held in matching(all_of, SEEN)] == ["a", "b", "c"]


def test_who_is_refused_at_the_door():
    always = ("subject", "contains", "vpn")
    refuses = rule(always, key="no", order=2, actions={"reject": "We do no VPN."})
    assert refusing([refuses], SEEN) == Held(refuses, [0])
    assert refusing([refuses], {**SEEN, "subject": "Printer"}) is None
    assert refusing([refuses, rule(always, key="friends", order=1)], SEEN) is None, "a rule before it stops"
    assert refusing([refuses, rule(always, key="friends", order=1, stop=False)], SEEN) == Held(refuses, [0])
    assert refusing([rule(always)], SEEN) is None


def test_a_pattern_that_would_hang_takes_no_time():
    """`re` takes longer than the universe is old for this one."""
    started = time.perf_counter()
    assert not matching([rule(("body", "matches", r"^(a+)+$"))], {"body": "a" * 50_000 + "b"})
    assert time.perf_counter() - started < 1


@given(st.text(alphabet="ab.*+?|()[]{}^$\\0123", max_size=30))
def test_whatever_is_no_pattern_is_refused_with_a_reason(pattern):
    wrong = faults(rule(("subject", "matches", pattern)))
    try:
        re2.compile(pattern)
    except re2.error:
        assert list(wrong) == ["tests.0.value"]
    else:
        assert not wrong
        compiled(pattern)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (rule(("subject", "resembles", "x")), "tests.0.op"),
        (rule(("subject", "not_", "x")), "tests.0.op"),
        (rule(("weather", "equals", "fine")), "tests.0.field"),
        (rule(("field.", "equals", "x")), "tests.0.field"),
        (rule(("subject", "equals", "x"), ("subject", "matches", "(?=x)")), "tests.1.value"),
        (rule(("subject", "not_matches", "(")), "tests.0.value"),
        (rule(("subject", "matches", "x" * 501)), "tests.0.value"),
        (rule(("subject", "matches", r"(\w{1,100}\s?){1,9}z")), "tests.0.value"),
        (rule(("subject", "contains", "")), "tests.0.value"),
        (rule(("subject", "equals", "x"), actions={"reject": "No.", "priority": "low"}), "actions.reject"),
        (rule(("subject", "equals", "x"), actions={"notify": ["john"]}), "actions.notify"),
    ],
)  # fmt: skip
def test_what_cannot_be_configured(wrong, where):
    assert list(faults(wrong)) == [where]


@pytest.mark.parametrize(
    "right",
    [
        rule(("topic", "equals", ""), ("topic", "not_equals", "")),
        rule(("field.floor", "not_matches", r"^\d+$")),
        rule(("subject", "equals", "x"), actions={"reject": "No.", "skills": [], "escalate": False, "team": None}),
        rule(("subject", "equals", "x"), actions={"escalate": True, "notify": ["john"]}),
        rule(("subject", "equals", "x"), actions={}),
    ],
)
def test_what_can(right):
    assert faults(right) == {}


def test_the_largest_pattern_that_is_let_through_is_still_quick(monkeypatch):
    monkeypatch.setattr(rules, "LARGEST_PROGRAM", 3000)
    worst = r"(\w|\s)*a(\w|\s){240}c"
    assert compiled(worst).programsize > 2500
    started = time.perf_counter()
    assert not matching([rule(("body", "matches", worst))], {"body": "ab " * 33_000})
    assert time.perf_counter() - started < 10
