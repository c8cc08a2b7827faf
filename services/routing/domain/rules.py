"""Which rules hold for a ticket. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.routing.domain.state import Config, NewTicket

_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "equals": lambda value, wanted: value.lower() == wanted.lower(),
    "contains": lambda value, wanted: wanted.lower() in value.lower(),
    "starts": lambda value, wanted: value.lower().startswith(wanted.lower()),
    "ends": lambda value, wanted: value.lower().endswith(wanted.lower()),
    "matches": lambda value, wanted: re.search(wanted, value, re.IGNORECASE) is not None,
}


def _holds(test: Mapping[str, Any], ticket: NewTicket) -> bool:
    """Whether one test of a rule holds. Unknown operators hold never: a rule must not match by mistake."""
    found = getattr(ticket, test["field"], None)
    values = [str(v) for v in found] if isinstance(found, (list, tuple)) else [str(found or "")]
    op: str = test["op"]
    compare = _OPERATORS.get(op.removeprefix("not_"))
    if compare is None:
        return False
    holds = any(compare(value, str(test["value"])) for value in values)
    return not holds if op.startswith("not_") else holds


def matching_rules(config: Config, ticket: NewTicket) -> list[Mapping[str, Any]]:
    """Return the rules that apply, in their order, up to the first that stops."""
    found = []
    for rule in sorted(config.rules, key=lambda r: (r["order"], r["key"])):
        if not rule.get("active", True) or not rule["tests"]:
            continue
        results = [_holds(test, ticket) for test in rule["tests"]]
        if all(results) if rule.get("match", "all") == "all" else any(results):
            found.append(rule)
            if rule.get("stop", True):
                break
    return found


def first(rules: Sequence[Mapping[str, Any]], action: str) -> tuple[Any, Mapping[str, Any] | None]:
    """Return what the first rule that says something of this action says, and the rule."""
    for rule in rules:
        if rule["actions"].get(action):
            return rule["actions"][action], rule
    return None, None
