"""A ticket: its thread and facts, and a form for every move."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.gateway.pages import attaching, moves, topic_form
from services.gateway.pages.choices import Choice, Choices, read_choices
from services.gateway.pages.client import ApiProblem, ticket_path
from services.gateway.pages.correcting import correctable
from services.gateway.pages.filling_in import FINISHING, fill_in, lacking, sent_by
from services.gateway.pages.finishing import done, show_again
from services.gateway.pages.language import _
from services.gateway.pages.past import Past, past_of
from services.gateway.pages.queue import PRIORITIES, list_of, offers, read_listing
from services.gateway.pages.render import words
from services.gateway.pages.route import PageRoute
from services.gateway.pages.thread import blocks_of
from services.gateway.pages.timeline import entries_of
from services.gateway.pages.topic_form import PREFIX, held_of, said, written
from services.gateway.pages.visit import Form, Visit, VisitDep, is_partial, new_key

router = APIRouter(route_class=PageRoute)

SEVERITIES = ("Sev-A", "Sev-B", "Sev-C")
LINKS = ("related", "parent", "child", "duplicate")
NOT_FOUND, NO_SESSION = 404, 401
_OF_THE_DESK = ("tasks", "time", "links", "collaborators")


class Attempt:
    """A move that was refused: its form is shown again with the reason and what had been typed."""

    def __init__(self, verb: str, form: Form, problem: ApiProblem) -> None:
        self.verb = verb
        self.form = form
        self.status = problem.status
        shown = {*moves.MOVES[verb].fields, "state"}
        self.fields = {name: text for name, text in problem.fields.items() if name in shown or name.startswith(PREFIX)}
        self.message = problem.detail
        self.key = form.get("key") or new_key()
        if problem.key_reused:
            self.message = _(
                "This form had been sent before with something else in it, and that was taken. Nothing has been sent now: "
                "send it again to add this as well."
            )
            self.key = new_key()


async def _beside(visit: Visit, path: str) -> dict[str, Any]:
    """Return what hangs on a ticket. None of it is worth failing the page for."""
    names = ("fields", *(_OF_THE_DESK if visit.sees_all else ("collaborators",)))
    reads = {name: visit.api.get(f"{path}/{name}") for name in names}
    if visit.is_staff:
        reads["canned"] = visit.api.get("/canned-replies", [("ticket", path.rpartition("/")[2])])
    found = await asyncio.gather(*reads.values(), return_exceptions=True)
    beside: dict[str, Any] = {
        "tasks": {"items": []}, "time": {"minutes": 0, "items": []}, "links": {"links": [], "merged_into": None, "merged": []},
        "collaborators": {"items": []}, "canned": {"items": []}, "fields": {"items": []},
    }  # fmt: skip
    for name, answer in zip(reads, found, strict=True):
        if isinstance(answer, ApiProblem):
            continue
        if isinstance(answer, BaseException):
            raise answer
        beside[name] = answer
    return beside


async def _left(visit: Visit, path: str) -> dict[str, dict[str, Any]] | None:
    """Return the moves that lifecycle and permissions leave to the reader; None where that cannot be learnt: the API still decides."""
    try:
        return {move["verb"]: move for move in (await visit.api.get(f"{path}/moves"))["items"]}
    except ApiProblem:
        return None


def form_offers(choices: Choices) -> dict[str, Any]:
    """Return what the moves' forms offer."""
    return {
        "moves": moves.MOVES, "writing": moves.WRITING, "at_once": moves.AT_ONCE, "choices": choices,
        "severities": [Choice(s, words(s)) for s in SEVERITIES], "link_kinds": [Choice(k, words(k)) for k in LINKS],
        "priorities": [Choice(p, words(p)) for p in PRIORITIES],
    }  # fmt: skip


async def _asked(visit: Visit, path: str) -> Past | None:
    """Return where in the ticket's history the address looks; None: it looks at the ticket as it is."""
    step, at = (visit.request.query_params.get(name, "") for name in ("step", "at"))
    return past_of((await visit.api.get(f"{path}/steps"))["items"], step, at) if step or at else None


async def _show(visit: Visit, number: str, attempt: Attempt | None = None) -> Response:
    path = ticket_path(number)
    ticket, timeline = await visit.start(visit.api.get(path), visit.api.get(f"{path}/timeline"))
    query = visit.request.query_params
    past = await _asked(visit, path) if visit.sees_all else None
    if past is not None:
        then = [("at", past.at)]
        ticket, timeline = await asyncio.gather(visit.api.get(path, then), visit.api.get(f"{path}/timeline", then))
    beside, choices, left = await asyncio.gather(
        _beside(visit, path), read_choices(visit), _left(visit, path)
    )  # by who it is, so only now
    wanted = list_of(query.get("list")) if visit.sees_all and visit.target != "pane" else None
    listing = await read_listing(visit, wanted, start=False) if wanted is not None else None
    offered = moves.offered(ticket, visit.me, is_staff=visit.is_staff, left=left) if past is None else []
    if attempt is not None and attempt.verb not in offered:
        # The ticket has moved on: what was typed is shown all the same.
        offered.append(attempt.verb)
    view = query.get("view", "all")
    entries = entries_of(timeline["items"], choices, visit.me, full=visit.sees_all)
    template = "ticket.html" if visit.sees_all else "my_ticket.html"
    return visit.page(
        template, attempt.status if attempt else 200, ticket=ticket, attempt=attempt, offered=offered, view=view, past=past,
        blocks=blocks_of([e for e in entries if view != "conversation" or e.kind != "step"]),
        held=held_of(beside["fields"]["items"]) if past is None else [],
        form_editable=past is None and any(field["editable"] and field["shown"] for field in beside["fields"]["items"]),
        correctable=correctable(entries, moves.permitted(ticket, visit.me)) if past is None and visit.is_staff else set(),
        cards=[e for e in entries if e.kind != "step"], steps=sum(e.kind == "step" for e in entries), beside=beside,
        listing=listing, list_query=query.get("list", ""), now=datetime.now(UTC).isoformat(),
        **{**offers(choices), **form_offers(choices)},
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
        if not is_partial(request):
            response.headers["Refresh"] = "1"
        return response


def _move(verb: str) -> moves.Move:
    move = moves.MOVES.get(verb)
    if move is None:
        raise ApiProblem(NOT_FOUND, "Not found", _("There is no move “%(move)s”.", move=verb))
    return move


async def _nothing() -> list[topic_form.Field]:
    return []


def _named(left: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a move that is left, with its states as choices."""
    if left is None:
        return None
    return {**left, "states": [Choice(state["key"], state["name"]) for state in left["states"]]}


def _as_asked(field: topic_form.Field, verb: str) -> topic_form.Field:
    """Return a field that keeps the ticket from being closed, as the move's form asks for it."""
    return {**field, "required": verb == "close"}


async def _form_page(visit: Visit, number: str, verb: str, attempt: Attempt | None = None) -> Response:
    path = ticket_path(number)
    wants_thread = verb == "split"
    reads = [visit.api.get(path), *([visit.api.get(f"{path}/timeline")] if wants_thread else [])]
    ticket, *more = await visit.start(*reads)
    choices, left, missing = await asyncio.gather(
        read_choices(visit), _left(visit, path), lacking(visit, path) if verb in FINISHING else _nothing()
    )
    typed = {**written(missing), **(attempt.form if attempt else {})}
    if attempt is not None:
        attempt.fields = said(missing, attempt.fields)
    messages = [
        e for e in (entries_of(more[0]["items"], choices, visit.me, full=True) if more else []) if e.type == "message_received"
    ]  # fmt: skip
    return visit.page(
        "move.html", attempt.status if attempt else 200, ticket=ticket, verb=verb, move=_move(verb), attempt=attempt,
        messages=messages, left=_named(left.get(verb) if left else None), lacking=[_as_asked(one, verb) for one in missing],
        typed=typed, list_query=visit.request.query_params.get("list", ""), **form_offers(choices),
    )  # fmt: skip


@router.get("/tickets/{number}/{verb}")
async def show_form(number: str, verb: str, visit: VisitDep) -> Response:
    """Show the form of a move; of one that is written into the thread, or made at once, the ticket itself.

    Raises:
        ApiProblem: 404, there is no such move or ticket.
    """
    _move(verb)
    if verb in moves.WRITING | moves.AT_ONCE:
        return RedirectResponse(ticket_path(number), 303)
    return await _form_page(visit, number, verb)


@router.post("/tickets/{number}/{verb}")
async def move(number: str, verb: str, visit: VisitDep) -> Response:
    """Make a move; when it is refused, say why beside its form and keep what had been typed.

    Raises:
        ApiProblem: 404, there is no such move or ticket; 401, the session has ended.
    """
    form = await sent_by(visit, lists=("messages", attaching.FIELD))
    chosen = _move(verb)
    try:
        if verb in moves.WRITING:
            await attaching.take(visit.request, visit.api, form)
        if verb in FINISHING:
            await fill_in(visit, ticket_path(number), form)
        answer = await visit.api.post(
            ticket_path(number, chosen.path or verb), moves.body_of(verb, form), form.get("key")
        )
    except ApiProblem as problem:
        if problem.status == NO_SESSION:
            raise
        return await _refused(visit, number, Attempt(verb, form, problem))
    return done(visit, number, _said(verb, answer), writing=verb in moves.WRITING)


def _said(verb: str, answer: Mapping[str, Any] | None) -> str:
    return (
        _("Split off as %(number)s.", number=answer["number"])
        if verb == "split" and answer
        else _(moves.MOVES[verb].done)
    )


async def _refused(visit: Visit, number: str, attempt: Attempt) -> Response:
    """Show the form again: in the dialog or the composer it came from, else as a page."""
    if not is_partial(visit.request):
        return await (_show if attempt.verb in moves.WRITING else _form_page_of)(visit, number, attempt)
    if attempt.verb in moves.WRITING:
        response = await _show(visit, number, attempt)
        response.headers.update({"HX-Retarget": "#composer", "HX-Reselect": "#composer > *", "HX-Reswap": "innerHTML"})
        return response
    return show_again(visit, await _form_page_of(visit, number, attempt))


async def _form_page_of(visit: Visit, number: str, attempt: Attempt) -> Response:
    return await _form_page(visit, number, attempt.verb, attempt)
