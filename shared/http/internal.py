"""What owners serve to the system role: their feed, their streams, their end, and a door for facts."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError

from shared.contracts.event import rfc3339, to_feed_line
from shared.contracts.fields import Id, Moment, Strict
from shared.eventstore.facts import MOST, Facts, FactWriter
from shared.eventstore.store import PRIVATE, EventStore
from shared.http.caller import CallerDep
from shared.http.problems import Problem
from shared.service import Service

NDJSON = "application/x-ndjson"


class Streams(Strict):
    """Streams to look up."""

    streams: Annotated[list[Id], Field(max_length=MOST)]


def internal_router(owner: str) -> APIRouter:
    """Return the internal endpoints of an owner. They are described in docs/events.md, not in OpenAPI."""

    async def store_of(request: Request, caller: CallerDep) -> EventStore:
        caller.need("system", "administrator")
        service: Service = request.app.state.services[owner]
        if service.store is None:
            raise Problem(404, f"{owner} owns no events.")
        return service.store

    store_dep = Annotated[EventStore, Depends(store_of)]
    router = APIRouter(prefix=f"/internal/{owner}", tags=[owner], include_in_schema=False)

    @router.get("/events")
    async def events(
        store: store_dep, after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
    ) -> Response:  # fmt: skip
        """Return events past a position, a line each; the header says when that was all there was."""
        now = rfc3339(datetime.now(UTC))
        page = await store.page(after, limit)
        return Response(b"".join(map(to_feed_line, page)), media_type=NDJSON, headers={"Ledgerdesk-Now": now})

    @router.get("/streams/{stream_id}")
    async def stream(
        stream_id: UUID, store: store_dep, after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0
    ) -> Response:
        """Return one stream's events past a version, a line each."""
        found, _ = await store.load(stream_id, after)
        published = [event for event in found if event.type not in PRIVATE]
        return Response(b"".join(map(to_feed_line, published)), media_type=NDJSON)

    @router.get("/entries")
    async def entries(
        store: store_dep, at: Annotated[Moment | None, Query(description="As it was then")] = None
    ) -> Response:
        """Return the last event of each person and configured thing, as of a moment, a line each."""
        found = await store.entries(at or datetime.now(UTC))
        return Response(b"".join(map(to_feed_line, found)), media_type=NDJSON)

    @router.get("/changes")
    async def changes(
        store: store_dep, before: Annotated[int, Query(ge=1, le=2**62)] = 2**62,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Response:  # fmt: skip
        """Return what was configured before a position, the last change first, a line each."""
        return Response(b"".join(map(to_feed_line, await store.configured(before, limit))), media_type=NDJSON)

    @router.post("/versions")
    async def versions(store: store_dep, body: Streams) -> dict[str, dict[str, int]]:
        """Return how far those of these streams have come that there are."""
        heads = await store.heads(list(map(UUID, body.streams)))
        return {"versions": {str(stream): head.version for stream, head in heads.items()}}

    @router.get("/head")
    async def head(store: store_dep) -> dict[str, object]:
        """Return the position of the last event, and the time of asking."""
        now = rfc3339(datetime.now(UTC))
        return {"position": await store.last_position(), "now": now}

    router.add_api_route("/facts", _facts_door(owner, store_of), methods=["POST"])
    return router


def _facts_door(
    owner: str, store_of: Callable[..., Awaitable[EventStore]]
) -> Callable[..., Awaitable[dict[str, object]]]:
    """Return the route by which facts are stated."""

    async def facts(store: Annotated[EventStore, Depends(store_of)], request: Request) -> dict[str, object]:
        """State facts. Those that are known add nothing; those that are refused are named with their reason."""
        try:
            body = Facts.model_validate_json(await request.body())
        except ValidationError as error:  # read as JSON by pydantic itself: a thousand facts are a large body
            raise RequestValidationError(error.errors(include_url=False)) from error
        stated = await FactWriter(store).state(body.log, body.facts)
        appender = request.app.state.services[owner].appender
        if stated.appended and appender is not None:
            appender.appended.set()
        return {
            "appended": stated.appended, "known": stated.known,
            "refused": [{"index": r.index, "reason": r.reason} for r in stated.refused],
        }  # fmt: skip

    return facts
