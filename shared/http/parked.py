"""What every service serves of the events it has set aside: a list, one more try, giving up. For administrators alone.

The same as `ledgerdesk parked`, with the code of the service that answers. What is given up is named one by one: nobody gives up
what he has not looked at.
"""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from shared.contracts.fields import Id, Line, Strict
from shared.http.caller import Caller, CallerDep
from shared.http.parameters import refuse_unknown_parameters
from shared.projection import parked
from shared.service import Service

MOST = 200
"""Parked events in an answer; `count` says how many there are."""

log = structlog.get_logger("parked")


class Again(Strict):
    """What is tried once more."""

    stream: Id | None = Field(None, description="None: all that is parked")


class GiveUp(Strict):
    """What is given up, and why."""

    stream: Id
    events: Annotated[list[Id], Field(min_length=1, max_length=MOST)]
    reason: Line = Field(description="Kept, and shown by `verify`. No personal data")


def _name_of(caller: Caller) -> str:
    """Return who it was, as it is kept: by id, so that nothing personal stands in a table of events given up."""
    return f"person:{caller.person_id}" if caller.person_id else caller.actor.id


def parked_router(name: str) -> APIRouter:
    """Return a service's endpoints for what it has set aside. They are described in docs/operations.md, not in OpenAPI."""

    async def service_of(request: Request, caller: CallerDep) -> Service:
        caller.need("administrator")
        service: Service = request.app.state.services[name]
        return service

    service_dep = Annotated[Service, Depends(service_of)]
    router = APIRouter(prefix=f"/internal/{name}/parked", tags=[name], include_in_schema=False)

    @router.get("")
    async def look(
        request: Request, service: service_dep, stream: Annotated[UUID | None, Query()] = None
    ) -> dict[str, Any]:
        """Return what is parked and what was given up, oldest first."""
        refuse_unknown_parameters(request, {"stream"})
        return {
            "parked": [asdict(one) for one in await parked.listed(service.pool, stream, MOST)],
            "count": await parked.count(service.pool),
            "discarded": [asdict(one) for one in await parked.given_up(service.pool)],
        }

    @router.post("/retry")
    async def retry(body: Again, service: service_dep, caller: CallerDep) -> dict[str, int]:
        """Fold what is parked once more, and put reactions back into the inbox; what fails again stays, with its reason of now."""
        stream = UUID(body.stream) if body.stream else None
        healed = await parked.retry(service.projection, stream)
        reactions = await parked.react_again(service.pool, stream)
        log.info("parked retried", service=name, by=_name_of(caller), stream=body.stream, healed=healed)
        return {"healed": healed, "reactions": reactions, "left": len(await parked.listed(service.pool, stream))}

    @router.post("/discard")
    async def discard(body: GiveUp, service: service_dep, caller: CallerDep) -> dict[str, int]:
        """Give up these events, where they are parked: views pass over them for ever. The stores keep them."""
        stream, events, by = UUID(body.stream), [UUID(one) for one in body.events], _name_of(caller)
        given, healed = await parked.discard(service.projection, stream, body.reason, by, events=events)
        reactions = await parked.leave_undone(service.pool, stream, body.reason, by, events)
        log.warning("parked discarded", service=name, by=by, stream=body.stream, discarded=given, reactions=reactions)
        return {"discarded": given, "healed": healed, "reactions": reactions}

    return router
