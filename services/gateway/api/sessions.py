"""Signing in and out, and who one is."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, StringConstraints

from services.gateway import domain
from services.gateway.api.common import GatewayDep
from shared.contracts.fields import Line, Strict, Text
from shared.http.caller import COOKIE, Caller, CallerDep
from shared.http.commands import CommandDep
from shared.http.problems import RESPONSES, Problem

router = APIRouter(tags=["gateway"], responses=RESPONSES)


class SignIn(Strict):
    """Login and password."""

    login: Line
    password: Annotated[Text, StringConstraints(min_length=1, max_length=200)]


class SessionStarted(BaseModel):
    """A session: send the token as bearer."""

    token: str
    expires_at: datetime


@router.post("/sessions", status_code=201, responses={429: {"description": "Too many attempts"}})
async def sign_in(body: SignIn, response: Response, gateway: GatewayDep) -> SessionStarted:
    """Sign in. The answer's token goes into `Authorization: Bearer`; browsers also get a cookie, for reading."""
    token, session = await gateway.sign_in(body.login, body.password)
    secure = gateway.settings.public_url.startswith("https://")
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(domain.SESSION_LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=secure,
    )
    return SessionStarted(token=token, expires_at=session.expires_at)


@router.delete("/sessions/current", status_code=204)
async def sign_out(response: Response, command: CommandDep, gateway: GatewayDep) -> None:
    """Sign out: the session's token is good for nothing any more."""
    caller = command.caller
    if caller.via.kind != "session":
        raise Problem(409, "This credential is no session.")
    session_id = UUID(caller.via.id)
    await gateway.sessions.execute(session_id, domain.revoke_session, command.context())
    response.delete_cookie(COOKIE)


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
    return Me(
        login=caller.login, name=caller.name, email=caller.email, roles=sorted(caller.roles), via=caller.via.kind,
        permissions=permissions, departments=departments, teams=teams,
    )  # fmt: skip
