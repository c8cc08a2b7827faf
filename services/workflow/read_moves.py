"""Reading the desk's lifecycle, and which moves it leaves to somebody on a ticket."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from services.workflow import domain
from services.workflow.api import WorkflowDep
from services.workflow.api.life import TAKES
from services.workflow.reads import AfterHeader, visible
from services.workflow.shown import StateShown
from shared.contracts.lifecycle import LifecycleMove, LifecycleState
from shared.http.caller import CallerDep
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import TicketRef
from shared.http.versions import wait_until_seen

router = APIRouter(tags=["workflow"], responses=RESPONSES)


class LifecycleShown(BaseModel):
    """The desk's own states and moves; version 0: nothing is configured."""

    version: int
    states: list[LifecycleState]
    moves: list[LifecycleMove] = Field(description="Of a verb that is not among them, what is usual")


@router.get("/lifecycle")
async def read_lifecycle(request: Request, caller: CallerDep, workflow: WorkflowDep) -> LifecycleShown:
    """Return the lifecycle as it is configured; for the desk."""
    refuse_unknown_parameters(request)
    if not caller.is_desk:
        raise Problem(
            403, "The lifecycle is the desk's business; GET /tickets/{ref}/moves says what you may do with a ticket."
        )
    entry = await workflow.directory.entry("lifecycle", "desk") or {"version": 0, "states": [], "moves": []}
    return LifecycleShown.model_validate({name: entry[name] for name in ("version", "states", "moves")})


class MoveShown(BaseModel):
    """A move that you may make on a ticket as it is."""

    verb: str
    words: str = Field(description="The field of its words")
    words_needed: bool
    states: list[StateShown] = Field(description="The desk's own states that it may name")
    state_needed: bool


class MovesShown(BaseModel):
    """The moves that are left to you by your permissions and by the desk's lifecycle."""

    items: list[MoveShown]


@router.get("/tickets/{ref}/moves")
async def read_moves(
    ref: TicketRef, request: Request, response: Response, caller: CallerDep, workflow: WorkflowDep, after: AfterHeader = None
) -> MovesShown:  # fmt: skip
    """Return which moves you may make now, and with what. Other things may still stand in the way: an open task, say."""
    refuse_unknown_parameters(request)
    await wait_until_seen(workflow.pool, after, request, response)
    row = await visible(workflow, ref, caller)
    entry = await workflow.directory.entry("lifecycle", "desk")
    moves = domain.moves_of(entry, caller.roles_on(row), desk=caller.sees_inside(row))
    as_requester = caller.is_asker(row) and (caller.is_staff or "requester" in caller.roles)
    items = [
        MoveShown(
            verb=move.verb, words=domain.VERBS[move.verb].words, words_needed=move.message,
            states=[StateShown(key=key, name=moves.states[key]["name"]) for key in move.states], state_needed=not move.plain,
        )
        for move in domain.possible(domain.Life(status=row["status"], state=row["state"]), moves)
        if caller.may(TAKES[move.verb], row) or (as_requester and domain.VERBS[move.verb].requesters)
    ]  # fmt: skip
    return MovesShown(items=items)
