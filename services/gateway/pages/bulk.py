"""One move on many tickets: its form, what came of it, and taking it back."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from services.gateway.pages.choices import read_choices
from services.gateway.pages.client import ApiProblem, owner_of
from services.gateway.pages.language import _, ngettext
from services.gateway.pages.moves import MOVES, Move, values_of
from services.gateway.pages.refusals import in_words
from services.gateway.pages.route import PageRoute
from services.gateway.pages.ticket import form_offers
from services.gateway.pages.visit import Form, Visit, VisitDep, is_partial, new_key

router = APIRouter(route_class=PageRoute)

BULK = (
    "assign", "claim", "release", "transfer", "prioritise", "hold", "resume", "resolve", "close", "reopen", "tags", "watch", "unwatch",
)  # fmt: skip
MOST = 200
NO_SESSION = 401


def _move(verb: str) -> Move:
    if verb not in BULK:
        raise ApiProblem(404, "Not found", _("There is no move “%(move)s” for many tickets.", move=verb))
    return MOVES[verb]


async def _form(
    visit: Visit, verb: str, tickets: Sequence[str], form: Form, problem: ApiProblem | None = None
) -> Response:
    if not visit.me:
        await visit.start()
    choices = await read_choices(visit)
    fields = {name.removeprefix("body."): text for name, text in problem.fields.items()} if problem else {}
    response = visit.page(
        "bulk.html", problem.status if problem else 200, verb=verb, move=_move(verb), tickets=tickets, typed=form,
        problem=problem, fields=fields, key=new_key(), ticket=None, current=None, **form_offers(choices),
    )  # fmt: skip
    if problem and is_partial(visit.request):
        response.headers.update({"HX-Retarget": "#sheet-body", "HX-Reswap": "innerHTML"})
    return response


@router.get("/bulk/{verb}")
async def show_form(verb: str, request: Request, visit: VisitDep) -> Response:
    """Show the form of a move on many tickets; `choose` shows which moves there are."""
    tickets = list(dict.fromkeys(request.query_params.getlist("tickets")))[:MOST]
    if verb == "choose":
        await visit.start()
        return visit.page("bulk_choose.html", tickets=tickets, verbs=BULK, moves=MOVES)
    return await _form(visit, verb, tickets, {})


@router.post("/bulk/{verb}")
async def move_many(verb: str, visit: VisitDep) -> Response:
    """Make the move on each.

    Raises:
        ApiProblem: 404, there is no such move; 401, the session has ended.
    """
    form = await visit.form(lists=("tickets",))
    tickets = form["tickets"].split("\n")
    body = {"tickets": tickets, "body": values_of(_move(verb).fields, form)}
    try:
        report = await visit.api.post(f"/bulk/{verb}", body, form.get("key"))
    except ApiProblem as problem:
        if problem.status == NO_SESSION:
            raise
        return await _form(visit, verb, tickets, form, problem)
    undo = f"/bulk/{owner_of('POST', f'/bulk/{verb}')}/{report['bulk']}/undo" if report["done"] else ""
    return await _told(visit, f"{_(_move(verb).label)}: {_count(report['done'])}.", report, undo)


@router.post("/bulk/{owner}/{bulk}/undo")
async def undo(owner: str, bulk: str, visit: VisitDep) -> Response:
    """Take a bulk move back.

    Raises:
        ApiProblem: The API refused.
    """
    await visit.form()
    report = await visit.api.post(f"/bulk/{quote(owner, safe='')}/{quote(bulk, safe='')}/undo", None)
    return await _told(visit, _("Taken back: %(tickets)s.", tickets=_count(report["done"])), report, "")


def _count(number: int) -> str:
    return ngettext("%(num)s ticket", "%(num)s tickets", number, num=number)


async def _told(visit: Visit, said: str, report: Mapping[str, Any], undo_at: str) -> Response:
    """Say what came of it: in passing if all went well, else with what failed, and why."""
    if report["failed"]:
        for item in report["results"]:
            item["detail"] = in_words(item["detail"] or "")
        await visit.start()
        page = visit.page("bulk_done.html", summary=said, report=report, undo=undo_at)
        page.headers.update(
            {"HX-Retarget": "#sheet-body", "HX-Reswap": "innerHTML", "HX-Trigger": "ledgerdesk:looknow"}
        )
        return visit.remember(page)
    if not is_partial(visit.request):
        visit.say(said, undo_at)
        return visit.go("/queue")
    response = visit.remember(Response(status_code=204))
    told = {"ledgerdesk:done": {"said": said, "undo": undo_at, "csrf": visit.csrf}}
    response.headers["HX-Trigger"] = json.dumps(told)  # ASCII: a header takes no more
    return response
