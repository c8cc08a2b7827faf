"""Dashboards by HTTP: one's own, and those that the desk shares. What a tile asks is refused, if at all, where the report is read."""

from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.workflow.api.common import Taken, WorkflowApp, WorkflowDep
from services.workflow.domain import dashboards
from services.workflow.naming import named_by
from shared.contracts.dashboards import DashboardShare, Tile
from shared.contracts.fields import Line, Strict
from shared.contracts.ids import derived
from shared.directory.people import Directory
from shared.directory.shown import actor_shown
from shared.http.caller import Caller, CallerDep
from shared.http.commands import CommandDep, CommandRequest
from shared.http.paging import Page
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES, Problem
from shared.waiting import wait_for

router = APIRouter(tags=["workflow"], responses=RESPONSES)

MOST = 50
"""Dashboards that a person may have."""
MOST_TILES = 24
OVERSEERS = frozenset({"lead", "administrator"})
"""Who changes what others share."""


class DashboardBody(Strict):
    """What a dashboard is called, what stands on it in which order, and who has it."""

    name: Annotated[Line, Field(max_length=80)]
    tiles: Annotated[list[Tile], Field(max_length=MOST_TILES)] = []
    share: DashboardShare = "nobody"
    order: Annotated[int, Field(ge=0, le=10_000, description="Among your dashboards")] = 0

    async def command(self, directory: Directory) -> dashboards.SaveDashboard:
        """Return the same as the domain takes it."""
        tiles = [one.model_dump() for one in self.tiles]
        named = await named_by(directory, [pair for tile in tiles for pair in tile["filters"].items()])
        return dashboards.SaveDashboard(self.name, tiles, self.share, self.order, named)


class DashboardShown(BaseModel):
    """A dashboard that you have: your own, or one that is shared with the desk."""

    id: UUID
    name: str
    tiles: list[Tile]
    share: DashboardShare
    order: int
    owner: dict[str, Any] = Field(description="Login and name")
    mine: bool
    editable: bool
    version: int = Field(description='Send it as If-Match: "workflow.4"')


def _person(caller: Caller) -> UUID:
    """Return whose dashboards these are: somebody who reads reports.

    Raises:
        Problem: 403.
    """
    caller.need("agent", "lead", "analyst", "administrator")
    if caller.person_id is None:
        raise Problem(403, "Dashboards are saved by people: use a person's credential, or act for one.")
    return caller.person_id


_MINE = """
SELECT * FROM dashboard WHERE NOT removed AND name IS NOT NULL AND (person_id = $1 OR share = 'desk')
ORDER BY person_id <> $1, place, name, stream_id LIMIT 200
"""


def _editable(row: asyncpg.Record, caller: Caller) -> bool:
    return bool(row["person_id"] == caller.person_id or (row["share"] != "nobody" and caller.roles & OVERSEERS))


@router.get("/dashboards")
async def read_dashboards(request: Request, caller: CallerDep, workflow: WorkflowDep) -> Page[DashboardShown]:
    """List your dashboards and those that are shared with the desk, in order."""
    refuse_unknown_parameters(request)
    rows = await workflow.pool.fetch(_MINE, _person(caller))
    owners = await workflow.directory.people({row["person_id"] for row in rows})
    items = []
    for row in rows:
        owner = actor_shown(owners, {"kind": "person", "id": str(row["person_id"])}, full=True)
        items.append(
            DashboardShown(
                id=row["stream_id"], name=row["name"], tiles=row["tiles"], share=row["share"], order=row["place"],
                owner={name: owner.get(name) for name in ("login", "name")}, mine=row["person_id"] == caller.person_id,
                editable=_editable(row, caller), version=row["versions"].get("workflow", 0),
            )
        )  # fmt: skip
    return Page(items=items)


@router.post("/dashboards", status_code=201)
async def save_dashboard(body: DashboardBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Save a dashboard of your own, shared with the whole desk if you like."""
    person = _person(command.caller)
    stream = derived(command.command_id, "dashboard")
    held = await workflow.pool.fetchval(
        "SELECT count(*) FROM dashboard WHERE person_id = $1 AND NOT removed AND stream_id <> $2", person, stream
    )
    if held >= MOST:
        raise Problem(409, f"You have {MOST} dashboards; remove one first.")
    wanted = await body.command(workflow.directory)
    return await _run(stream, command, workflow, lambda state: dashboards.make_dashboard(state, str(person), wanted))


@router.put("/dashboards/{dashboard}")
async def change_dashboard(dashboard: UUID, body: DashboardBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Have a dashboard say something else: your own, or, for leads and administrators, one that is shared."""
    await _writable(dashboard, command, workflow)
    wanted = await body.command(workflow.directory)
    return await _run(dashboard, command, workflow, lambda state: dashboards.change_dashboard(state, wanted))


@router.delete("/dashboards/{dashboard}")
async def remove_dashboard(dashboard: UUID, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Remove a dashboard. The reports on it stay where they are."""
    await _writable(dashboard, command, workflow)
    return await _run(dashboard, command, workflow, dashboards.remove_dashboard)


async def _writable(dashboard: UUID, command: CommandRequest, workflow: WorkflowApp) -> None:
    """Require a dashboard that the caller has and may change; the store knows it at once.

    Raises:
        Problem: 403, 404.
    """
    person = _person(command.caller)
    state, _ = await workflow.dashboards.state(dashboard)
    if state.data is None and await workflow.dashboards.repeat_of(command.context()) is not None:
        return
    data = state.data or {}
    mine = data.get("person_id") == str(person)
    if not data or state.personal is None or not (mine or data.get("share") == "desk"):
        raise Problem(404, f"There is no dashboard {dashboard}; GET /dashboards lists yours.")
    if not mine and not command.caller.roles & OVERSEERS:
        raise Problem(403, "This dashboard is somebody else's: save one of your own.")


async def _run(stream: UUID, command: CommandRequest, workflow: WorkflowApp, decide: Any) -> Taken:
    result = await workflow.dashboards.execute(stream, decide, command.context(), command.if_version("workflow"))
    if result.repeat:
        command.response.headers["Ledgerdesk-Repeat"] = "true"

    async def seen() -> bool | None:
        held = await workflow.pool.fetchval("SELECT versions FROM dashboard WHERE stream_id = $1", stream)
        return True if held and held.get("workflow", 0) >= result.version else None

    await wait_for(seen)  # a dashboard is no ticket: its owner's next list shows it because this waits
    return Taken(id=stream, versions={"workflow": result.version})
