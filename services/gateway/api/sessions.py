"""Signing in and out, and one's sessions."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from services.gateway import domain
from services.gateway.api.common import (
    Code,
    Gateway,
    GatewayDep,
    GivenPassword,
    give_session,
    own_session,
)
from services.gateway.signing_in import Origin
from shared.contracts.fields import Line, Strict, Text
from shared.http.caller import Caller, CallerDep
from shared.http.commands import CommandDep
from shared.http.cookies import session_cookie
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES, Problem
from shared.tokens import SessionToken

MOST_LISTED = 200
router = APIRouter(tags=["gateway"], responses=RESPONSES)
Of = Annotated[Line | None, Query(description="Login or address of somebody else: for an administrator")]


class SignIn(Strict):
    """Login and password; with a one-time code, where codes are in use."""

    login: Line
    password: GivenPassword
    code: Code | None = Field(None, description="A one-time code or recovery code, if known to be needed")


class SecondStep(Strict):
    """The second step of a sign-in."""

    challenge: Annotated[Text, Field(max_length=1000)] = Field(
        description="`second_factor.challenge` of the 401 before"
    )
    code: Code


class SessionStarted(BaseModel):
    """A session: send the token as bearer."""

    token: str
    expires_at: datetime


class SessionShown(BaseModel):
    """A session as it is listed."""

    id: UUID
    started_at: datetime | None
    expires_at: datetime
    door: str | None = Field(description="How it began: `password`, `password+code`, `link`, `oidc:…`")
    browser: str | None
    last_seen: datetime | None = Field(description="To ten minutes")
    current: bool


def started(gateway: Gateway, response: Response, session: tuple[str, SessionToken]) -> SessionStarted:
    """Answer with a session; browsers also get a cookie."""
    token, said = session
    give_session(response, gateway.settings, token)
    return SessionStarted(token=token, expires_at=said.expires_at)


@router.post("/sessions", status_code=201, responses={429: {"description": "Too many attempts"}})
async def sign_in(body: SignIn, request: Request, response: Response, gateway: GatewayDep) -> SessionStarted:
    """Sign in. The answer's token goes into `Authorization: Bearer`; browsers also get a cookie, for reading.

    Where one-time codes are in use and none is sent, this is 401 with `second_factor {challenge, expires_in, kinds}`: send the
    challenge and a code to `POST /sessions/code`, or all three here.
    """
    origin = Origin.of(request)
    session = await gateway.sign_ins.by_password(body.login, body.password, body.code, origin)
    return started(gateway, response, session)


@router.post("/sessions/code", status_code=201, responses={429: {"description": "Too many attempts"}})
async def second_step(body: SecondStep, request: Request, response: Response, gateway: GatewayDep) -> SessionStarted:
    """Take the second step: a one-time code, or one of the recovery codes. Each is good once."""
    return started(
        gateway, response, await gateway.sign_ins.by_challenge(body.challenge, body.code, Origin.of(request))
    )


@router.delete("/sessions/current", status_code=204)
async def sign_out(response: Response, command: CommandDep, gateway: GatewayDep) -> None:
    """Sign out: the session's token is good for nothing any more."""
    session_id = own_session(command.caller.via.kind, command.caller.via.id)
    await gateway.sessions.execute(session_id, domain.revoke_session, command.context())
    response.delete_cookie(
        session_cookie(gateway.settings), secure=gateway.settings.is_https, httponly=True, samesite="lax"
    )


async def _whose(gateway: Gateway, caller: Caller, of: str | None) -> UUID:
    """Return whose sessions are meant.

    Raises:
        Problem: 403, somebody else's and the caller is no administrator; 404; 409, a key of no person has none.
    """
    if of is not None:
        caller.need("administrator")
        return (await gateway.account(of)).person_id
    if caller.person_id is None:
        raise Problem(409, "This credential is no person's: say whose sessions in `of`.")
    return caller.person_id


@router.get("/sessions")
async def list_sessions(
    request: Request, caller: CallerDep, gateway: GatewayDep, of: Of = None
) -> dict[str, list[SessionShown]]:
    """List one's open sessions, the newest first; an administrator may list anybody's."""
    refuse_unknown_parameters(request, {"of"})
    person_id = await _whose(gateway, caller, of)
    account, _ = await gateway.accounts.state(person_id)
    rows = await gateway.pool.fetch(
        """
        SELECT s.*, seen.browser, date_bin('10 minutes', seen.seen_at, 'epoch') AS last_seen
        FROM session s LEFT JOIN session_seen seen ON seen.session_id = s.stream_id
        WHERE s.person_id = $1 AND NOT s.revoked AND s.expires_at > now() AND (s.generation >= $2 OR s.stream_id::text = $3)
        ORDER BY s.started_at DESC NULLS LAST LIMIT $4
        """,
        person_id, account.generation, account.kept, MOST_LISTED,
    )  # fmt: skip
    open_ones = [row for row in rows if not (await gateway.sessions.state(row["stream_id"]))[0].revoked]
    return {
        "items": [
            SessionShown(
                id=row["stream_id"], started_at=row["started_at"], expires_at=row["expires_at"], door=row["door"],
                browser=row["browser"] or None, last_seen=row["last_seen"], current=str(row["stream_id"]) == caller.via.id,
            )
            for row in open_ones
        ]
    }  # fmt: skip


@router.delete("/sessions", status_code=204)
async def sign_out_everywhere(
    request: Request, command: CommandDep, gateway: GatewayDep, of: Of = None,
    keep_current: Annotated[bool, Query(description="Leave the session that asks")] = False,  # noqa: FBT002 -- a query's parameter
) -> None:  # fmt: skip
    """End all one's sessions, or all but this one; an administrator may end anybody's. Every service refuses them within about a second."""
    refuse_unknown_parameters(request, {"of", "keep_current"})
    person_id = await _whose(gateway, command.caller, of)
    via = command.caller.via
    kept = via.id if keep_current and via.kind == "session" and person_id == command.caller.person_id else None
    await gateway.sign_ins.end_sessions(person_id, command.context(), kept)


@router.delete("/sessions/{session_id}", status_code=204)
async def end_session(session_id: UUID, command: CommandDep, gateway: GatewayDep) -> None:
    """End one of one's sessions; an administrator may end anybody's. Every service refuses it within about a second."""
    session, _ = await gateway.sessions.state(session_id)
    own = session.person_id is not None and session.person_id == str(command.caller.person_id)
    if not own and "administrator" not in command.caller.roles:
        raise Problem(404, "There is no such session.")
    await gateway.sessions.execute(session_id, domain.revoke_session, command.context())
