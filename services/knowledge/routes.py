"""Knowledge's routes. Who answers no requests loads none of them."""

from services.knowledge import organisation
from services.knowledge.api import comparing, files, previewing, rating, read, tickets, write
from shared.http.internal import internal_router
from shared.http.parked import parked_router

ROUTERS = (
    read.router, comparing.router, write.router, previewing.router, files.router, rating.router, tickets.router, organisation.internal,
    internal_router("knowledge"), parked_router("knowledge"),
)  # fmt: skip
