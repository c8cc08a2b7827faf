"""Which plan is a ticket's."""

from collections.abc import Mapping, Sequence
from typing import Any

_CONDITIONS = {"priorities": "priority", "severities": "severity", "departments": "department", "topics": "topic"}


def choose(plans: Sequence[Mapping[str, Any]], ticket: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the first active plan, by its order, whose conditions all hold for the ticket; None: it is promised nothing."""
    for plan in sorted(plans, key=lambda one: (one["order"], one["key"])):
        if plan["active"] and all(
            not plan[wanted] or ticket[field] in plan[wanted] for wanted, field in _CONDITIONS.items()
        ):
            return plan
    return None
