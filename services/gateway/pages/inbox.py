"""The inbox: where one was called by name, and what one was given."""

from fastapi import APIRouter, Request, Response

from services.gateway.pages.choices import read_choices
from services.gateway.pages.client import Params
from services.gateway.pages.queue import WORKED
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import VisitDep

router = APIRouter(route_class=PageRoute)

MOST = 30


@router.get("/inbox")
async def show_inbox(request: Request, visit: VisitDep) -> Response:
    """Show mentions, the tickets that one has and has not begun, and those with a task of one's own."""
    cursor = request.query_params.get("cursor")
    page: Params = [("limit", str(MOST)), *([("cursor", cursor)] if cursor else [])]
    mine = [("assignee", "me"), ("status", "new"), ("sort", "-created_at"), ("limit", str(MOST))]
    tasks = [("task", "me"), *(("status", s) for s in WORKED), ("limit", str(MOST))]
    mentions, given, to_do = await visit.start(
        visit.api.get("/mentions", page), visit.api.get("/tickets", mine), visit.api.get("/tickets", tasks)
    )
    following = mentions["next"]
    return visit.page(
        "inbox.html", mentions=mentions["items"], given=given["items"], tasks=to_do["items"],
        following=following, choices=await read_choices(visit),
    )  # fmt: skip
