"""Accounts and their passwords."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from services.gateway.api.common import GatewayDep, Password
from shared.contracts.fields import Line, Strict, Text
from shared.http.caller import CallerDep
from shared.http.commands import CommandDep
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
    """Set an account's password: one's own (with the current one), or anybody's as an administrator."""
    person = await gateway.directory.by_login(login)
    own = person is not None and person.person_id == command.caller.person_id
    if not own:
        command.caller.need("administrator")
    if person is None or person.account is None:
        raise Problem(404, f"There is no account {login!r}.")
    if own and not await gateway.check_password(person.person_id, body.current or ""):
        raise Problem(422, "The current password is another.", fields={"current": "is not your current password"})
    await gateway.set_password(person.person_id, body.password, command.context())
