"""Saved queues by HTTP: one's own, and those that others share; each with how many tickets stand in it."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
import structlog
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, ValidationError

from services.workflow.api.common import Taken, WorkflowApp, WorkflowDep
from services.workflow.domain import queues
from services.workflow.naming import named_by
from services.workflow.reads import PERSONAL_FILTERS, ListParameters
from services.workflow.ticket_list import ListQuery, check_list, count_tickets, teams_of
from shared import forms
from shared.contracts.fields import Key, Line, Strict
from shared.contracts.ids import derived
from shared.contracts.queues import Filters, Share, Sort
from shared.directory.shown import actor_shown
from shared.http.caller import Caller, CallerDep
from shared.http.commands import CommandDep, CommandRequest
from shared.http.paging import Page
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES, Problem
from shared.http.rights import OVERSIGHT
from shared.waiting import wait_for

router = APIRouter(tags=["workflow"], responses=RESPONSES)
log = structlog.get_logger("workflow")

MOST = 50
"""Queues that a person may have."""
COUNTED = 1000
"""A queue's tickets are counted up to here."""
SECONDS = 0.25
"""What counting one may take; one that took longer is left uncounted for a while, so that no page waits for it again."""
PATIENCE = 60.0
ALTOGETHER = 0.5
"""Seconds after which no more of a reader's queues are counted: what is left has no count in this answer."""
AT_ONCE = 4
"""Queues of one reader that are counted side by side: his pages leave connections to the others'."""
NO_FILTERS = frozenset({"sort", "cursor", "limit"})
Column = Literal["team", "topic", "severity", "channel", "external_id", "created_at", "minutes", "score"]

_dear: dict[tuple[UUID, UUID | None], float] = {}
"""(queue, reader) to until when it is not counted."""


class QueueBody(Strict):
    """What a queue asks, how it shows it, and who has it."""

    name: Annotated[Line, Field(max_length=80)]
    filters: Annotated[Filters, Field(max_length=30, description="Filters of GET /tickets to their values")] = {}
    columns: Annotated[
        list[Column | Annotated[str, Field(pattern=r"^field\.[a-z][a-z0-9_-]{0,59}$")]],
        Field(max_length=8, description="What a row shows besides the usual; `field.KEY`: a custom field"),
    ] = []
    sort: Sort = "-updated_at"
    share: Share = "nobody"
    team: Key | None = Field(None, description="With which of your teams, if it is shared with a team")
    order: Annotated[int, Field(ge=0, le=10_000, description="Among your queues")] = 0


class QueueShown(BaseModel):
    """A saved queue that you have: your own, or one that is shared with you."""

    id: UUID
    name: str
    filters: dict[str, list[str]]
    columns: list[str]
    sort: str
    share: Share
    team: str | None
    order: int
    owner: dict[str, Any] = Field(description="Login and name")
    mine: bool
    editable: bool
    count: int | None = Field(
        description=f"Tickets in it that you may see, up to {COUNTED}; null: they could not be counted at once"
    )
    version: int


def question_of(filters: Mapping[str, Sequence[str]], sort: str, caller: Caller) -> ListQuery:
    """Return what a queue asks of the list, for this caller.

    Raises:
        Problem: 422, a filter that there is not, or a value that it does not take.
    """
    asked: dict[str, Any] = {"sort": sort}
    fields: dict[str, list[str]] = {}
    for name, values in filters.items():
        if name.startswith(forms.PREFIX):
            fields[name] = list(values)
            continue
        if name not in ListParameters.model_fields or name in NO_FILTERS:
            raise _wrong(name, "is no filter of GET /tickets")
        several = isinstance(ListParameters.model_fields[name].get_default(call_default_factory=True), list)
        if not several and len(values) != 1:
            raise _wrong(name, "takes one value")
        asked[name] = list(values) if several else values[0]
    try:
        query = ListQuery(**ListParameters.model_validate(asked).model_dump(), fields=fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _wrong(str(first["loc"][0]), str(first["msg"])) from error
    for name in PERSONAL_FILTERS:
        if getattr(query, name) == "me" and caller.person_id is None:
            raise _wrong(name, "`me` takes a person's credential")
    return query


def _wrong(name: str, reason: str) -> Problem:
    return Problem(422, f"filters.{name}: {reason}.", fields={f"filters.{name}": reason})


def _person(caller: Caller) -> UUID:
    """Return whose queues these are.

    Raises:
        Problem: 403.
    """
    caller.need_staff()
    if caller.person_id is None:
        raise Problem(403, "Queues are saved by people: use a person's credential, or act for one.")
    return caller.person_id


async def _check(body: QueueBody, caller: Caller, workflow: WorkflowApp) -> queues.SaveQueue:
    """See to it that the queue can be asked, and that it is shared with whom its owner may share it.

    Raises:
        Problem: 422.
    """
    query = question_of(body.filters, body.sort, caller)
    await check_list(workflow.directory, query, caller)
    if (body.share == "team") != (body.team is not None):
        raise Problem(
            422, "team: name it if, and only if, the queue is shared with a team.", fields={"team": "goes with share: team"}
        )  # fmt: skip
    his = await teams_of(workflow.directory, caller)
    if body.team is not None and body.team not in his and not caller.roles & OVERSIGHT:
        raise Problem(422, "team: share it with a team that you are in.", fields={"team": "must be one of your teams"})
    known = await workflow.directory.fields()
    for column in body.columns:
        if column.startswith(forms.PREFIX) and column.removeprefix(forms.PREFIX) not in known:
            raise Problem(422, f"columns: there is no field {column!r}.", fields={"columns": f"{column} is no field"})
    named = await named_by(
        workflow.directory, [(name, value) for name, values in body.filters.items() for value in values]
    )
    return queues.SaveQueue(body.name, body.filters, body.share, body.team, body.columns, body.sort, body.order, named)


_MINE = """
SELECT * FROM saved_queue WHERE NOT removed AND name IS NOT NULL
  AND (person_id = $1 OR share = 'desk' OR (share = 'team' AND team = ANY ($2)))
ORDER BY person_id <> $1, place, name, stream_id LIMIT 200
"""


def _editable(row: asyncpg.Record, caller: Caller) -> bool:
    shared = row["share"] != "nobody" and bool(caller.roles & {"lead", "administrator"})
    return bool(row["person_id"] == caller.person_id or shared)


async def _count(row: asyncpg.Record, caller: Caller, workflow: WorkflowApp) -> int | None:
    """Count a queue for a reader; not one that took too long a moment ago, nor one that asks what is no more."""
    key, now = (row["stream_id"], caller.person_id), time.monotonic()
    if _dear.get(key, 0.0) > now:
        return None
    try:
        query = question_of(row["filters"], row["sort"], caller)
        count = await count_tickets(workflow.pool, workflow.directory, query, caller, COUNTED, SECONDS)
    except Problem:
        return None
    except asyncpg.DataError:  # one queue that cannot be asked keeps nobody from the others
        await log.aexception("queue cannot be counted", queue=str(row["stream_id"]))
        return None
    if count is None:
        for old in [k for k, until in _dear.items() if until <= now]:
            del _dear[old]
        _dear[key] = now + PATIENCE
    return count


@router.get("/queues")
async def read_queues(request: Request, caller: CallerDep, workflow: WorkflowDep) -> Page[QueueShown]:
    """List your saved queues and those that are shared with you, in order. Who works no tickets has none."""
    refuse_unknown_parameters(request)
    if caller.person_id is None or not caller.is_desk:
        return Page(items=[])
    rows = await workflow.pool.fetch(_MINE, caller.person_id, await teams_of(workflow.directory, caller))
    few, until = asyncio.Semaphore(AT_ONCE), time.monotonic() + ALTOGETHER

    async def counted(row: asyncpg.Record) -> int | None:
        async with few:
            return await _count(row, caller, workflow) if time.monotonic() < until else None

    counts = await asyncio.gather(*(counted(row) for row in rows))
    owners = await workflow.directory.people({row["person_id"] for row in rows})
    items = []
    for row, count in zip(rows, counts, strict=True):
        owner = actor_shown(owners, {"kind": "person", "id": str(row["person_id"])}, full=True)
        items.append(
            QueueShown(
                id=row["stream_id"], name=row["name"], filters=row["filters"], columns=row["columns"], sort=row["sort"],
                share=row["share"], team=row["team"], order=row["place"], count=count,
                owner={name: owner.get(name) for name in ("login", "name")}, mine=row["person_id"] == caller.person_id,
                editable=_editable(row, caller), version=row["versions"].get("workflow", 0),
            )
        )  # fmt: skip
    return Page(items=items)


@router.post("/queues", status_code=201)
async def save_queue(body: QueueBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Save a queue of your own, shared with a team of yours or the whole desk if you like."""
    person = _person(command.caller)
    wanted = await _check(body, command.caller, workflow)
    stream = derived(command.command_id, "queue")
    held = await workflow.pool.fetchval(
        "SELECT count(*) FROM saved_queue WHERE person_id = $1 AND NOT removed AND stream_id <> $2", person, stream
    )
    if held >= MOST:
        raise Problem(409, f"You have {MOST} queues; remove one first.")
    return await _run(stream, command, workflow, lambda state: queues.make_queue(state, str(person), wanted))


@router.put("/queues/{queue}")
async def change_queue(queue: UUID, body: QueueBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Have a queue say something else: your own, or, for leads and administrators, one that is shared."""
    await _writable(queue, command, workflow)
    wanted = await _check(body, command.caller, workflow)
    return await _run(queue, command, workflow, lambda state: queues.change_queue(state, wanted))


@router.delete("/queues/{queue}")
async def remove_queue(queue: UUID, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Remove a queue. The tickets in it stay where they are."""
    await _writable(queue, command, workflow)
    return await _run(queue, command, workflow, queues.remove_queue)


async def _writable(queue: UUID, command: CommandRequest, workflow: WorkflowApp) -> None:
    """Require a queue that the caller has and may change; the store knows it at once.

    Raises:
        Problem: 403, 404.
    """
    person = _person(command.caller)
    state, _ = await workflow.queues.state(queue)
    if state.data is None and await workflow.queues.repeat_of(command.context()) is not None:
        return
    data = state.data or {}
    mine = data.get("person_id") == str(person)
    oversees = bool(command.caller.roles & {"lead", "administrator"})
    his = await teams_of(workflow.directory, command.caller)
    has = mine or data.get("share") == "desk" or (data.get("share") == "team" and (data["team"] in his or oversees))
    if not data or state.personal is None or not has:
        raise Problem(404, f"There is no queue {queue}; GET /queues lists yours.")
    if not mine and not oversees:
        raise Problem(403, "This queue is somebody else's: save one of your own.")


async def _run(stream: UUID, command: CommandRequest, workflow: WorkflowApp, decide: Any) -> Taken:
    result = await workflow.queues.execute(stream, decide, command.context(), command.if_version("workflow"))
    if result.repeat:
        command.response.headers["Ledgerdesk-Repeat"] = "true"

    async def seen() -> bool | None:
        held = await workflow.pool.fetchval("SELECT versions FROM saved_queue WHERE stream_id = $1", stream)
        return True if held and held.get("workflow", 0) >= result.version else None

    # A queue is no ticket: no other read could wait for its version, so its owner's next list shows it because this does.
    await wait_for(seen)
    return Taken(id=stream, versions={"workflow": result.version})
