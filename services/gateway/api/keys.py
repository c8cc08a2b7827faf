"""API keys."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from services.gateway import domain
from services.gateway.api.common import GatewayDep
from shared.contracts.canonical import keyed_digest
from shared.contracts.fields import Line, Role, SaidMoment, Strict, Tag, Text
from shared.contracts.ids import derived, new_secret
from shared.http.caller import KEY_PREFIX, CallerDep
from shared.http.commands import CommandDep
from shared.http.problems import RESPONSES, Problem

Net = Annotated[Text, StringConstraints(min_length=1, max_length=60)]
router = APIRouter(tags=["gateway"], responses=RESPONSES)


class NewKey(Strict):
    """An API key to be issued."""

    name: Tag = Field(examples=["monitoring"])
    roles: Annotated[list[Role], Field(min_length=1, max_length=6)]
    acts_for: Line | None = Field(None, description="Login or e-mail address of the person whose key it is")
    cidrs: Annotated[list[Net], Field(max_length=50, description="Networks from which it is good; none: all")] = []
    expires_at: SaidMoment | None = Field(None, description="Until when it is good; none: until it is revoked")


class IssuedKey(BaseModel):
    """An API key, shown this once."""

    id: UUID
    name: str
    roles: list[str]
    key: str


class KeyShown(BaseModel):
    """An API key as it is listed."""

    id: UUID
    name: str
    roles: list[str]
    acts_for: str | None
    revoked: bool
    cidrs: list[str]
    expires_at: datetime | None
    last_used: datetime | None = Field(description="To ten minutes")


@router.post("/keys", status_code=201)
async def issue_key(body: NewKey, command: CommandDep, gateway: GatewayDep) -> IssuedKey:
    """Issue an API key. It is shown once and kept as a keyed hash. With an Idempotency-Key sent again: the same key."""
    command.caller.need("administrator")
    person_id = None
    if body.acts_for is not None:
        person = await gateway.directory.by_login(body.acts_for)
        if person is None:
            raise Problem(
                422, f"acts_for: nobody is called {body.acts_for!r}.", fields={"acts_for": "must be a known person"}
            )
        person_id = str(person.person_id)
    key_id = derived("key", command.command_id)
    if command.request_digest is None:
        secret = new_secret(KEY_PREFIX)
    else:  # derived, so that the answer to a repeat is the first answer although only the hash is kept
        secret = f"{KEY_PREFIX}_{keyed_digest(gateway.settings.derived_key('api-key-secret'), str(command.command_id))}"
    key_hash = keyed_digest(gateway.settings.derived_key("api-key"), secret)
    now = datetime.now(UTC)
    await gateway.keys.execute(
        key_id,
        lambda _: domain.issue_key(
            now, name=body.name, roles=body.roles, key_hash=key_hash, person_id=person_id, cidrs=body.cidrs,
            expires_at=body.expires_at,
        ),
        command.context(),
    )  # fmt: skip
    return IssuedKey(id=key_id, name=body.name, roles=sorted(set(body.roles)), key=secret)


@router.get("/keys")
async def list_keys(caller: CallerDep, gateway: GatewayDep) -> dict[str, list[KeyShown]]:
    """List the API keys there are, without their secrets."""
    caller.need("administrator")
    rows = await gateway.pool.fetch(
        """
        SELECT k.*, date_bin('10 minutes', used.used_at, 'epoch') AS last_used
        FROM api_key k LEFT JOIN key_used used ON used.key_id = k.stream_id ORDER BY name, stream_id
        """
    )
    people = await gateway.directory.people({row["person_id"] for row in rows if row["person_id"]})
    return {
        "items": [
            KeyShown(
                id=row["stream_id"], name=row["name"], roles=row["roles"], revoked=row["revoked"],
                acts_for=people[row["person_id"]].shown["login"] if row["person_id"] in people else None,
                cidrs=row["cidrs"], expires_at=row["expires_at"], last_used=row["last_used"],
            )
            for row in rows
        ]
    }  # fmt: skip


@router.delete("/keys/{key_id}", status_code=204)
async def revoke_key(key_id: UUID, command: CommandDep, gateway: GatewayDep) -> None:
    """Revoke a key. Every service refuses it within about a second."""
    command.caller.need("administrator")
    await gateway.keys.execute(key_id, domain.revoke_key, command.context())
