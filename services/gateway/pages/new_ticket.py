"""Opening a ticket."""

from typing import Any

from fastapi import APIRouter, Request, Response

from services.gateway.pages import attaching
from services.gateway.pages.choices import Choice, read_choices
from services.gateway.pages.client import ApiProblem, ticket_path
from services.gateway.pages.queue import PRIORITIES
from services.gateway.pages.render import words
from services.gateway.pages.route import PageRoute
from services.gateway.pages.ticket import SEVERITIES
from services.gateway.pages.visit import Form, Visit, VisitDep, new_key

router = APIRouter(route_class=PageRoute)

_PLAIN = ("subject", "body", "topic", "priority", "severity")
_REUSED = "This form had been sent before with something else in it, and that ticket was opened. Send it again to open another."


def _body(form: Form) -> dict[str, Any]:
    """Return the API's body: what is empty is left out."""
    body: dict[str, Any] = {name: form[name] for name in _PLAIN if form.get(name, "").strip()}
    named = {part: form.get(f"requester.{part}", "") for part in ("email", "name")}
    requester = {part: text for part, text in named.items() if text.strip()}
    if requester:
        body["requester"] = requester
    tags = [tag.strip() for tag in form.get("tags", "").split(",") if tag.strip()]
    files = attaching.kept(form)
    return body | ({"tags": tags} if tags else {}) | ({"attachments": files} if files else {})


async def _show(visit: Visit, form: Form | None = None, problem: ApiProblem | None = None) -> Response:
    if not visit.me:
        await visit.start()
    choices = await read_choices(visit)
    again = form is not None and problem is not None and not problem.key_reused
    return visit.page(
        "new_ticket.html", problem.status if problem else 200, choices=choices, form=form or {}, problem=problem,
        message=None if problem is None else _REUSED if problem.key_reused else problem.detail,
        fields=problem.fields if problem else {}, key=(form or {}).get("key") or new_key() if again else new_key(),
        priorities=[Choice(p, words(p)) for p in PRIORITIES], severities=[Choice(s, s) for s in SEVERITIES],
    )  # fmt: skip


@router.get("/tickets/new")
async def show_form(request: Request, visit: VisitDep) -> Response:
    """Show the form; the portal's topics are chosen already."""
    topic = request.query_params.get("topic")
    return await _show(visit, {"topic": topic} if topic else None)


@router.post("/tickets/new")
async def open_ticket(visit: VisitDep) -> Response:
    """Open the ticket and show it; when it is refused, say why and keep what had been typed.

    Raises:
        ApiProblem: 401, the session has ended.
    """
    form = await visit.form(lists=(attaching.FIELD,))
    try:
        await attaching.take(visit, form)
        opened = await visit.api.post("/tickets", _body(form), form.get("key"))
    except ApiProblem as problem:
        if problem.status == 401:  # noqa: PLR2004 -- HTTP's own number
            raise
        return await _show(visit, form, problem)
    return visit.go(ticket_path(opened["number"]), {"opened": "1"})
