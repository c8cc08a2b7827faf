"""Workflow's part of an organisation file: policy, lifecycle, calendars, SLA plans, canned replies. Used by `ledgerdesk org apply`."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.workflow import domain
from services.workflow.api import WorkflowApp, WorkflowDep
from services.workflow.domain import canned
from shared.contracts.event import NewEvent
from shared.contracts.fields import Body, Id, Key, Line, Priority, Severity, Strict
from shared.contracts.hours import Day, OpenHours, SpecialHours
from shared.contracts.ids import derived, directory_id
from shared.contracts.lifecycle import LifecycleMove, LifecycleState
from shared.contracts.service_levels import SlaTargets
from shared.eventstore.ledger import Context
from shared.hours import hours_of
from shared.http.caller import Caller, CallerDep
from shared.http.configured import EntryVersion, need_one_entry
from shared.http.named import Known, Names, in_use
from shared.http.problems import Problem


class PolicyEntry(Strict):
    """How the desk works; see `shared.contracts.directory.Policy`."""

    reopen_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    auto_claim: bool = True
    close_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    close_warning_days: Annotated[int, Field(ge=0, le=365)] = 2
    guests_read: bool = True


class LifecycleEntry(Strict):
    """The desk's own states and moves; see `shared.contracts.lifecycle.Lifecycle`."""

    states: Annotated[list[LifecycleState], Field(max_length=100)] = []
    moves: Annotated[list[LifecycleMove], Field(max_length=200)] = []


class CalendarEntry(Strict):
    """When is worked; see `shared.contracts.hours.Calendar`."""

    key: Key
    name: Line
    zone: Key
    hours: Annotated[list[OpenHours], Field(max_length=50)]
    closed: Annotated[list[Day], Field(max_length=1000)] = []
    special: Annotated[list[SpecialHours], Field(max_length=1000)] = []
    country: Key | None = None
    subdivision: Key | None = None
    active: bool = True


class StepEntry(Strict):
    """A step of a plan's ladder; whom it calls by person id."""

    after: Annotated[int, Field(ge=0, le=525_600)]
    notify: list[Id] = []
    raise_priority: bool = False
    reassign: Key | None = None


class PlanEntry(Strict):
    """What is promised for which tickets; see `shared.contracts.service_levels.SlaPlan`."""

    key: Key
    name: Line
    order: int
    calendar: Key | None = None
    priorities: list[Priority] = []
    severities: list[Severity] = []
    departments: list[Key] = []
    topics: list[Key] = []
    targets: SlaTargets
    warn_percent: Annotated[int, Field(ge=0, le=99)] = 80
    pause_on_hold: bool = True
    ladder: Annotated[list[StepEntry], Field(max_length=10)] = []
    active: bool = True


class CannedEntry(Strict):
    """A text to answer with; see `shared.contracts.directory.CannedReply`."""

    key: Key
    name: Line
    body: Annotated[Body, Field(max_length=canned.LONGEST)]
    departments: list[Key] = []
    active: bool = True


class WorkflowSection(Strict):
    """What workflow owns of an organisation file."""

    policy: PolicyEntry | None = None
    lifecycle: LifecycleEntry | None = None
    known: Known = Known()
    calendars: list[CalendarEntry] = []
    sla_plans: list[PlanEntry] = []
    canned_replies: list[CannedEntry] = []


class Applied(BaseModel):
    """How many entries changed, and the position of the store that holds them."""

    changed: int
    position: int


internal = APIRouter(prefix="/internal/workflow", tags=["workflow"], include_in_schema=False)
Entry = dict[str, Any]


def configure(kind: str, new: Entry, old: Entry | None, *, versioned: bool = False) -> list[NewEvent]:
    """Configure an entry; nothing, if it is so already. A versioned one gets the next version."""
    if versioned:
        before = old["version"] if old else 0
        new = {**new, "version": before}
        if new == old:
            return []
        new = {**new, "version": before + 1}
    return [] if new == old else [NewEvent(f"ledgerdesk.{kind}.configured", {"new": new, "old": old})]


async def _apply(
    workflow: WorkflowApp, caller: Caller, kind: str, new: Entry, if_version: int | None, *, versioned: bool
) -> bool:
    """Make an entry say this; returns whether that changed it."""
    stream_id = directory_id(kind, new["key"])
    _, version = await workflow.entries.state(stream_id)
    context = Context(derived("apply", kind, new, version), caller.actor, caller.via)
    result = await workflow.entries.execute(
        stream_id, lambda old: configure(kind, new, old, versioned=versioned), context, if_version
    )
    return bool(result.events) and not result.repeat


def _names(body: WorkflowSection, workflow: WorkflowApp) -> Names:
    """Return what the section names, each with its place in it."""
    calendars = [calendar.key for calendar in body.calendars]
    names = Names(workflow.directory, workflow.entries.store, body.known, {"calendar": calendars})
    for plan in in_use(body.sla_plans):
        place = f"sla_plans.{plan.key}"
        names.need(f"{place}.calendar", "calendar", plan.calendar)
        names.need(f"{place}.departments", "department", *plan.departments)
        names.need(f"{place}.topics", "topic", *plan.topics)
        for n, step in enumerate(plan.ladder):
            names.need(f"{place}.ladder.{n}.notify", "person", *step.notify)
            names.need(f"{place}.ladder.{n}.reassign", "team", step.reassign)
    for reply in in_use(body.canned_replies):
        names.need(f"canned_replies.{reply.key}.departments", "department", *reply.departments)
    return names


async def _check(body: WorkflowSection, workflow: WorkflowApp) -> None:
    """See to it that calendars, plans, canned replies and the lifecycle can be worked with, and name what there is.

    Raises:
        Problem: 422.
    """
    if body.lifecycle is not None:
        roles = {*body.known.role, *(role["key"] for role in await workflow.directory.entries("role"))}
        wrong = domain.faults(body.lifecycle.model_dump(mode="json"), frozenset(roles))
        if wrong:
            detail = "; ".join(f"lifecycle.{where}: {must}" for where, must in wrong.items())
            raise Problem(422, f"{detail}.", fields={f"lifecycle.{where}": must for where, must in wrong.items()})
    for calendar in body.calendars:
        try:
            hours_of(calendar.model_dump())
        except ValueError as error:
            raise Problem(
                422, f"calendar {calendar.key}: {error}.", fields={f"calendars.{calendar.key}": str(error)}
            ) from error
    for reply in body.canned_replies:
        if (said := canned.fault(reply.body)) is not None:
            raise Problem(
                422, f"canned reply {reply.key}: the body {said}.", fields={f"canned_replies.{reply.key}.body": said}
            )
    for plan in body.sla_plans:
        if sorted(plan.ladder, key=lambda step: step.after) != plan.ladder:
            raise Problem(
                422, f"plan {plan.key}: the ladder's steps must come one after the other.",
                fields={f"sla_plans.{plan.key}.ladder": "must be in the order of `after`"},
            )  # fmt: skip
    await _names(body, workflow).check()


@internal.put("/organisation")
async def apply_section(
    body: WorkflowSection, caller: CallerDep, workflow: WorkflowDep, if_version: EntryVersion
) -> Applied:
    """Make the configuration say what this section says; what it leaves out stays."""
    caller.need("system", "administrator")
    need_one_entry(body, if_version, "known")
    await _check(body, workflow)
    changed = 0
    if body.policy is not None:
        policy = {"key": "desk", **body.policy.model_dump(mode="json")}
        changed += await _apply(workflow, caller, "policy", policy, if_version, versioned=False)
    if body.lifecycle is not None:
        lifecycle = {"key": "desk", **body.lifecycle.model_dump(mode="json")}
        changed += await _apply(workflow, caller, "lifecycle", lifecycle, if_version, versioned=True)
    for calendar in body.calendars:
        changed += await _apply(
            workflow, caller, "calendar", calendar.model_dump(mode="json"), if_version, versioned=True
        )
    for plan in body.sla_plans:
        changed += await _apply(workflow, caller, "sla_plan", plan.model_dump(mode="json"), if_version, versioned=True)
    for reply in body.canned_replies:
        changed += await _apply(
            workflow, caller, "canned_reply", reply.model_dump(mode="json"), if_version, versioned=True
        )
    return Applied(changed=changed, position=await workflow.entries.store.last_position())
