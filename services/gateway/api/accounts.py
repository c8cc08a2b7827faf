"""Accounts: their passwords, links to set them, and what an administrator takes away again."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from services.gateway.api.common import GatewayDep, Password
from services.gateway.api.sessions import SessionStarted, started
from services.gateway.domain import credentials
from services.gateway.signing_in import Origin, credential_stream, identity_stream
from shared.contracts.fields import Line, Strict, Text
from shared.http.caller import CallerDep
from shared.http.commands import CommandDep
from shared.http.known import origin_of
from shared.http.problems import RESPONSES, Problem

router = APIRouter(tags=["gateway"], responses=RESPONSES)


class AccountShown(BaseModel):
    """An account."""

    person_id: UUID
    login: str | None
    name: str | None
    email: str | None
    roles: list[str]
    active: bool


@router.get("/accounts")
async def list_accounts(caller: CallerDep, gateway: GatewayDep) -> dict[str, list[AccountShown]]:
    """List the accounts there are."""
    caller.need("administrator")
    rows = await gateway.pool.fetch("SELECT * FROM person WHERE account IS NOT NULL ORDER BY login, stream_id")
    return {
        "items": [
            AccountShown(
                person_id=row["stream_id"], login=row["login"], name=row["name"], email=row["email"],
                roles=row["account"]["roles"], active=row["account"].get("active", True),
            )
            for row in rows
        ]
    }  # fmt: skip


class PasswordBody(Strict):
    """A new password."""

    password: Password
    current: Annotated[Text, StringConstraints(max_length=200)] | None = Field(None, description="Needed for one's own")


@router.put("/accounts/{login}/password", status_code=204)
async def set_password(login: Line, body: PasswordBody, command: CommandDep, gateway: GatewayDep) -> None:
    """Set an account's password: one's own (with the current one), or anybody's as an administrator. Other sessions end."""
    person = await gateway.directory.by_login(login)
    own = person is not None and person.person_id == command.caller.person_id
    if not own:
        command.caller.need("administrator")
    if person is None or person.account is None:
        raise Problem(404, f"There is no account {login!r}.")
    if own and await gateway.credentials.repeat_of(command.context()) is None:  # else the current one is the new one
        await gateway.sign_ins.check_own_password(person.person_id, body.current, command.caller.via)
    via = command.caller.via
    kept = via.id if own and via.kind == "session" else None
    await gateway.sign_ins.change_password(person.person_id, body.password, command.context(), kept)


class LinkIssued(BaseModel):
    """A one-time link to set a password, shown this once. Give it to the account's owner and to nobody else."""

    url: str
    token: str
    purpose: Literal["invitation", "reset"]
    expires_at: datetime


@router.post("/accounts/{login}/links", status_code=201)
async def issue_link(login: Line, request: Request, command: CommandDep, gateway: GatewayDep) -> LinkIssued:
    """Issue a one-time link by which an account's owner sets a password and is signed in; an earlier link is void.

    An invitation, for an account without a password, is good for 7 days, else for 24 hours.
    """
    command.caller.need("administrator")
    person = await gateway.account(login)
    token, purpose, expires_at = await gateway.sign_ins.issue_link(person.person_id, command)
    return LinkIssued(
        url=f"{origin_of(request)}/set-password?token={token}", token=token, purpose=purpose, expires_at=expires_at
    )


class LinkUse(Strict):
    """A one-time link, and the password to be."""

    token: Annotated[Text, StringConstraints(min_length=1, max_length=200)]
    password: Password


@router.post("/links", status_code=201)
async def use_link(body: LinkUse, request: Request, response: Response, gateway: GatewayDep) -> SessionStarted:
    """Set a password by a one-time link, and sign in. Where one-time codes are in use, 401 asks for one, as `POST /sessions` does."""
    return started(gateway, response, await gateway.sign_ins.by_link(body.token, body.password, Origin.of(request)))


@router.delete("/accounts/{login}/totp", status_code=204)
async def reset_codes(login: Line, command: CommandDep, gateway: GatewayDep) -> None:
    """Switch off one-time codes for who has lost both device and recovery codes."""
    command.caller.need("administrator")
    person = await gateway.account(login)
    await gateway.credentials.execute(credential_stream(person.person_id), credentials.remove_totp, command.context())


@router.delete("/accounts/{login}/identities", status_code=204)
async def unlink_identities(login: Line, command: CommandDep, gateway: GatewayDep) -> None:
    """Undo an account's links to identities of other providers. The next sign-in from there links anew, by address."""
    command.caller.need("administrator")
    person = await gateway.account(login)
    state = await gateway.sign_ins.credentials_of(person.person_id)
    for issuer, subject in state.identities.items():
        await gateway.identities.execute(
            identity_stream(subject), credentials.unlink_identity, command.context(f"identity {subject}")
        )
        await gateway.credentials.execute(
            credential_stream(person.person_id), lambda s, i=issuer: credentials.unbind_identity(s, i),  # type: ignore[misc] # mypy cannot infer a lambda's defaults
            command.context(f"binding {subject}"),
        )  # fmt: skip
