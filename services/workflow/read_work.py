"""Reading the work on a ticket: its tasks, its times; and where one was called by name."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from services.workflow.api import WorkflowDep
from services.workflow.reads import AfterHeader, visible
from services.workflow.shown import PersonShown
from shared.db import Values
from shared.http.caller import CallerDep
from shared.http.paging import Page, decode_cursor, encode_cursor
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import TicketRef
from shared.http.versions import wait_until_seen

router = APIRouter(tags=["workflow"], responses=RESPONSES)


class TaskShown(BaseModel):
    """A task of a ticket."""

    id: UUID
    title: str
    description: str | None
    agent: PersonShown | None
    due: datetime | None
    blocks: bool
    done: bool


class Tasks(BaseModel):
    """A ticket's tasks, in the order in which they were added."""

    items: list[TaskShown]


@router.get("/tickets/{ref}/tasks")
async def read_tasks(
    ref: TicketRef, request: Request, response: Response, caller: CallerDep, workflow: WorkflowDep, after: AfterHeader = None
) -> Tasks:  # fmt: skip
    """Return a ticket's tasks."""
    refuse_unknown_parameters(request, set())
    await wait_until_seen(workflow.pool, after, request, response)
    row = await visible(workflow, ref, caller)
    caller.need_inside(row)
    said = await workflow.pool.fetch(
        "SELECT data ->> 'task' AS task, personal FROM timeline WHERE ticket_id = $1 AND type IN ('task_added', 'task_changed') "
        "ORDER BY source, version",
        row["stream_id"],
    )
    words: dict[str, dict[str, Any]] = {}
    for one in said:
        words.setdefault(one["task"], {}).update(one["personal"] or {})
    people = await workflow.directory.people({UUID(task["agent"]) for task in row["tasks"] if task["agent"]})
    items = []
    for task in row["tasks"]:
        agent = people.get(UUID(task["agent"])) if task["agent"] else None
        text = words.get(task["id"], {})
        items.append(TaskShown(
            id=UUID(task["id"]), title=text.get("title") or "(erased)", description=text.get("description"),
            agent=PersonShown(**agent.shown) if agent else None, due=task["due"], blocks=task["blocks"], done=task["done"],
        ))  # fmt: skip
    return Tasks(items=items)


class TimeShown(BaseModel):
    """Time that was spent."""

    id: UUID
    minutes: int
    on: str
    billable: bool
    agent: PersonShown | None
    note: str | None


class Times(BaseModel):
    """Time spent on a ticket, in all and by entry."""

    minutes: int
    items: list[TimeShown]


@router.get("/tickets/{ref}/time")
async def read_time(
    ref: TicketRef, request: Request, response: Response, caller: CallerDep, workflow: WorkflowDep, after: AfterHeader = None
) -> Times:  # fmt: skip
    """Return the time that was logged on a ticket."""
    refuse_unknown_parameters(request, set())
    await wait_until_seen(workflow.pool, after, request, response)
    row = await visible(workflow, ref, caller)
    caller.need_inside(row)
    rows = await workflow.pool.fetch(
        """
        SELECT event_id, actor, data, personal FROM timeline l
        WHERE ticket_id = $1 AND type = 'time_logged' AND NOT EXISTS (
            SELECT FROM timeline r WHERE r.ticket_id = $1 AND r.type = 'time_removed' AND r.data ->> 'entry' = l.event_id::text)
        ORDER BY version
        """,
        row["stream_id"],
    )
    people = await workflow.directory.people({UUID(r["actor"]["id"]) for r in rows if r["actor"]["kind"] == "person"})
    items = []
    for one in rows:
        agent = people.get(UUID(one["actor"]["id"])) if one["actor"]["kind"] == "person" else None
        items.append(TimeShown(
            id=one["event_id"], minutes=one["data"]["minutes"], on=one["data"]["on"], billable=one["data"]["billable"],
            agent=PersonShown(**agent.shown) if agent else None, note=(one["personal"] or {}).get("note"),
        ))  # fmt: skip
    return Times(minutes=row["minutes"], items=items)


class Mention(BaseModel):
    """Somebody has called you by name."""

    ticket: UUID
    number: str
    subject: str
    event: UUID
    type: str
    at: datetime
    by: PersonShown | None
    body: str | None


@router.get("/mentions")
async def read_mentions(
    request: Request, caller: CallerDep, workflow: WorkflowDep, cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[Mention]:  # fmt: skip
    """List where you were called by name (`@login`), the latest first: on tickets that you may see, with the words as they are now."""
    refuse_unknown_parameters(request, {"cursor", "limit"})
    caller.need_staff()
    if caller.person_id is None:
        raise Problem(422, "This credential is no person's, and nobody calls it by name.")
    before: list[Any] = [None, None]
    if cursor is not None:
        try:
            moment, event_id = decode_cursor(cursor, 2)
            before = [datetime.fromisoformat(moment), UUID(event_id)]
        except (ValueError, TypeError, AttributeError):
            raise Problem(
                422, "cursor: take it from `next` of the page before.", fields={"cursor": "is no cursor of this list"}
            ) from None
    values = Values(str(caller.person_id), *before, limit + 1)
    rows = await workflow.pool.fetch(
        f"""
        SELECT l.ticket_id, t.number, t.subject, l.event_id, l.type, l.at, l.actor, coalesce(
            (SELECT e.personal ->> 'body' FROM timeline e
             WHERE e.ticket_id = l.ticket_id AND e.type = 'edited' AND e.data ->> 'event' = l.event_id::text
             ORDER BY e.version DESC LIMIT 1),
            l.personal ->> 'body') AS body
        FROM timeline l JOIN ticket t ON t.stream_id = l.ticket_id
        WHERE l.data -> 'mentions' ? $1 AND l.data ? 'mentions' AND t.number IS NOT NULL
          AND ($2::timestamptz IS NULL OR (l.at, l.event_id) < ($2, $3::uuid)) AND ({caller.sight.condition(values)})
        ORDER BY l.at DESC, l.event_id DESC LIMIT $4
        """,
        *values.values,
    )  # fmt: skip
    page = rows[:limit]
    people = await workflow.directory.people({UUID(r["actor"]["id"]) for r in page if r["actor"]["kind"] == "person"})
    items = []
    for row in page:
        by = people.get(UUID(row["actor"]["id"])) if row["actor"]["kind"] == "person" else None
        items.append(Mention(
            ticket=row["ticket_id"], number=row["number"], subject=row["subject"] or "(erased)", event=row["event_id"],
            type=row["type"], at=row["at"], by=PersonShown(**by.shown) if by else None,
            body=row["body"],
        ))  # fmt: skip
    last = page[-1] if len(rows) > limit else None
    return Page(items=items, next=encode_cursor([last["at"].isoformat(), str(last["event_id"])]) if last else None)
