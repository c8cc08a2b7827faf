"""The gateway's part of an organisation file: called by `ledgerdesk org apply`."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.gateway import domain
from services.gateway.api.common import Gateway, GatewayDep, Password
from shared.contracts.fields import Email, Id, Line, Role, Strict
from shared.contracts.ids import derived, directory_id, random_id
from shared.contracts.permissions import Permission, RoleKey
from shared.eventstore.ledger import Context
from shared.http.caller import Caller, CallerDep
from shared.http.configured import EntryVersion, need_one_entry


class AccountEntry(Strict):
    """An account of an organisation file."""

    person_id: Id
    login: Line
    name: Line | None = None
    email: Email | None = None
    roles: Annotated[list[Role], Field(min_length=1)]
    active: bool = True
    password: Password | None = None


class RoleEntry(Strict):
    """A role of an organisation file; see `shared.contracts.directory.RoleEntry`."""

    key: RoleKey
    name: Line
    permissions: Annotated[list[Permission], Field(max_length=200)]
    active: bool = True


class GatewaySection(Strict):
    """What the gateway owns of an organisation file."""

    roles: list[RoleEntry] = []
    accounts: list[AccountEntry] = []


class Applied(BaseModel):
    """How many entries changed, and the position of the store that holds them."""

    changed: int
    position: int


internal = APIRouter(prefix="/internal/gateway", tags=["gateway"], include_in_schema=False)


async def _apply_role(gateway: Gateway, entry: RoleEntry, caller: Caller, if_version: int | None) -> bool:
    """Make a role say this; returns whether that changed it."""
    stream_id = directory_id("role", entry.key)
    new: dict[str, Any] = entry.model_dump(mode="json") | {"permissions": sorted(set(entry.permissions))}
    _, version = await gateway.entries.state(stream_id)
    context = Context(derived("apply", "role", new, version), caller.actor, caller.via)
    result = await gateway.entries.execute(stream_id, lambda old: domain.configure_role(new, old), context, if_version)
    return bool(result.events) and not result.repeat


@internal.put("/organisation")
async def apply_section(
    body: GatewaySection, caller: CallerDep, gateway: GatewayDep, if_version: EntryVersion
) -> Applied:
    """Make roles and accounts be what this section says. A password is set only for an account that has none."""
    caller.need("system", "administrator")
    need_one_entry(body, if_version)
    changed = sum([await _apply_role(gateway, role, caller, if_version) for role in body.roles])
    for entry in body.accounts:
        person_id = UUID(entry.person_id)
        # A name of its own: of two who say different things at once, none is the other's repeat.
        context = Context(random_id(), caller.actor, caller.via, fresh=True)
        result = await gateway.accounts.execute(
            person_id,
            lambda state, e=entry: domain.configure_account(  # type: ignore[misc] # mypy cannot infer a lambda's defaults
                state, person_id=e.person_id, roles=e.roles, active=e.active, login=e.login, name=e.name, email=e.email
            ),
            context,
            if_version,
        )
        changed += bool(result.events) and not result.repeat
        if entry.password is not None:
            once = Context(derived("apply", "password", person_id), caller.actor, caller.via)
            await gateway.sign_ins.set_first_password(person_id, entry.password, once)
    return Applied(changed=changed, position=await gateway.accounts.store.last_position())
