"""Workflow by HTTP: the verbs of a ticket's life, what is said on it, the work on it, how tickets hang together. Reading is in `reads`."""

from services.workflow.api import fields, levels, life, links, talk, work
from services.workflow.api.common import WorkflowApp, WorkflowDep

__all__ = ["ROUTERS", "WorkflowApp", "WorkflowDep"]

ROUTERS = (life.router, talk.router, work.router, fields.router, links.router, levels.router)
