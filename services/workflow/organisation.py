"""Workflow's part of an organisation file: the desk's policy. Used by `ledgerdesk org apply`."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.workflow.api import WorkflowDep
from shared.contracts.event import NewEvent
from shared.contracts.fields import Strict
from shared.contracts.ids import derived, directory_id
from shared.eventstore.ledger import Context
from shared.http.caller import CallerDep


class PolicyEntry(Strict):
    """How the desk works; see `shared.contracts.directory.Policy`."""

    reopen_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    auto_claim: bool = True


class WorkflowSection(Strict):
    """What workflow owns of an organisation file."""

    policy: PolicyEntry | None = None


class Applied(BaseModel):
    """How many entries changed, and the position of the store that holds them."""

    changed: int
    position: int


internal = APIRouter(prefix="/internal/workflow", tags=["workflow"], include_in_schema=False)


def configure(kind: str, new: dict[str, Any], old: dict[str, Any] | None) -> list[NewEvent]:
    """Configure an entry; nothing, if it is so already."""
    return [] if new == old else [NewEvent(f"ledgerdesk.{kind}.configured", {"new": new, "old": old})]


@internal.put("/organisation")
async def apply_section(body: WorkflowSection, caller: CallerDep, workflow: WorkflowDep) -> Applied:
    """Make the configuration say what this section says; what it leaves out stays."""
    caller.need("system", "administrator")
    changed = 0
    if body.policy is not None:
        stream_id, new = directory_id("policy", "desk"), {"key": "desk", **body.policy.model_dump(mode="json")}
        _, version = await workflow.entries.state(stream_id)
        context = Context(derived("apply", "policy", new, version), caller.actor, caller.via)
        result = await workflow.entries.execute(stream_id, lambda old: configure("policy", new, old), context)
        changed += bool(result.events) and not result.repeat
    return Applied(changed=changed, position=await workflow.entries.store.last_position())
