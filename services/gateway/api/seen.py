"""Which sessions and keys the services have seen used: told by them, see `shared.http.seen`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from services.gateway.api.common import GatewayDep
from shared.contracts.fields import Id, Strict
from shared.http.caller import CallerDep

internal = APIRouter(prefix="/internal/gateway", tags=["gateway"], include_in_schema=False)
Ids = Annotated[list[Id], Field(max_length=5000)]


class Uses(Strict):
    """What was used just now."""

    sessions: Ids = []
    keys: Ids = []


@internal.put("/seen", status_code=204)
async def note_uses(body: Uses, caller: CallerDep, gateway: GatewayDep) -> None:
    """Note uses. A session that ended meanwhile, or never was, is passed over."""
    caller.need("system")
    await gateway.pool.execute(
        "UPDATE session_seen SET seen_at = now() WHERE session_id = ANY ($1)", [UUID(one) for one in body.sessions]
    )
    await gateway.pool.execute(
        "INSERT INTO key_used (key_id, used_at) SELECT k, now() FROM unnest($1::uuid[]) AS k "
        "ON CONFLICT (key_id) DO UPDATE SET used_at = excluded.used_at",
        [UUID(one) for one in dict.fromkeys(body.keys)],
    )
