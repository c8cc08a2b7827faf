"""What decides who of the desk may see a ticket, in one column of each service's row. Pure.

Slots of intake (`stated`), and of routing: `department` (once `moved`, else `stated` holds), `team`, `agent`, `referrals`. Plain
JSON; none is written by two owners, so the order of owners does not matter.
"""

from collections.abc import Callable, Mapping
from typing import Any

from shared.contracts.event import Event

Access = Mapping[str, Any]
NOWHERE: Access = {}


def access_after(access: Access, event: Event) -> Access:
    """Return the slots after an event. Total."""
    fold = _FOLDS.get(event.name)
    return {**access, **fold(access, event)} if fold is not None else access


def _referred(access: Access, event: Event) -> dict[str, Any]:
    to = {name: event.data.get(name) for name in ("agent", "team", "department")}
    others = [one for one in access.get("referrals", []) if one != to]
    return {"referrals": [*others, to] if event.name == "referred" else others}


_FOLDS: dict[str, Callable[[Access, Event], dict[str, Any]]] = {
    "created": lambda _, event: {"stated": event.data.get("department")},
    "transferred": lambda _, event: {"moved": True, "department": event.data.get("department")},
    "assigned": lambda access, event: {
        "agent": event.data.get("agent"), "team": event.data.get("team") or access.get("team"),
    },
    "unassigned": lambda _access, _event: {"agent": None, "team": None},
    "referred": _referred, "referral_withdrawn": _referred,
}  # fmt: skip


def department_of(access: Access) -> str | None:
    """Return the department that a ticket is in."""
    department: str | None = access.get("department") if access.get("moved") else access.get("stated")
    return department


def access_of(row: Mapping[str, Any]) -> Access:
    """Return the slots of a service's row: of its column `access`, or of workflow's columns, which lists are filtered by."""
    access: Access | None = row.get("access")
    if access is not None:
        return access
    return {
        "stated": row["stated_department"], "moved": row["moved"], "department": row["moved_department"], "team": row["team"],
        "agent": str(row["agent"]) if row["agent"] else None, "referrals": row["referrals"],
    }  # fmt: skip
