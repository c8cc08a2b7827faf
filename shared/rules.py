"""Which rules hold for a ticket. Pure: the same rules and the same ticket give the same answer.

Asked at the door (a rule may refuse a ticket), by routing (all else that rules do), and when rules are tried on past tickets.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

Rule = Mapping[str, Any]
Seen = Mapping[str, Any]
"""What there is to look at: field to text, to several texts, or to None. A field that is not there cannot be tested."""

FIELD = "field."
"""What the name of a custom field begins with."""
UNSEEN = "unseen"
"""What is seen of a ticket names here the fields that hold something which is not shown: of them no test holds."""
AT_THE_DOOR = frozenset(
    {"subject", "body", "topic", "priority", "severity", "channel", "email", "organisation", "tags"}
)
"""What a new ticket has."""
LATER = AT_THE_DOOR - {"body"} | {"status", "department", "team", "agent"}
"""What a ticket has later on."""
WORDED = frozenset({"message", "replied"})
"""When there are words to look at: those of the event."""
CHANGES = ("status", "priority", "severity", "department", "assignment", "tags", "fields")
"""What a rule on changes may name."""
LONGEST_PATTERN = 500
LARGEST_PROGRAM = 3000
"""Instructions that a pattern may come to: what it costs at most, for each byte that is looked at. The worst takes half a second."""


class PatternError(ValueError):
    """A regular expression that cannot be used; the message says why."""


def compiled(pattern: str) -> "re2._Regexp":
    """Return a regular expression that takes time in proportion to the text, whatever the text is (RE2).

    Raises:
        PatternError: It is none, or one that is too large.
    """
    found = _compiled(pattern)
    if isinstance(found, PatternError):
        raise found
    return found


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> "re2._Regexp | PatternError":
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False  # it would write the pattern to standard error
    options.never_capture = True
    if len(pattern) > LONGEST_PATTERN:
        return PatternError(f"is longer than {LONGEST_PATTERN} characters")
    try:
        found = re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        reason = said.decode(errors="replace") if isinstance(said, bytes) else said
        return PatternError(f"is no regular expression of RE2's syntax: {reason}")
    if found.programsize > LARGEST_PROGRAM:
        return PatternError("is too large: let it repeat less")
    return found


def _matches(value: str, pattern: str) -> bool:
    return compiled(pattern).search(value) is not None


OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "equals": lambda value, wanted: value.lower() == wanted.lower(),
    "contains": lambda value, wanted: wanted.lower() in value.lower(),
    "starts": lambda value, wanted: value.lower().startswith(wanted.lower()),
    "ends": lambda value, wanted: value.lower().endswith(wanted.lower()),
    "matches": _matches,
}
"""Each also with `not_` before it."""


@dataclass(frozen=True, slots=True)
class Held:
    """A rule that holds, and which of its tests do (places, from 0)."""

    rule: Rule
    tests: Sequence[int]

    @property
    def named(self) -> list[dict[str, Any]]:
        """Name the tests that hold, without what they were held against: that may be personal."""
        return [
            {"test": place + 1, "field": test["field"], "op": test["op"]}
            for place, test in enumerate(self.rule["tests"])
            if place in self.tests
        ]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _holds(test: Mapping[str, Any], seen: Seen) -> bool:
    """Whether one test of a rule holds. What cannot be tested holds never, also the other way round: no rule holds by mistake."""
    op: str = test["op"]
    compare = OPERATORS.get(op.removeprefix("not_"))
    field: str = test["field"]
    if compare is None or field in seen.get(UNSEEN, ()) or (field not in seen and not field.startswith(FIELD)):
        return False
    found = seen.get(field)
    values = [_text(one) for one in found] if isinstance(found, (list, tuple)) else [_text(found)]
    try:
        holds = any(compare(value, str(test["value"])) for value in values)
    except PatternError:  # from before patterns were checked: see `faults`
        return False
    return not holds if op.startswith("not_") else holds


def matching(rules: Sequence[Rule], seen: Seen) -> list[Held]:
    """Return the rules that hold, in their order, up to the first that stops. One that is off, or has no tests, holds never."""
    found = []
    for rule in sorted(rules, key=lambda r: (r["order"], r["key"])):
        if not rule.get("active", True) or not rule["tests"]:
            continue
        held = [place for place, test in enumerate(rule["tests"]) if _holds(test, seen)]
        if len(held) == len(rule["tests"]) if rule.get("match", "all") == "all" else held:
            found.append(Held(rule, held))
            if rule.get("stop", True):
                break
    return found


def asked(rules: Sequence[Rule], when: str, changed: frozenset[str] = frozenset()) -> list[Rule]:
    """Return the rules that are asked when something happens; of those on changes, the ones that look at what has `changed`."""
    return [
        rule
        for rule in rules
        if rule.get("when", "created") == when and (not rule.get("changes") or changed & set(rule["changes"]))
    ]


def refusing(rules: Sequence[Rule], seen: Seen) -> Held | None:
    """Return the rule that refuses a ticket at the door, if one does; one that stops before it lets the ticket in."""
    new = asked(rules, "created")
    return next((held for held in matching(new, seen) if held.rule["actions"].get("reject")), None)


def faults(rule: Rule, worded: Collection[str] = ()) -> dict[str, str]:
    """Return what is wrong with a rule that is to be configured: where (``tests.0.value``), to what and the remedy.

    `worded` are the custom fields that hold words: those are seen of a new ticket alone.
    """
    when = rule.get("when") or "created"
    found = {
        f"tests.{place}.{part}": what
        for place, test in enumerate(rule["tests"])
        for part, what in _faults_of_test(test, when).items()
    }
    for place, test in enumerate(rule["tests"]):
        if when != "created" and test["field"].removeprefix(FIELD) in worded and test["field"].startswith(FIELD):
            found[f"tests.{place}.field"] = "holds words: it can be tested when a ticket is created"
    if rule.get("changes") and when != "updated":
        found["changes"] = "is for rules with when: updated"
    if when == "time" and not rule.get("after"):
        found["after"] = "is needed: {minutes, since}"
    if when != "time" and rule.get("after"):
        found["after"] = "is for rules with when: time"
    if rule["actions"].get("reject") and when != "created":
        found["actions.reject"] = "is for new tickets: a rule with when: created"
    return found | _faults_of_actions(rule["actions"])


def _faults_of_test(test: Mapping[str, Any], when: str) -> dict[str, str]:
    found = {}
    field, op, value = test["field"], test["op"].removeprefix("not_"), test["value"]
    fields = AT_THE_DOOR if when == "created" else LATER | ({"body"} if when in WORDED else set())
    if op not in OPERATORS:
        found["op"] = f"must be one of: {', '.join(OPERATORS)}; or one of them with not_ before it"
    elif op != "equals" and field == "agent":
        found["op"] = "must be equals or not_equals: an agent is one or is not"
    if field not in fields and not (field.startswith(FIELD) and len(field) > len(FIELD)):
        found["field"] = f"must, when {when}, be one of: {', '.join(sorted(fields))}, field.KEY"
    if op == "matches":
        try:
            compiled(value)
        except PatternError as error:
            found["value"] = str(error)
    elif op != "equals" and not value:
        found["value"] = "must not be empty: only equals and not_equals are held against nothing"
    return found


def _faults_of_actions(actions: Mapping[str, Any]) -> dict[str, str]:
    wanted = {name for name, value in actions.items() if value}
    if "reject" in wanted and len(wanted) > 1:
        return {"actions.reject": "must stand alone: on a ticket that is refused nothing else can be done"}
    if "notify" in wanted and "escalate" not in wanted:
        return {"actions.notify": "needs escalate: true, which calls them"}
    return {}
