"""Of several plans whose conditions hold, the first by its order is a ticket's, whatever they are called."""

import itertools
from typing import Any

import pytest

from services.workflow.domain import sla

TICKET = {"priority": "normal", "severity": None, "department": None, "topic": None}


def plan(key: str, order: int, **wants: Any) -> dict[str, Any]:
    return {
        "key": key, "order": order, "active": True, "priorities": [], "severities": [], "departments": [], "topics": [], **wants,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("plans", "expected"),
    [
        ([plan("a", 3), plan("b", 1), plan("c", 2)], "b"), ([plan("b", 1), plan("a", 1)], "a"),
        ([plan("a", 1, priorities=["high"]), plan("c", 2, active=False), plan("b", 3)], "b"),
    ],
    ids=["by order", "of one order, by key", "what does not hold is passed over"],
)  # fmt: skip
def test_the_first_by_order(plans, expected):
    for some in itertools.permutations(plans):
        chosen = sla.choose(some, TICKET)
        assert chosen is not None
        assert chosen["key"] == expected
