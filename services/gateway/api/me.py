"""Who one is, what one may do, and where one works."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.gateway.api.common import GatewayDep
from shared.http.caller import Caller, CallerDep
from shared.http.problems import RESPONSES

router = APIRouter(tags=["gateway"], responses=RESPONSES)


class InDepartment(BaseModel):
    """What the caller may do in a department where he has a role, or within one."""

    role: str
    permissions: list[str]


class Permissions(BaseModel):
    """What the caller may do on the desk: by his account's roles, and where a role of a department says otherwise."""

    default: list[str]
    departments: dict[str, InDepartment]


class Place(BaseModel):
    """A department or team."""

    key: str
    name: str


class Me(BaseModel):
    """Who the caller is."""

    login: str | None
    name: str | None
    email: str | None
    roles: list[str]
    via: str
    permissions: Permissions
    departments: list[Place]
    teams: list[Place]
    organisation: Place | None = Field(description="A requester's, where its people see each other's tickets")


async def _places(gateway: GatewayDep, caller: Caller) -> tuple[list[Place], list[Place]]:
    """Return where an agent works: his departments, also those in which he has a role, and his teams."""
    if not caller.is_agent or caller.person_id is None:
        return [], []
    person, me = await gateway.directory.by_id(caller.person_id), str(caller.person_id)
    agent = (person.agent if person else None) or {}
    his = {*agent.get("departments", []), *agent.get("roles", {})}
    departments = [one for one in await gateway.directory.entries("department") if one["key"] in his]
    teams = [one for one in await gateway.directory.entries("team") if me in one["members"]]
    return _shown(departments), _shown(teams)


def _shown(entries: list[dict[str, Any]]) -> list[Place]:
    return [Place(key=entry["key"], name=entry["name"]) for entry in entries if entry.get("active", True)]


@router.get("/me")
async def read_me(caller: CallerDep, gateway: GatewayDep) -> Me:
    """Return who you are and what you may do."""
    permissions = Permissions(
        default=sorted(caller.permissions_in(None)),
        departments={
            department: InDepartment(role=role.key, permissions=sorted(role.permissions))
            for department, role in sorted(caller.department_roles.items())
        },
    )
    departments, teams = await _places(gateway, caller)
    shared = caller.organisation and await gateway.directory.entry("organisation", caller.organisation)
    organisation = Place(key=shared["key"], name=shared["name"]) if shared else None
    return Me(
        login=caller.login, name=caller.name, email=caller.email, roles=sorted(caller.roles), via=caller.via.kind,
        permissions=permissions, departments=departments, teams=teams, organisation=organisation,
    )  # fmt: skip
