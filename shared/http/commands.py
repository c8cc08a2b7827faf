"""What every command's request says besides its body: who, the Idempotency-Key, If-Match, the trace."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request, Response

from shared.contracts.canonical import keyed_digest
from shared.contracts.ids import derived, random_id
from shared.eventstore.ledger import Context, Result
from shared.http.caller import Caller, CallerDep
from shared.http.problems import Problem
from shared.http.versions import expected, said

_TRACEPARENT_LENGTH = 55


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A command on its way in."""

    caller: Caller
    command_id: UUID
    request_digest: str | None
    if_match: str | None
    traceparent: str | None
    response: Response

    def context(self, part: str = "") -> Context:
        """Return what the command's events say of it. `part` names a second command of the same request."""
        return Context(
            command_id=derived(self.command_id, part) if part else self.command_id,
            actor=self.caller.actor,
            via=self.caller.via,
            correlation=self.command_id,
            request=self.request_digest,
            traceparent=self.traceparent,
            fresh=self.request_digest is None,
        )

    def if_version(self, owner: str) -> int | None:
        """Return the version of the owner's part that If-Match names, if any."""
        return expected(self.if_match, owner)

    def answer(self, ticket_id: UUID, owner: str, result: Result) -> None:
        """Put the version reached into the answer's headers."""
        said(self.response, ticket_id, owner, result.version, repeat=result.repeat)


async def command_request(
    request: Request,
    response: Response,
    caller: CallerDep,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key", min_length=1, max_length=200,
            description="Makes the command happen once, however often it is sent. The same key with another body is refused.",
        ),
    ] = None,
    if_match: Annotated[
        str | None, Header(alias="If-Match", max_length=200, description="The ETag of the ticket or article as you read it")
    ] = None,
    traceparent: Annotated[str | None, Header(max_length=200, include_in_schema=False)] = None,
) -> CommandRequest:  # fmt: skip
    """Read the request's headers.

    Raises:
        Problem: 422, one of them is malformed.
    """
    digest = None
    if idempotency_key is not None:
        if not idempotency_key.isprintable():
            raise Problem(
                422, "Idempotency-Key must be printable.", fields={"Idempotency-Key": "must be printable text"}
            )
        command_id = derived(caller.identity, request.method, request.url.path, idempotency_key)
        secret: bytes = request.app.state.settings.derived_key("request")
        digest = keyed_digest(secret, (await request.body()).decode(errors="replace"))[:32]
    else:
        command_id = random_id()
    trace = traceparent if traceparent and len(traceparent) == _TRACEPARENT_LENGTH and traceparent.isascii() else None
    return CommandRequest(caller, command_id, digest, if_match, trace, response)


CommandDep = Annotated[CommandRequest, Depends(command_request)]
