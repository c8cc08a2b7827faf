"""What a caller may do and see: by his account's roles, by his role in a ticket's department, by whose the ticket is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from shared.contracts.event import Actor, Via
from shared.contracts.permissions import MEANING, Permission, by_default
from shared.http.problems import Problem
from shared.http.sight import ALL, Sight
from shared.projection.access import access_of, department_of
from shared.roles import DepartmentRole

STAFF = frozenset({"agent", "lead", "administrator", "system"})
OVERSIGHT = frozenset({"lead", "administrator", "system", "analyst"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    Attributes:
        person_id: The person, if it is one the directory knows.
        login, name, email: The person's.
        roles: What the caller may do.
        via: The door: a key (by name) or a session.
        is_agent: Whether tickets can be assigned to the person.
        sight: Which tickets somebody of the desk sees.
        organisation: The requester's, where its people see each other's tickets.
        ticket: Of a guest, who came by a link, the one ticket that it is good for.
        department_roles: The roles that hold in departments, in place of what the account's role `agent` permits.
    """

    person_id: UUID | None
    login: str | None
    name: str | None
    email: str | None
    roles: frozenset[str]
    via: Via
    is_agent: bool = False
    sight: Sight = ALL
    organisation: str | None = None
    department_roles: Mapping[str, DepartmentRole] = field(default_factory=dict)
    ticket: UUID | None = None

    @property
    def actor(self) -> Actor:
        """The caller as an event names it."""
        if self.person_id is not None:
            return Actor("person", str(self.person_id))
        return Actor("system", f"key:{self.via.id}")

    @property
    def identity(self) -> str:
        """What an Idempotency-Key is good within: the address first, which a requester has before he is a person here."""
        return self.email or (str(self.person_id) if self.person_id else f"key:{self.via.id}")

    @property
    def is_staff(self) -> bool:
        """Whether the caller works tickets."""
        return bool(self.roles & STAFF)

    @property
    def is_desk(self) -> bool:
        """Whether the caller is of the desk, and sees all that is in a ticket, if he sees the ticket."""
        return bool(self.roles & (STAFF | {"analyst"}))

    @property
    def sees_all(self) -> bool:
        """Whether the caller sees every ticket."""
        return self.is_desk and self.sight.whole

    def sees(self, row: asyncpg.Record) -> bool:
        """Whether the caller sees a ticket, by its row in a service's view.

        As one of the desk, by his sight; as its requester; as one who was let in; as a colleague of the requester, where the
        organisation's people see each other's tickets (then the row has their `organisation`).
        """
        return self.sees_inside(row) or self.asks(row)

    def asks(self, row: asyncpg.Record) -> bool:
        """Whether the ticket is the caller's as requester: his own, one he was let in on, a colleague's that he shares."""
        if self.person_id is None or (self.ticket is not None and self.ticket != row.get("stream_id")):
            return False
        if self.person_id == row["requester_id"] or str(self.person_id) in (row.get("collaborators") or ()):
            return True
        return self.organisation is not None and self.organisation == row.get("organisation")

    def is_asker(self, row: asyncpg.Record) -> bool:
        """Whether the caller acts on the ticket as its requester. Who works it does only on his own: letting himself in gives no rights."""
        own = self.person_id is not None and self.person_id == row["requester_id"]
        return own or (self.asks(row) and not (self.is_staff and self.sees_inside(row)))

    def sees_inside(self, row: asyncpg.Record) -> bool:
        """Whether the caller sees all that is in a ticket; an agent's own request, beyond his sight, is to him as to any requester."""
        return self.is_desk and self.sight.covers(access_of(dict(row)))

    def need(self, *roles: str) -> None:
        """Require one of these roles.

        Raises:
            Problem: 403.
        """
        if not self.roles & set(roles):
            raise Problem(
                403, f"This takes the role {' or '.join(roles)}; you have {', '.join(sorted(self.roles)) or 'none'}."
            )

    def need_staff(self) -> None:
        """Require an agent, lead or administrator (or another system)."""
        self.need(*sorted(STAFF))

    def need_inside(self, row: asyncpg.Record) -> None:
        """Require somebody who works tickets, and this one: not merely its requester.

        Raises:
            Problem: 403.
        """
        self.need_staff()
        if not self.sees_inside(row):
            raise Problem(403, "This ticket is another department's: you see it as its requester only.")

    def permissions_in(self, department: str | None) -> frozenset[str]:
        """Return what the caller may do in a department; None: with what is in none."""
        role = self.department_roles.get(department) if department is not None else None
        return role.permissions if role is not None else by_default(self.roles)

    def roles_on(self, row: asyncpg.Record) -> frozenset[str]:
        """Return in which roles the caller acts on a ticket: his account's, the one he has in its department, `requester` if it is his."""
        acting = {"requester"} if self.is_asker(row) else set()
        if self.sees_inside(row):
            role = self.department_roles.get(department_of(access_of(dict(row))) or "")
            acting |= self.roles - {"requester"} | ({role.key} if role is not None else set())
        return frozenset(acting)

    def may(self, permission: Permission, row: asyncpg.Record) -> bool:
        """Whether the caller works this ticket, and may do so in the department that it is in."""
        if not self.is_staff or not self.sees_inside(row):
            return False
        return permission in self.permissions_in(department_of(access_of(dict(row))))

    def need_permission(self, permission: Permission, row: asyncpg.Record) -> None:
        """Require somebody who works this ticket, and may do so in the department that it is in.

        Raises:
            Problem: 403.
        """
        self.need_inside(row)
        self.need_permission_in(permission, department_of(access_of(dict(row))))

    def need_one_of(self, row: asyncpg.Record, *permissions: Permission) -> None:
        """Require one of these permissions on a ticket, where which of them it takes shows only later.

        Raises:
            Problem: 403.
        """
        self.need_inside(row)
        department = department_of(access_of(dict(row)))
        if not self.permissions_in(department) & set(permissions):
            self.need_permission_in(permissions[0], department)

    def need_permission_in(self, permission: Permission, department: str | None) -> None:
        """Require a permission in a department; None: what is in none.

        Raises:
            Problem: 403, naming the permission, the department and the remedy.
        """
        if permission in self.permissions_in(department):
            return
        where = f"in the department {department}" if department is not None else "where there is no department"
        role = self.department_roles.get(department) if department is not None else None
        yours = (
            f"your role there, {role.key}," if role is not None else f"what you are, {', '.join(sorted(self.roles))},"
        )
        raise Problem(
            403,
            f"This takes the permission {permission} ({MEANING[permission]}) {where}; {yours} does not give it. An administrator "
            f"can give you a role that does.",
            permission=permission, department=department,
        )  # fmt: skip

    def need_permission_everywhere(self, permission: Permission) -> None:
        """Require a permission for what is of no one department: by the account's roles, and by each role in a department.

        Raises:
            Problem: 403.
        """
        for department in (None, *sorted(self.department_roles)):
            self.need_permission_in(permission, department)
