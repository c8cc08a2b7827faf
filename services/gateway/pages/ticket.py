"""A ticket: its thread and timeline, and a form for every move."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.gateway.pages import moves
from services.gateway.pages.choices import Choice, read_choices
from services.gateway.pages.client import ApiProblem, ticket_path
from services.gateway.pages.queue import PRIORITIES
from services.gateway.pages.render import words
from services.gateway.pages.route import PageRoute
from services.gateway.pages.timeline import entries_of
from services.gateway.pages.visit import Form, Visit, VisitDep, new_key

router = APIRouter(route_class=PageRoute)

SEVERITIES = ("Sev-A", "Sev-B", "Sev-C")
NOT_FOUND = 404


class Attempt:
    """A move that was refused: its form is shown again with the reason and what had been typed."""

    def __init__(self, verb: str, form: Form, problem: ApiProblem) -> None:
        self.verb = verb
        self.form = form
        self.status = problem.status
        self.fields = {name: text for name, text in problem.fields.items() if name in moves.MOVES[verb].fields}
        self.message = problem.detail
        self.key = form.get("key") or new_key()
        if problem.key_reused:
            self.message = (
                "This form had been sent before with something else in it, and that was taken. Nothing has been sent now: "
                "send it again to add this as well."
            )
            self.key = new_key()


async def _show(visit: Visit, number: str, attempt: Attempt | None = None) -> Response:
    path = ticket_path(number)
    ticket, timeline = await visit.start(visit.api.get(path), visit.api.get(f"{path}/timeline"))
    choices = await read_choices(visit)
    everything = visit.request.query_params.get("view") != "conversation"
    entries = entries_of(timeline["items"], choices, full=visit.sees_all)
    offered = moves.offered(ticket, visit.me, is_staff=visit.is_staff)
    if attempt is not None and attempt.verb not in offered:
        # The ticket has moved on: what was typed is shown all the same.
        offered.append(attempt.verb)
    return visit.page(
        "ticket.html", attempt.status if attempt else 200, ticket=ticket, choices=choices, attempt=attempt, offered=offered,
        entries=[(i, e) for i, e in enumerate(entries) if everything or e.kind != "step"], everything=everything,
        hidden=sum(e.kind == "step" for e in entries), moves=moves.MOVES, writing=moves.WRITING,
        priorities=[Choice(p, words(p)) for p in PRIORITIES], severities=[Choice(s, s) for s in SEVERITIES],
    )  # fmt: skip


@router.get("/tickets/{number}")
async def show_ticket(number: str, request: Request, visit: VisitDep) -> Response:
    """Show a ticket. One just opened may not be known to every service yet: the page waits for it."""
    try:
        return await _show(visit, number)
    except ApiProblem as problem:
        if problem.status != NOT_FOUND or request.query_params.get("opened") != "1" or not visit.has_written:
            raise
        response = visit.page("waiting.html", 202, number=number)
        response.headers["Refresh"] = "1"
        return response


@router.get("/tickets/{number}/{verb}")
async def back_to_ticket(number: str, verb: str) -> Response:
    """Show the ticket: the address of a form is no page of its own."""
    del verb
    return RedirectResponse(ticket_path(number), 303)


@router.post("/tickets/{number}/{verb}")
async def move(number: str, verb: str, visit: VisitDep) -> Response:
    """Make a move; when it is refused, say why beside its form and keep what had been typed.

    Raises:
        ApiProblem: 404, there is no such move or ticket; 401, the session has ended.
    """
    form = await visit.form()
    chosen = moves.MOVES.get(verb)
    if chosen is None:
        raise ApiProblem(NOT_FOUND, "Not found", f"There is no move {verb!r}.")
    path = ticket_path(number, chosen.path or verb)
    try:
        await visit.api.post(path, moves.body_of(verb, form), form.get("key"))
    except ApiProblem as problem:
        if problem.status == 401:  # noqa: PLR2004 -- HTTP's own number
            raise
        return await _show(visit, number, Attempt(verb, form, problem))
    return visit.go(ticket_path(number) + ("#latest" if verb in moves.WRITING else ""))
