"""The gateway's part of an organisation file: called by `ledgerdesk org apply`."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, StringConstraints

from services.gateway import brand_images, domain
from services.gateway.api.common import Gateway, GatewayDep, Password
from services.gateway.brand_images import MOST_IMAGE
from shared.contracts.branding import BrandImage, BrandLink
from shared.contracts.fields import Body, Email, Id, Line, Role, Strict, Text
from shared.contracts.ids import derived, directory_id, random_id
from shared.contracts.permissions import Permission, RoleKey
from shared.eventstore.ledger import Context
from shared.http.caller import Caller, CallerDep
from shared.http.configured import EntryVersion, need_one_entry
from shared.http.problems import Problem


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


DataUrl = Annotated[Text, StringConstraints(max_length=2 * MOST_IMAGE)]


class BrandingEntry(Strict):
    """The brand of an organisation file. An image is a data URL, or what is kept already, as the events name it."""

    name: Annotated[Line, StringConstraints(max_length=60)]
    logo: DataUrl | BrandImage | None = None
    icon: DataUrl | BrandImage | None = None
    accent: Annotated[Text, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")] | None = None
    support: Annotated[Body, StringConstraints(max_length=2000)] | None = None
    links: Annotated[list[BrandLink], Field(max_length=6)] = []


class GatewaySection(Strict):
    """What the gateway owns of an organisation file."""

    roles: list[RoleEntry] = []
    branding: BrandingEntry | None = None
    accounts: list[AccountEntry] = []


class Applied(BaseModel):
    """How many entries changed, and the position of the store that holds them."""

    changed: int
    position: int


internal = APIRouter(prefix="/internal/gateway", tags=["gateway"], include_in_schema=False)


async def _apply_entry(
    gateway: Gateway, kind: str, new: dict[str, Any], caller: Caller, if_version: int | None
) -> bool:
    """Make an entry say this; returns whether that changed it."""
    stream_id = directory_id(kind, new["key"])
    _, version = await gateway.entries.state(stream_id)
    context = Context(derived("apply", kind, new, version), caller.actor, caller.via)
    result = await gateway.entries.execute(
        stream_id, lambda old: domain.configure_entry(kind, new, old), context, if_version
    )
    return bool(result.events) and not result.repeat


async def _branding(gateway: Gateway, entry: BrandingEntry) -> dict[str, Any]:
    """Return the brand as its event says it, its images kept.

    Raises:
        Problem: 422, an image is none, or is not kept here.
    """
    new: dict[str, Any] = entry.model_dump(mode="json") | {"key": "desk"}
    new["accent"] = entry.accent.lower() if entry.accent else None
    kinds: tuple[brand_images.Kind, ...] = ("logo", "icon")
    for kind in kinds:
        given = getattr(entry, kind)
        if isinstance(given, str):
            try:
                image = brand_images.image_of(given, kind)
            except brand_images.ImageError as error:
                raise Problem(422, f"branding.{kind}: {error}.", fields={f"branding.{kind}": str(error)}) from error
            new[kind] = await brand_images.kept(gateway.files, image)
        elif given is not None and await asyncio.to_thread(brand_images.read, gateway.files, given.sha256) is None:
            message = "is not kept here: give it as a data URL"
            raise Problem(422, f"branding.{kind} {message}.", fields={f"branding.{kind}": message})
    return new


@internal.get("/images/{sha256}")
async def image(sha256: str, caller: CallerDep, gateway: GatewayDep) -> Response:
    """Return an image of the brand, present or past."""
    caller.need("system", "administrator")
    found = await asyncio.to_thread(brand_images.read, gateway.files, sha256)
    if found is None:
        raise Problem(404, "There is no such image.")
    return Response(found.content, media_type=found.media_type, headers={"Content-Disposition": "attachment"})


@internal.put("/organisation")
async def apply_section(
    body: GatewaySection, caller: CallerDep, gateway: GatewayDep, if_version: EntryVersion
) -> Applied:
    """Make roles and accounts be what this section says. A password is set only for an account that has none."""
    caller.need("system", "administrator")
    need_one_entry(body, if_version)
    roles = [role.model_dump(mode="json") | {"permissions": sorted(set(role.permissions))} for role in body.roles]
    changed = sum([await _apply_entry(gateway, "role", role, caller, if_version) for role in roles])
    if body.branding is not None:
        brand = await _branding(gateway, body.branding)
        changed += await _apply_entry(gateway, "branding", brand, caller, if_version)
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
