"""Service levels by HTTP: what a changed plan or calendar would change, and letting it."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.workflow.api.common import WorkflowDep
from shared.contracts.fields import Key, Strict
from shared.http.commands import CommandDep
from shared.http.problems import RESPONSES, Problem

router = APIRouter(tags=["workflow"], responses=RESPONSES)
CHUNK = 500
SHOWN = 1000


class RecomputeBody(Strict):
    """Whose tickets: those of a plan, of a calendar, or (neither) all that are work. Without `apply`, nothing changes."""

    plan: Key | None = None
    calendar: Key | None = None
    apply: bool = Field(False, description="Let it: without, only what would change is answered")


class Change(BaseModel):
    """A promise whose moment changes."""

    ticket: str
    target: str
    was: str | None
    due: str | None


class Unheard(BaseModel):
    """An owner of whose events not all had been heard of."""

    owner: str
    heard: int = Field(description="the position of its events up to which all is in the answer")
    written: int | None = Field(description="that of its last event when this was asked; null: it did not answer")


class Recomputed(BaseModel):
    """What changes. It takes up to ten seconds for all to be heard of that was acknowledged before; then it says what was not."""

    tickets: int = Field(description="looked at")
    changed: int = Field(description="promises that are due at another moment")
    applied: bool
    changes: list[Change] = Field(description=f"the first {SHOWN} of them")
    unheard: list[Unheard] = Field(description="what may be missing in this: ask again")
    unreacted: int = Field(
        description="events that are in this, and of which what the desk says to them may be missing"
    )


@router.post("/sla/recompute")
async def recompute(body: RecomputeBody, command: CommandDep, workflow: WorkflowDep) -> Recomputed:
    """Compute open tickets' promises by the plans and calendars as they are now.

    A changed plan or calendar holds for tickets to come; those that are there keep the version they were promised, until this.
    """
    command.caller.need("administrator", "system")
    missing = await workflow.alarms.missing()
    for kind, key in (("sla_plan", body.plan), ("calendar", body.calendar)):
        if key is not None and await workflow.directory.entry(kind, key) is None:
            field = "plan" if kind == "sla_plan" else kind
            if "workflow" in missing.owners:  # whose entries they are
                raise Problem(
                    503, f"There is no {field} {key!r} as far as is known here, and not all has been heard of yet: ask again.",
                    headers={"Retry-After": "1"},
                )  # fmt: skip
            raise Problem(
                422, f"{field}: there is no {field} {key!r}.", fields={field: f"must be the key of a {field}"}
            )
    context = command.context()
    changes: list[dict[str, str | None]] = []
    looked, last = 0, UUID(int=0)
    while True:
        rows = await workflow.pool.fetch(
            "SELECT stream_id FROM ticket WHERE stream_id > $1 AND number IS NOT NULL AND status IN ('new', 'open', 'on_hold') "
            "AND sla ->> 'plan' IS NOT NULL AND ($2::text IS NULL OR sla ->> 'plan' = $2) "
            "AND ($3::text IS NULL OR sla ->> 'calendar' = $3) ORDER BY stream_id LIMIT $4",
            last, body.plan, body.calendar, CHUNK,
        )  # fmt: skip
        if not rows:
            break
        looked, last = looked + len(rows), rows[-1]["stream_id"]
        changes += await workflow.alarms.recompute([row["stream_id"] for row in rows], context if body.apply else None)
    return Recomputed(
        tickets=looked, changed=len(changes), applied=body.apply, changes=[Change(**change) for change in changes[:SHOWN]],
        unheard=[Unheard(owner=owner, heard=heard, written=written) for owner, (heard, written) in missing.owners.items()],
        unreacted=missing.reactions,
    )  # fmt: skip
