"""Where somebody of the desk stands, as the directory says: his roles in departments, and which tickets he sees."""

from collections.abc import Mapping

from shared.directory.people import Directory, Person
from shared.http.sight import ALL, Scope, Sight, with_those_within
from shared.roles import DepartmentRole, department_roles


async def roles_in_departments(
    directory: Directory, person: Person, account: frozenset[str]
) -> Mapping[str, DepartmentRole]:
    """Return department to the role that holds there. `account` is what he calls with: his account's roles, or a key's."""
    given = (person.agent or {}).get("roles")
    if not given:
        return {}
    return department_roles(
        given, account, await directory.entries("department"), await directory.entries("role")
    )  # fmt: skip


async def sight_of(directory: Directory, person: Person, by_department: Mapping[str, DepartmentRole]) -> Sight:
    """Return what an agent sees: what his entry's `sees` says, and all of departments where his role lets him.

    An account without an entry sees the least: its entry comes by another topic, and may say so when it comes.
    """
    agent = person.agent or {}
    scope: Scope = "own" if person.agent is None else agent.get("sees") or "all"
    if scope == "all":
        return ALL
    me = str(person.person_id)
    teams = {t["key"] for t in await directory.entries("team") if me in t["members"] and t.get("active", True)}
    whole = frozenset(key for key, role in by_department.items() if "ticket.see_all" in role.permissions)
    if scope == "departments":
        his = frozenset([*agent.get("departments", []), *agent.get("roles", {})])
        whole |= with_those_within(his, await directory.entries("department"))
    return Sight(scope, me, whole, frozenset(teams))
