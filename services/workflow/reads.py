"""Reading tickets: one, its timeline, lists with filters and search."""

from datetime import datetime
from functools import partial
from typing import Annotated, Literal

import asyncpg
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, Field

from services.workflow import past, threads
from services.workflow.api import WorkflowApp, WorkflowDep
from services.workflow.counts import QueueCounts, count_queues
from services.workflow.shown import TicketShown, TimelineItem, show_ticket, show_timeline
from services.workflow.ticket_list import ListQuery, list_tickets
from shared import forms
from shared.contracts.fields import Key, Line, Moment, Priority, Severity, Status, Tag
from shared.contracts.queues import Sort
from shared.http.caller import Caller, CallerDep
from shared.http.paging import Page
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import TicketRef, look_up, unknown
from shared.http.versions import vector, wait_until_seen
from shared.waiting import wait_for

router = APIRouter(tags=["workflow"], responses=RESPONSES)

AtParameter = Annotated[
    Moment | None, Query(description="As it was at this moment: RFC 3339, with a zone (`+` written as %2B)")
]

AfterHeader = Annotated[
    str | None,
    Header(
        alias="Ledgerdesk-After",
        max_length=2000,
        description="Wait for these: values of Ledgerdesk-Version, comma separated",
    ),
]


async def visible(workflow: WorkflowApp, ref: str, caller: Caller) -> asyncpg.Record:
    """Return a ticket that the caller may see. A guest's is there, since his link is for it: it is waited for.

    Raises:
        Problem: 404.
    """
    look = partial(look_up, workflow.pool, ref)
    row = await (look() if caller.ticket is None else wait_for(look))
    if row is None or not caller.sees(row):
        raise unknown(ref)
    return row


@router.get("/tickets/counts")
async def read_counts(request: Request, caller: CallerDep, workflow: WorkflowDep) -> QueueCounts:
    """Count the queues: of all tickets, or of those that the caller may see."""
    refuse_unknown_parameters(request, set())
    return await count_queues(workflow.pool, workflow.directory, caller)


@router.get("/tickets/{ref}")
async def read_ticket(
    ref: TicketRef,
    request: Request,
    response: Response,
    caller: CallerDep,
    workflow: WorkflowDep,
    at: AtParameter = None,
    after: AfterHeader = None,
) -> TicketShown:
    """Return a ticket as it is now, or as it was. The ETag names the versions it was read at; the past has none.

    Who may see the ticket now sees its past: what he may see of it goes by how it is now.
    """
    refuse_unknown_parameters(request, {"at"})
    await wait_until_seen(workflow.pool, after, request, response, met=caller.organisation is not None)
    row = await visible(workflow, ref, caller)
    if at is not None:
        return await _as_it_was(workflow, row, at, caller, ref)
    response.headers["ETag"] = f'"{vector(row["versions"])}"'
    return (await show_ticket(workflow.directory, [row], caller))[0]


async def _as_it_was(workflow: WorkflowApp, row: asyncpg.Record, at: datetime, caller: Caller, ref: str) -> TicketShown:
    """Return a ticket as its events up to a moment make it.

    Raises:
        Problem: 404, it was opened later.
    """
    ticket = row["stream_id"]
    rows = past.until(await workflow.pool.fetch(_OF_ONE, ticket), at)
    state = past.folded(ticket, rows)
    if state.number is None:
        raise Problem(404, f"There was no ticket {ref!r} then: it was opened {row['created_at'].isoformat()}.")
    was = past.row_of(state)
    return (await show_ticket(workflow.directory, [was], caller, at=at, inside=caller.sees_inside(row)))[0]


_OF_ONE = """
SELECT t.*, max(at) OVER (PARTITION BY source ORDER BY version) AS ordered_at FROM timeline t WHERE ticket_id = $1
"""


class Timeline(BaseModel):
    """A ticket's history, oldest first."""

    items: list[TimelineItem]
    next: str | None = None


@router.get("/tickets/{ref}/timeline")
async def read_timeline(
    ref: TicketRef,
    request: Request,
    response: Response,
    caller: CallerDep,
    workflow: WorkflowDep,
    at: AtParameter = None,
    after: AfterHeader = None,
) -> Timeline:
    """Return every step of a ticket, with actor and cause, in timeline order. Requesters see what concerns them.

    With `at`, the steps up to then, with those of the tickets that were merged into it then; words that were corrected or taken back
    since stay so. Of tickets that stand for themselves again, the caller sees what he may see today.
    """
    refuse_unknown_parameters(request, {"at"})
    await wait_until_seen(workflow.pool, after, request, response, met=caller.organisation is not None)
    row = await visible(workflow, ref, caller)
    full = caller.sees_inside(row)
    if at is None:
        rows = await threads.rows_now(workflow.pool, row, full=full)
        return Timeline(items=await show_timeline(workflow.directory, rows, row["stream_id"], full=full))
    ever, shown = await threads.rows_ever(workflow.pool, row, caller, full=full)
    part = past.part_of(past.until(ever, at), row["stream_id"]) & shown.keys()
    rows = [one for one in ever if one["ticket_id"] in part]
    then = {one["event_id"] for one in past.until(rows, at)}
    items = await show_timeline(workflow.directory, rows, row["stream_id"], full=full)
    return Timeline(items=[item for item in items if item.id in then])


class StepShown(BaseModel):
    """A moment at which a ticket's timeline became another."""

    at: datetime
    unmerged: list[str] = Field(
        description="Numbers of tickets that were part of it until then: they stand for themselves again, or elsewhere"
    )


class Steps(BaseModel):
    """The steps of a ticket's history, oldest first."""

    items: list[StepShown]


@router.get("/tickets/{ref}/steps")
async def read_steps(
    ref: TicketRef, request: Request, response: Response, caller: CallerDep, workflow: WorkflowDep, after: AfterHeader = None
) -> Steps:  # fmt: skip
    """Return the moments at which the ticket's timeline became another: each is an `at` that shows something new.

    They are those of its own steps, of the steps of other tickets while they were part of it, and those at which one was merged into
    it or came apart from it. None is before it was opened.
    """
    refuse_unknown_parameters(request)
    await wait_until_seen(workflow.pool, after, request, response, met=caller.organisation is not None)
    row = await visible(workflow, ref, caller)
    full, ticket = caller.sees_inside(row), row["stream_id"]
    rows, shown = await threads.rows_ever(workflow.pool, row, caller, full=full)
    mine = [one for one in rows if one["ticket_id"] in shown]
    told = {item.id for item in await show_timeline(workflow.directory, mine, ticket, full=full)}
    steps = past.steps_of(rows, ticket, shown, told)
    return Steps(items=[StepShown(at=one.at, unmerged=sorted(shown[other] for other in one.apart)) for one in steps])


PERSONAL_FILTERS = ("assignee", "teams", "involved", "watching", "task")
"""Filters of which `me` is a value that only a person can mean."""


class ListParameters(BaseModel):
    """Filters of a list. Several values of one filter are alternatives; filters are conjunctive."""

    status: Annotated[list[Status], Field(max_length=10)] = []
    state: Annotated[list[Key], Field(max_length=20, description="The desk's own states, for the desk alone")] = []
    assignee: Line | None = Field(None, description="Login, `me`, or `none`")
    team: Key | None = None
    teams: Literal["me"] | None = Field(None, description="Tickets of the teams that I am in")
    department: Key | None = None
    topic: Key | None = None
    created_from: Moment | None = Field(None, description="Created then or later: RFC 3339, with a zone")
    created_to: Moment | None = Field(None, description="Created before then: RFC 3339, with a zone")
    priority: Annotated[list[Priority], Field(max_length=10)] = []
    severity: Annotated[list[Severity], Field(max_length=10)] = []
    requester: Line | None = Field(None, description="E-mail address, or `me`")
    tag: Tag | None = None
    number: Annotated[list[Line], Field(max_length=200, description="These tickets, by number")] = []
    q: Line | None = Field(None, description="Words in the number, subject, requester or thread")
    involved: Literal["me"] | None = Field(None, description="Tickets that I have, or have had")
    watching: Literal["me"] | None = Field(None, description="Tickets that I keep an eye on")
    task: Literal["me"] | None = Field(None, description="Tickets with an open task of mine")
    answered: bool | None = Field(None, description="Whether the desk spoke last")
    overdue: bool | None = Field(None, description="Work of which a promise was due")
    sort: Sort = Field(
        "-updated_at", description="`due_at`: what is due first, first; `-priority`: what is most urgent"
    )
    cursor: Annotated[str, Field(max_length=500)] | None = None
    limit: int = Field(50, ge=1, le=200)


@router.get("/tickets")
async def read_tickets(
    request: Request, response: Response, caller: CallerDep, workflow: WorkflowDep,
    parameters: Annotated[ListParameters, Query()], after: AfterHeader = None,
) -> Page[TicketShown]:  # fmt: skip
    """List tickets that the caller may see, newest change first.

    `field.KEY=value` filters by a custom field that the caller may see: of `choices`, those with this among them.
    """
    by_field = {name for name in request.query_params if name.startswith(forms.PREFIX)}
    refuse_unknown_parameters(request, by_field | set(ListParameters.model_fields))
    await wait_until_seen(workflow.pool, after, request, response, met=caller.organisation is not None)
    fields = {name: request.query_params.getlist(name) for name in sorted(by_field)}
    query = ListQuery(**parameters.model_dump(), fields=fields)
    for name in PERSONAL_FILTERS:
        if getattr(query, name) == "me" and caller.person_id is None:
            raise Problem(
                422, f"{name}: this credential is no person.", fields={name: "`me` takes a person's credential"}
            )
    if query.state and not caller.is_desk:
        raise Problem(403, "state: only the desk looks for its own states.", fields={"state": "must be left out"})
    rows, cursor = await list_tickets(workflow.pool, workflow.directory, query, caller)
    return Page(items=await show_ticket(workflow.directory, rows, caller), next=cursor)
