"""Who else is at a ticket: the page says every few seconds that its reader is there, and what he does."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from services.gateway.pages.client import ticket_path
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import VisitDep

router = APIRouter(route_class=PageRoute)


@router.post("/tickets/{number}/here")
async def say(number: str, visit: VisitDep) -> Response:
    """Say it, and answer who is there.

    Raises:
        ApiProblem: The API refused.
    """
    form = await visit.form()
    return JSONResponse(await visit.api.post(ticket_path(number, "presence"), {"doing": form.get("doing", "")}))
