"""The pages: server-rendered, plain, and through the same REST API as everybody else.

Read them in this order: `visit.py` (one request of a person), `client.py` (its way to the API), `queue.py`, `ticket.py`
and the others (a page each, with the template of the same name).
"""

from fastapi import APIRouter

from services.gateway.pages import bulk, new_ticket, queue, reports, sign_in, static_files, ticket, work

router = APIRouter(tags=["gateway"], include_in_schema=False)
for _page in (
    sign_in,
    queue,
    new_ticket,
    ticket,
    work,
    bulk,
    reports,
    static_files,
):  # /tickets/new before /tickets/{number}
    router.include_router(_page.router)
