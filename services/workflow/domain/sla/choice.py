"""Which plan is a ticket's."""

from collections.abc import Mapping, Sequence
from typing import Any

_CONDITIONS = {"priorities": "priority", "severities": "severity", "departments": "department", "topics": "topic"}


def choose(plans: Sequence[Mapping[str, Any]], ticket: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the first active plan, by its order, whose conditions all hold for the ticket; None: it is promised nothing.

    The plan that a rule has named (`ruled_sla`) comes first, whatever its conditions.
    """
    named = next((plan for plan in plans if plan["active"] and plan["key"] == ticket.get("ruled_sla")), None)
    if named is not None:
        return named
    for plan in sorted(plans, key=lambda one: (one["order"], one["key"])):
        if plan["active"] and all(
            not plan[wanted] or ticket[field] in plan[wanted] for wanted, field in _CONDITIONS.items()
        ):
            return plan
    return None
