"""What every command's request says besides its body: who, the Idempotency-Key, If-Match, the trace."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar
from uuid import UUID

import asyncpg
from fastapi import Depends, Header, Request, Response

from shared import forms
from shared.contracts.canonical import keyed_digest
from shared.contracts.event import NewEvent
from shared.contracts.ids import derived, random_id
from shared.contracts.public import is_public
from shared.directory.people import Directory
from shared.directory.shown import actor_shown, ids_in, with_logins
from shared.eventstore.ledger import Context, Ledger, Result, StaleError
from shared.http.caller import Caller, CallerDep
from shared.http.forms import audience_of
from shared.http.problems import Problem
from shared.http.versions import expected, said

_TRACEPARENT_LENGTH = 55
S = TypeVar("S")


class Owner(Protocol[S]):
    """An owner of tickets, as its routes know it."""

    @property
    def tickets(self) -> Ledger[S]:
        """Its part of every ticket."""
        ...

    @property
    def directory(self) -> Directory:
        """Who is who."""
        ...


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

    async def run(
        self, owner: str, app: Owner[S], row: asyncpg.Record, decide: Callable[[S], Sequence[NewEvent]]
    ) -> Result:
        """Run the command on an owner's part of a ticket, and put the version reached into the answer's headers.

        Args:
            owner: Its name; its component of If-Match is the one that counts.
            app: Itself.
            row: The ticket.
            decide: The command.

        Raises:
            Problem: 412, with what has happened since, as the caller may see it.
        """
        try:
            result = await app.tickets.execute(row["stream_id"], decide, self.context(), self.if_version(owner))
        except StaleError as error:
            raise await self._stale(error, app, row) from error
        self.answer(row["stream_id"], owner, result)
        return result

    async def need_version(self, owner: str, app: Owner[S], row: asyncpg.Record) -> None:
        """Hold If-Match against a ticket that the command goes by, but does not write to.

        Raises:
            Problem: See `run`.
        """
        wanted = self.if_version(owner)
        if wanted is None or await app.tickets.repeat_of(self.context()) is not None:
            return
        events, head = await app.tickets.store.load(row["stream_id"])
        if head.version != wanted:
            error = StaleError(wanted, head.version, [event for event in events if event.version > wanted])
            raise await self._stale(error, app, row)

    async def _stale(self, error: StaleError, app: Owner[S], row: asyncpg.Record) -> Problem:
        """Return the answer to a command that was decided on a version that is no longer."""
        inside = self.caller.sees_inside(row)
        events = [event for event in error.since if inside or is_public(event)]
        ids = {UUID(event.actor["id"]) for event in events if event.actor["kind"] == "person"}
        people = await app.directory.people(ids.union(*(ids_in(event.data) for event in events)))
        fields, audience = await app.directory.fields(), audience_of(self.caller, inside=inside)
        since: list[dict[str, Any]] = [
            {
                "type": e.name,
                "version": e.version,
                "at": e.occurred_at,
                "actor": actor_shown(people, e.actor, full=inside),
            }
            | ({"data": with_logins(forms.seen_data(fields, e.name, e.data, audience), people)} if inside else {})
            for e in events
        ]
        return Problem(
            412, f"It has changed since version {error.given}: read it again and decide anew.",
            fields={"If-Match": f"is {error.given}, the ticket is at {error.actual}"}, since=since, version=error.actual,
        )  # fmt: skip

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
