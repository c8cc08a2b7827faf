"""Intake's routes. Who answers no requests loads none of them."""

from services.intake import forgetting
from services.intake.api import attachments, organisation, reads, tickets, topics, words
from shared.http.internal import internal_router
from shared.http.parked import parked_router

ROUTERS = (
    tickets.router, attachments.router, topics.router, words.router, reads.router, organisation.internal, forgetting.router,
    internal_router("intake"), parked_router("intake"),
)  # fmt: skip
