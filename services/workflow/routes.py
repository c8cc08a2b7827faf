"""Workflow's routes. Who answers no requests loads none of them."""

from services.workflow import (
    dashboards,
    organisation,
    read_attachments,
    read_canned,
    read_fields,
    read_links,
    read_moves,
    read_similar,
    read_work,
    reads,
    saved_queues,
)
from services.workflow.api import fields, levels, life, links, talk, work
from services.workflow.bulk import bulk
from shared.http.internal import internal_router
from shared.http.parked import parked_router

ROUTERS = (
    reads.router, read_work.router, read_links.router, read_moves.router, read_fields.router, read_canned.router,
    read_attachments.router, read_similar.router, saved_queues.router, dashboards.router,
    life.router, talk.router, work.router, fields.router, links.router, levels.router,
    bulk.router(), organisation.internal, internal_router("workflow"), parked_router("workflow"),
)  # fmt: skip
