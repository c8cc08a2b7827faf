"""How a command that was given on a ticket's page is answered: said and looked at anew, or its form shown again."""

import json

from fastapi import Response

from services.gateway.pages.client import ticket_path
from services.gateway.pages.visit import Visit, is_partial


def done(visit: Visit, number: str, said: str, *, writing: bool = False) -> Response:
    """Answer a command that was taken: the page's script looks anew at once; without it, the ticket is shown."""
    if not is_partial(visit.request):
        visit.say(said)
        query = visit.request.query_params.get("list")
        return visit.go(ticket_path(number), {"list": query} if query else None, "#latest" if writing else "")
    response = visit.remember(Response(status_code=204))
    response.headers["HX-Trigger"] = json.dumps({"ledgerdesk:done": {"said": said}})  # ASCII: a header takes no more
    return response


def show_again(visit: Visit, response: Response) -> Response:
    """Put a form that was refused where it came from: the dialog, if it was there."""
    if visit.target == "sheet-body":
        response.headers.update({"HX-Retarget": "#sheet-body", "HX-Reswap": "innerHTML"})
    return response
