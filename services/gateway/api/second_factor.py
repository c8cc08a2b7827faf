"""One's own one-time codes: set up, confirmed, switched off."""

from typing import Annotated
from uuid import UUID

import segno
from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from services.gateway.api.common import Code, Gateway, GatewayDep, own_session
from services.gateway.domain import credentials
from services.gateway.signing_in import credential_stream
from shared.contracts.fields import Strict, Text
from shared.http.caller import Caller, CallerDep
from shared.http.commands import CommandDep, CommandRequest
from shared.http.problems import RESPONSES, Problem
from shared.refusal import Refusal

router = APIRouter(tags=["gateway"], responses=RESPONSES)


def _myself(caller: Caller) -> UUID:
    """Return who is signed in.

    Raises:
        Problem: 409, it is a key: what people sign in with is changed in a session.
    """
    own_session(caller.via.kind, caller.via.id)
    if caller.person_id is None:
        raise Problem(409, "This takes a person's session.")
    return caller.person_id


class CodesShown(BaseModel):
    """Whether one-time codes are in use."""

    enabled: bool
    recovery_codes_left: int
    has_password: bool
    roles_withheld: list[str] = Field(description="Roles that this session lacks because it began without a code")


@router.get("/me/totp")
async def read_codes(caller: CallerDep, gateway: GatewayDep) -> CodesShown:
    """Return whether one-time codes are asked for when you sign in."""
    person_id = _myself(caller)
    state = await gateway.sign_ins.credentials_of(person_id)
    account, _ = await gateway.accounts.state(person_id)
    return CodesShown(
        enabled=state.totp is not None, recovery_codes_left=len(state.recovery), has_password=state.password is not None,
        roles_withheld=sorted(set(account.roles) & gateway.settings.withheld_roles - caller.roles),
    )  # fmt: skip


class Current(Strict):
    """The current password, where there is one."""

    current: Annotated[Text, StringConstraints(max_length=200)] | None = None


class Offered(BaseModel):
    """A secret for an authenticator app, shown this once; good once a code of it is confirmed."""

    secret: str
    uri: str
    qr: str = Field(description="The URI as a QR code: SVG, black on white")


def qr_code(uri: str) -> str:
    """Return a QR code as SVG, for use in a page as it is."""
    return segno.make_qr(uri).svg_inline(scale=4, border=4, dark="#000", light="#fff")


@router.post("/me/totp", status_code=201)
async def enrol(body: Current, command: CommandDep, gateway: GatewayDep) -> Offered:
    """Begin: a new secret. Put it into an authenticator app, and confirm with a code that it gives."""
    person_id = _myself(command.caller)
    await gateway.sign_ins.check_own_password(person_id, body.current, command.caller.via)
    factor = gateway.sign_ins.second_factor
    secret = factor.new_secret()
    stored = factor.encrypt(person_id, secret)
    result = await gateway.credentials.execute(
        credential_stream(person_id), lambda state: credentials.enrol_totp(state, stored), command.context()
    )
    secret = factor.decrypt(person_id, result.events[0].data["secret"])  # of a repeat: the first one
    uri = factor.uri(secret, command.caller.login or command.caller.email or str(person_id))
    return Offered(secret=secret, uri=uri, qr=qr_code(uri))


class CodeBody(Strict):
    """A one-time code."""

    code: Code


class Recovery(BaseModel):
    """Recovery codes, shown this once. Each stands in for a one-time code, once."""

    recovery_codes: list[str]


@router.post("/me/totp/confirm", status_code=201)
async def confirm(body: CodeBody, command: CommandDep, gateway: GatewayDep) -> Recovery:
    """Take the secret into use by a code of it. From now on, signing in takes one."""
    person_id = _myself(command.caller)
    state = await gateway.sign_ins.credentials_of(person_id)
    step = gateway.sign_ins.step_of(person_id, state.offered, body.code)
    codes, hashes = _new_codes(gateway, person_id, command)
    await gateway.credentials.execute(
        credential_stream(person_id),
        lambda now: credentials.confirm_totp(now, step if now.offered == state.offered else None, hashes), command.context(),
    )  # fmt: skip
    return Recovery(recovery_codes=codes)


def _new_codes(gateway: Gateway, person_id: UUID, command: CommandRequest) -> tuple[list[str], list[str]]:
    factor = gateway.sign_ins.second_factor
    codes = factor.recovery_codes(command.command_id)
    return codes, [factor.recovery_hash(person_id, code) for code in codes]


class Proof(Current):
    """The current password, where there is one, and a code."""

    code: Code


async def _prove(gateway: Gateway, person_id: UUID, body: Proof, command: CommandRequest) -> None:
    """Require password and code, unless this was done already: a code is good once.

    Raises:
        Problem: 409, 422 or 429.
    """
    if await gateway.credentials.repeat_of(command.context()) is not None:
        return
    await gateway.sign_ins.check_own_password(person_id, body.current, command.caller.via)
    if (await gateway.sign_ins.credentials_of(person_id)).totp is None:
        raise Problem(409, "One-time codes are not in use.")
    try:
        await gateway.sign_ins.take_code(person_id, body.code)
    except Refusal as refusal:  # he is signed in: the field is wrong, not who he is
        raise Problem(422, refusal.detail, fields={"code": refusal.detail}) from refusal


@router.post("/me/totp/recovery-codes", status_code=201)
async def new_recovery_codes(body: Proof, command: CommandDep, gateway: GatewayDep) -> Recovery:
    """Make new recovery codes; the earlier ones are void."""
    person_id = _myself(command.caller)
    await _prove(gateway, person_id, body, command)
    codes, hashes = _new_codes(gateway, person_id, command)
    await gateway.credentials.execute(
        credential_stream(person_id), lambda state: credentials.make_recovery_codes(state, hashes), command.context()
    )
    return Recovery(recovery_codes=codes)


@router.post("/me/totp/remove", status_code=204)
async def remove(body: Proof, command: CommandDep, gateway: GatewayDep) -> None:
    """Ask for no codes any more."""
    person_id = _myself(command.caller)
    await _prove(gateway, person_id, body, command)
    await gateway.credentials.execute(credential_stream(person_id), credentials.remove_totp, command.context())
