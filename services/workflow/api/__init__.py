"""Workflow by HTTP: the verbs of a ticket's life, what is said on it, the work on it, how tickets hang together. Reading is in `reads`."""

from services.workflow.api.common import WorkflowApp, WorkflowDep

__all__ = ["WorkflowApp", "WorkflowDep"]
