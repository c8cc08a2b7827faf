"""Work on a ticket: tags, tasks, time, watchers."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter
from pydantic import Field

from services.workflow import domain
from services.workflow.api.common import (
    MessageOnly,
    Taken,
    WorkflowDep,
    agent_named,
    by_staff,
    for_staff,
    person_of,
    run,
    words_of,
)
from shared.contracts.event import rfc3339
from shared.contracts.fields import Body, Line, SaidMoment, Strict, Tag
from shared.contracts.ids import derived, first_event_id
from shared.eventstore.ledger import utc_now
from shared.http.commands import CommandDep
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import TicketRef

router = APIRouter(tags=["workflow"], responses=RESPONSES)

Tags = Annotated[list[Tag], Field(max_length=50)]
Day = Annotated[date, Field(strict=False)]


class TagsBody(Strict):
    """Tags to put on and to take off."""

    add: Tags = []
    remove: Tags = []


@router.post("/tickets/{ref}/tags")
async def change_tags(ref: TicketRef, body: TagsBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Put tags on, take tags off."""
    row = await for_staff(ref, "ticket.edit", command, workflow)
    asked = list(row["asked_tags"])
    return await run(
        row, command, workflow, lambda state: domain.tag(state, add=body.add, remove=body.remove, asked=asked)
    )


class TaskBody(Strict):
    """A task. While it is open it keeps the ticket from being closed, if it `blocks`."""

    title: Line = Field(examples=["Order a new toner"])
    description: Body | None = None
    agent: Line | None = Field(None, description="Login or e-mail address")
    due: SaidMoment | None = Field(None, description="RFC 3339, with a zone")
    blocks: bool = True


class TaskChanges(Strict):
    """What to change of a task; what is left out stays, null takes agent or due off."""

    title: Line | None = None
    agent: Line | None = None
    due: SaidMoment | None = None
    blocks: bool | None = None


class TaskTaken(Taken):
    """A task was added."""

    task: UUID


@router.post("/tickets/{ref}/tasks", status_code=201)
async def add_task(ref: TicketRef, body: TaskBody, command: CommandDep, workflow: WorkflowDep) -> TaskTaken:
    """Add a task."""
    row = await for_staff(ref, "task.create", command, workflow)
    agent = await agent_named(workflow, body.agent, "agent") if body.agent is not None else None
    key = derived("task", command.command_id)
    taken = await run(
        row, command, workflow,
        lambda state: domain.add_task(
            state, key=str(key), title=body.title, description=body.description, agent=agent,
            due=rfc3339(body.due) if body.due else None, blocks=body.blocks,
        ),
    )  # fmt: skip
    return TaskTaken(**taken.model_dump(), task=key)


@router.patch("/tickets/{ref}/tasks/{task}")
async def change_task(
    ref: TicketRef, task: UUID, body: TaskChanges, command: CommandDep, workflow: WorkflowDep
) -> Taken:
    """Change a task."""
    row = await for_staff(ref, "task.edit", command, workflow)
    given = body.model_fields_set
    if not given:
        raise Problem(422, "Say what to change.", fields={"title": "title, agent, due or blocks must be given"})
    changes: dict[str, Any] = {}
    if "agent" in given:
        changes["agent"] = await agent_named(workflow, body.agent, "agent") if body.agent is not None else None
    if "due" in given:
        changes["due"] = rfc3339(body.due) if body.due else None
    if body.blocks is not None:
        changes["blocks"] = body.blocks
    return await run(
        row, command, workflow,
        lambda state: domain.change_task(state, key=str(task), title=body.title, changes=changes),
    )  # fmt: skip


@router.post("/tickets/{ref}/tasks/{task}/finish")
async def finish_task(
    ref: TicketRef, task: UUID, command: CommandDep, workflow: WorkflowDep, body: MessageOnly | None = None
) -> Taken:
    """Say that a task is done."""
    message = words_of(body)
    return await by_staff(
        ref, "task.close", command, workflow, lambda state: domain.finish_task(state, key=str(task), message=message)
    )


@router.post("/tickets/{ref}/tasks/{task}/reopen")
async def reopen_task(
    ref: TicketRef, task: UUID, command: CommandDep, workflow: WorkflowDep, body: MessageOnly | None = None
) -> Taken:
    """Say that a task is not done after all."""
    message = words_of(body)
    return await by_staff(
        ref, "task.close", command, workflow, lambda state: domain.reopen_task(state, key=str(task), message=message)
    )


@router.post("/tickets/{ref}/tasks/{task}/drop")
async def drop_task(
    ref: TicketRef, task: UUID, command: CommandDep, workflow: WorkflowDep, body: MessageOnly | None = None
) -> Taken:
    """Drop a task that nobody needs any more; it stays on the timeline."""
    message = words_of(body)
    return await by_staff(
        ref, "task.close", command, workflow, lambda state: domain.drop_task(state, key=str(task), message=message)
    )


class TimeBody(Strict):
    """Time spent on a ticket."""

    minutes: Annotated[int, Field(ge=1, le=24 * 60)]
    on: Day | None = Field(None, description="The day of the work; today (UTC) if left out")
    billable: bool = False
    note: Body | None = None


class TimeTaken(Taken):
    """Time was logged."""

    entry: UUID


@router.post("/tickets/{ref}/time", status_code=201)
async def log_time(ref: TicketRef, body: TimeBody, command: CommandDep, workflow: WorkflowDep) -> TimeTaken:
    """Log time spent on the ticket."""
    row = await for_staff(ref, "time.log", command, workflow)
    context = command.context()
    day = (body.on or utc_now().date()).isoformat()
    taken = await run(
        row, command, workflow,
        lambda state: domain.log_time(state, minutes=body.minutes, on=day, billable=body.billable, note=body.note),
        on_merged=True,
    )  # fmt: skip
    return TimeTaken(**taken.model_dump(), entry=first_event_id(context.command_id))


@router.delete("/tickets/{ref}/time/{entry}")
async def remove_time(ref: TicketRef, entry: UUID, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Take a logged time off again."""
    return await by_staff(
        ref, "time.log", command, workflow, lambda state: domain.remove_time(state, entry=str(entry)), on_merged=True
    )


class WatchBody(Strict):
    """Who watches; oneself, if left out."""

    agent: Line | None = Field(None, description="Login or e-mail address")


async def _watcher(row: asyncpg.Record, command: CommandDep, workflow: WorkflowDep, body: WatchBody | None) -> str:
    me = person_of(command.caller)
    if body is not None and body.agent is not None:
        person = await agent_named(workflow, body.agent, "agent")
        if person != me:
            command.caller.need_permission("ticket.edit", row)
        return person
    if me is None:
        raise Problem(422, "agent: say who watches.", fields={"agent": "this credential is no person's"})
    return me


@router.post("/tickets/{ref}/watch")
async def watch(ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: WatchBody | None = None) -> Taken:
    """Keep an eye on the ticket, or have an agent keep one."""
    row = await for_staff(ref, None, command, workflow)
    person = await _watcher(row, command, workflow, body)
    return await run(row, command, workflow, lambda state: domain.watch(state, person=person), on_merged=True)


@router.post("/tickets/{ref}/unwatch")
async def unwatch(ref: TicketRef, command: CommandDep, workflow: WorkflowDep, body: WatchBody | None = None) -> Taken:
    """Stop watching."""
    row = await for_staff(ref, None, command, workflow)
    person = await _watcher(row, command, workflow, body)
    return await run(row, command, workflow, lambda state: domain.unwatch(state, person=person), on_merged=True)
