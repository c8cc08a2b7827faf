"""One move on many tickets: a command for each, a report of what failed, and undoing it.

Each ticket gets a command of its own, named after the bulk and the ticket: sending the same bulk again (with its Idempotency-Key)
finds what was done. What was done is written down in the owner's store, so that it can be undone; an undo leaves alone what
somebody has changed since.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from shared.contracts.catalogue import PayloadError
from shared.contracts.event import Event, NewEvent
from shared.contracts.fields import Line, Strict
from shared.contracts.ids import derived, event_ids
from shared.contracts.permissions import Permission
from shared.eventstore.ledger import (
    MOST_OF_A_COMMAND,
    ContentionError,
    EventTooLargeError,
    KeyReusedError,
    Ledger,
    StaleError,
)
from shared.http.commands import CommandDep, CommandRequest
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import known_ticket
from shared.refusal import Refusal
from shared.service import component

MOST = 200
AT_ONCE = 16
DONE, UNDONE = "ledgerdesk.bulk.done", "ledgerdesk.bulk.undone"
_BY_ITSELF = frozenset({"sla_scheduled", "sla_warned", "sla_breached", "sla_met", "close_warned"})
"""What is said of a ticket when nobody has touched it."""
S = TypeVar("S")
Undo = Callable[[S, Event], Sequence[NewEvent]]
"""From the state before an event, and the event, to what takes it back."""


class BulkBody(Strict):
    """Which tickets, and what the move itself takes."""

    tickets: Annotated[list[Line], Field(min_length=1, max_length=MOST, description="Ids or numbers")]
    body: dict[str, Any] = Field(default={}, description="The move's own body, the same for each")


class BulkItem(BaseModel):
    """What came of one ticket."""

    ticket: str = Field(description="As it was named")
    status: int = Field(description="What the move alone would have been answered with")
    detail: str | None = None
    versions: dict[str, int] = {}


class BulkDone(BaseModel):
    """What came of it."""

    bulk: UUID
    done: int
    failed: int
    results: list[BulkItem]


@dataclass(frozen=True, slots=True)
class Verb:
    """A move: the endpoint that makes it, the permission that undoing it takes (None: to see the ticket), and the model of its body.

    Making it asks for what the endpoint asks for.
    """

    endpoint: Callable[..., Awaitable[Any]]
    permission: Permission | None
    body: type[BaseModel] | None = None
    needed: bool = False


def _told(ticket: str, error: Exception) -> BulkItem:
    """Return what the error handlers would answer."""
    if isinstance(error, Problem | Refusal):
        return BulkItem(ticket=ticket, status=error.status, detail=error.detail)
    status = {StaleError: 412, ContentionError: 503, EventTooLargeError: 413}.get(type(error), 422)
    return BulkItem(ticket=ticket, status=status, detail=str(error))


_TOLD = (Problem, Refusal, StaleError, ContentionError, EventTooLargeError, KeyReusedError, PayloadError)


async def _each(tickets: Sequence[str], run: Callable[[str], Awaitable[BulkItem]]) -> list[BulkItem]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(ticket: str) -> BulkItem:
        async with gate:
            try:
                return await run(ticket)
            except _TOLD as error:
                return _told(ticket, error)

    return await asyncio.gather(*map(one, tickets))


class Bulk(Generic[S]):
    """The bulk endpoints of an owner.

    Args:
        owner: The service; its component has `pool` and `tickets`.
        verbs: Name of the move to what it is.
        undo: Name of an event to what takes it back. Others (the first act that opens a ticket) stay.
        evolve: Folds the owner's state.
        initial: Of an empty stream.
    """

    def __init__(
        self, owner: str, verbs: Mapping[str, Verb], undo: Mapping[str, Undo[S]], initial: Callable[[], S],
        evolve: Callable[[S, Event], S],
    ) -> None:  # fmt: skip
        self._owner, self._verbs, self._undo, self._initial, self._evolve = owner, verbs, undo, initial, evolve

    def router(self) -> APIRouter:
        """Return the routes: `/bulk/{verb}` for each, and the undo."""
        router = APIRouter(prefix="/bulk", tags=[self._owner], responses=RESPONSES)
        for name, verb in self._verbs.items():
            router.add_api_route(f"/{name}", self._route(name, verb), methods=["POST"])
        router.add_api_route(f"/{self._owner}/{{bulk}}/undo", self._undo_route(), methods=["POST"])
        return router

    def _route(self, name: str, verb: Verb) -> Callable[..., Awaitable[BulkDone]]:
        adapter = TypeAdapter(verb.body) if verb.body is not None else None
        app_dep = Annotated[Any, Depends(component(self._owner))]

        async def move_many(body: BulkBody, command: CommandDep, app: app_dep) -> BulkDone:
            command.caller.need_staff()
            _takes_no_version(command)
            try:
                said = (
                    adapter.validate_json(orjson.dumps(body.body)) if adapter and (body.body or verb.needed) else None
                )
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                where = ".".join(["body", *map(str, first["loc"])])
                raise Problem(422, f"{where}: {first['msg']}", fields={where: first["msg"]}) from error
            done: list[UUID] = []

            async def one(ticket: str) -> BulkItem:
                row = await known_ticket(app.pool, ticket, command.caller)
                its = _for_one(command, command.command_id, row["stream_id"])
                arguments = {"body": said} if adapter else {}
                taken = await verb.endpoint(str(row["stream_id"]), command=its, **{self._owner: app}, **arguments)
                done.append(row["stream_id"])
                return BulkItem(ticket=ticket, status=200, versions=taken.versions)

            results = await _each(list(dict.fromkeys(body.tickets)), one)
            if done:
                fact = NewEvent(DONE, {"verb": name, "tickets": sorted(map(str, done))})
                # Asked again with the same key, more may succeed than before: that is a fact of its own.
                part = f"done|{','.join(sorted(map(str, done)))}"
                recorded = replace(command.context(part), fresh=False, request=None)
                await app.tickets.execute(command.command_id, lambda _: [fact], recorded)
            return _report(command.command_id, results)

        move_many.__name__ = f"bulk_{name}"
        move_many.__doc__ = f"Do `{name}` on up to {MOST} tickets: a command for each, and a report of what failed."
        return move_many

    def _undo_route(self) -> Callable[..., Awaitable[BulkDone]]:
        app_dep = Annotated[Any, Depends(component(self._owner))]

        async def undo_bulk(bulk: UUID, command: CommandDep, app: app_dep) -> BulkDone:
            """Take back what a bulk move did, ticket by ticket; what somebody has changed since is left alone, and told."""
            command.caller.need_staff()
            _takes_no_version(command)
            events, _ = await app.tickets.store.load(bulk)
            done = [event for event in events if event.type == DONE]
            if not done:
                raise Problem(404, f"There is no bulk move {bulk} here.")
            if done[0].actor != command.caller.actor.as_json() and not command.caller.roles & {
                "lead",
                "administrator",
                "system",
            }:
                raise Problem(403, "Only who made it, or a lead or administrator, may undo it.")

            permission = self._verbs[done[0].data["verb"]].permission

            async def one(ticket: str) -> BulkItem:
                row = await known_ticket(app.pool, ticket, command.caller)
                command.caller.need_inside(row)
                if permission is not None:
                    command.caller.need_permission(permission, row)
                return await self._take_back(app.tickets, bulk, UUID(ticket), command)

            tickets = list(dict.fromkeys(ticket for event in done for ticket in event.data["tickets"]))
            results = await _each(tickets, one)
            taken = sorted(item.ticket for item in results if item.status == HTTPStatus.OK)
            if taken:
                recorded = replace(command.context("undone"), fresh=False, request=None)
                await app.tickets.execute(bulk, lambda _: [NewEvent(UNDONE, {"tickets": taken})], recorded)
            return _report(bulk, results)

        undo_bulk.__name__ = f"undo_bulk_of_{self._owner}"
        return undo_bulk

    async def _take_back(self, ledger: Ledger[S], bulk: UUID, ticket: UUID, command: CommandRequest) -> BulkItem:
        events, head = await ledger.store.load(ticket)
        own = set(event_ids(derived(bulk, ticket), MOST_OF_A_COMMAND))
        mine = [event for event in events if event.event_id in own]
        its = _for_one(command, derived(command.command_id, "undo"), ticket)
        if not mine:
            return BulkItem(ticket=str(ticket), status=200, detail="nothing had changed")
        if (first := await ledger.repeat_of(its.context())) is not None:
            return BulkItem(ticket=str(ticket), status=200, versions={self._owner: first.version})
        since = [e.name for e in events if e.version > mine[-1].version and e.name not in _BY_ITSELF]
        if since:
            raise Refusal(f"It has changed since ({', '.join(dict.fromkeys(since))}): undo it by hand.")
        states, state = {}, self._initial()
        for event in events:
            states[event.version] = state
            state = self._evolve(state, event)
        facts = [
            fact
            for event in reversed(mine)
            if event.name in self._undo
            for fact in self._undo[event.name](states[event.version], event)
        ]
        if not facts:
            raise Refusal("There is nothing to take back.")
        result = await ledger.execute(ticket, lambda _: facts, its.context(), head.version)
        return BulkItem(ticket=str(ticket), status=200, versions={self._owner: result.version})


def _takes_no_version(command: CommandRequest) -> None:
    """Refuse If-Match: it names one ticket's versions.

    Raises:
        Problem: 422.
    """
    if command.if_match is not None:
        raise Problem(422, "A move on many tickets takes no If-Match.", fields={"If-Match": "must be left out"})


def _for_one(command: CommandRequest, name: UUID, ticket: UUID) -> CommandRequest:
    """Return the command for one ticket of a bulk; whether it is a repeat is looked up, whatever the client has sent."""
    digest = command.request_digest or "bulk"
    return replace(command, command_id=derived(name, ticket), request_digest=digest, if_match=None, response=Response())


def _report(bulk: UUID, results: list[BulkItem]) -> BulkDone:
    done = sum(item.status == 200 for item in results)  # noqa: PLR2004 -- HTTP's own number
    return BulkDone(bulk=bulk, done=done, failed=len(results) - done, results=results)
