"""The roles that an agent has in departments, and what they permit. Pure; the entries are the directory's.

In a department where an agent has a role, it stands in for what his account's role `agent` permits; so it does in the departments
within it, unless he has another role in a nearer one. What his account's other roles permit (a lead's, say) he may anyway.
A role that is retired, or that nobody has heard of, permits nothing: taking one away never gives more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.permissions import by_default


@dataclass(frozen=True, slots=True)
class DepartmentRole:
    """An agent's role in a department: its key, and what he may do there by all his roles."""

    key: str
    permissions: frozenset[str]


def department_roles(
    given: Mapping[str, str], account: frozenset[str], departments: Sequence[Mapping[str, Any]],
    roles: Sequence[Mapping[str, Any]],
) -> dict[str, DepartmentRole]:  # fmt: skip
    """Return department to role, for every department where a role of his holds.

    Args:
        given: Department to role key, as the agent's entry says.
        account: The roles of his account.
        departments: All there are.
        roles: All that are configured.
    """
    if "agent" not in account:
        return {}
    parents = {entry["key"]: entry.get("parent") for entry in departments}
    permitted = {role["key"]: frozenset(role["permissions"]) for role in roles if role.get("active", True)}
    besides = by_default(account - {"agent"})
    found = {}
    for department in {*parents, *given}:
        key = _nearest(department, given, parents)
        if key is not None:
            found[department] = DepartmentRole(key, besides | permitted.get(key, frozenset()))
    return found


def _nearest(department: str, given: Mapping[str, str], parents: Mapping[str, str | None]) -> str | None:
    """Return the role given in a department, else in the one it is within, and so on."""
    at: str | None = department
    passed = set()
    while at is not None and at not in passed:  # departments within each other are a mistake, and end here
        if at in given:
            return given[at]
        passed.add(at)
        at = parents.get(at)
    return None
