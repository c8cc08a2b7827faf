"""Routing's routes. Who answers no requests loads none of them."""

from services.routing import organisation, reads
from services.routing.api import moves
from services.routing.bulk import bulk
from shared.http.internal import internal_router
from shared.http.parked import parked_router

ROUTERS = (
    moves.router, reads.router, bulk.router(), organisation.internal, internal_router("routing"), parked_router("routing"),
)  # fmt: skip
