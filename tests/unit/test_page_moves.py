"""Which moves a ticket's page offers: those that make sense, are permitted, and are left by the lifecycle."""

from typing import Any

import pytest

from services.gateway.pages.moves import MOVES, NEEDS, RULED, body_of, offered
from shared.contracts.permissions import MEANING

TICKET: dict[str, Any] = {
    "status": "open",
    "assignee": {"login": "john"},
    "team": None,
    "watched": False,
    "department": "support",
}
EVERYTHING = sorted(MEANING)


def me(default=EVERYTHING, roles=("agent",), **departments) -> dict[str, Any]:
    here = {key: {"role": "x", "permissions": list(value)} for key, value in departments.items()}
    return {"roles": list(roles), "permissions": {"default": list(default), "departments": here}}


def test_every_name_is_one_there_is():
    assert set(NEEDS.values()) <= set(MEANING)
    assert (set(NEEDS) | RULED) <= set(MOVES)
    assert not set(NEEDS) & RULED


@pytest.mark.parametrize(("verb", "permission"), sorted(NEEDS.items()))
def test_what_is_not_permitted_is_not_offered(verb, permission):
    ticket = {
        **TICKET,
        "assignee": None if verb == "claim" else TICKET["assignee"],
        "status": "merged" if verb == "unmerge" else "open",
    }
    assert verb in offered(ticket, me(), is_staff=True)
    assert verb not in offered(ticket, me([p for p in EVERYTHING if p != permission]), is_staff=True)
    assert verb in offered(ticket, me([], support=[permission]), is_staff=True), (
        "his role in the department says otherwise"
    )
    assert verb not in offered(ticket, me(support=[]), is_staff=True)


def test_what_the_lifecycle_does_not_leave_is_not_offered():
    assert {"resolve", "hold", "close", "note"} <= set(offered(TICKET, me(), is_staff=True))
    assert {"resolve", "note"} <= set(left := offered(TICKET, me(), is_staff=True, left=["resolve"]))
    assert not {"hold", "close", "prioritise"} & set(left)
    asking = me(roles=("requester",), default=())
    assert "close" in offered(TICKET, asking, is_staff=False, left=["close"])
    assert "close" not in offered(TICKET, asking, is_staff=False, left=[])


def test_own_states_are_offered_where_there_are_any_and_go_along_with_a_move():
    assert "state" not in offered(TICKET, me(), is_staff=True)
    assert "state" not in offered(TICKET, me(), is_staff=True, left=["resolve"])
    assert "state" in offered(TICKET, me(), is_staff=True, left=["state"])
    assert body_of("state", {"state": "", "message": "back"}) == {"state": None, "message": "back"}
    assert body_of("state", {"state": "workshop"}) == {"state": "workshop"}
    assert body_of("resolve", {"resolution": "x", "state": "mended"}) == {"resolution": "x", "state": "mended"}
    assert body_of("resolve", {"resolution": "x", "state": ""}) == {"resolution": "x"}
    assert body_of("transfer", {"department": "x", "state": "mended"}) == {"department": "x"}
