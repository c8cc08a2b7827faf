"""Reading how tickets hang together."""

from typing import Literal
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from services.workflow import domain
from services.workflow.api import WorkflowDep
from services.workflow.reads import AfterHeader, visible
from shared.http.caller import CallerDep
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES
from shared.http.tickets import TicketRef
from shared.http.versions import wait_until_seen

router = APIRouter(tags=["workflow"], responses=RESPONSES)


class LinkShown(BaseModel):
    """A link, as it reads from this ticket: `duplicated` is one that says it has this as its duplicate."""

    kind: Literal["parent", "child", "duplicate", "duplicated", "related"]
    ticket: UUID
    number: str
    subject: str
    status: str


class Links(BaseModel):
    """Everything that hangs together with a ticket."""

    links: list[LinkShown]
    merged_into: LinkShown | None
    merged: list[LinkShown] = Field(description="Tickets that are merged into this one")


@router.get("/tickets/{ref}/links")
async def read_links(
    ref: TicketRef, request: Request, response: Response, caller: CallerDep, workflow: WorkflowDep, after: AfterHeader = None
) -> Links:  # fmt: skip
    """Return links from either end, and merges."""
    refuse_unknown_parameters(request, set())
    await wait_until_seen(workflow.pool, after, request, response)
    row = await visible(workflow, ref, caller)
    caller.need_inside(row)
    me = str(row["stream_id"])
    named = {link["other"]: link["kind"] for link in row["links"]}
    rows = await workflow.pool.fetch(
        """
        SELECT * FROM ticket WHERE number IS NOT NULL AND (stream_id = ANY ($1::text[]::uuid[]) OR links <> '[]' AND links @> $2 OR merged_into = $3)
        ORDER BY number
        """,
        [*named, *([str(row["merged_into"])] if row["merged_into"] else [])], [{"other": me}], row["stream_id"],
    )  # fmt: skip
    links, merged, into = [], [], None
    for other in rows:
        if not caller.sees(other):
            continue  # another department's
        if other["merged_into"] == row["stream_id"]:
            merged.append(_shown("related", other))
        if other["stream_id"] == row["merged_into"]:
            into = _shown("related", other)
        links += [_shown(one["kind"], other) for one in row["links"] if one["other"] == str(other["stream_id"])]
        links += [_shown(domain.INVERSE[one["kind"]], other) for one in other["links"] if one["other"] == me]
    return Links(links=links, merged_into=into, merged=merged)


def _shown(kind: str, row: asyncpg.Record) -> LinkShown:
    return LinkShown.model_validate(
        {
            "kind": kind, "ticket": row["stream_id"], "number": row["number"], "subject": row["subject"] or "(erased)",
            "status": row["status"],
        }
    )  # fmt: skip
