"""Opening a ticket: what every ticket says, and what its topic asks for besides."""

from typing import Any

from fastapi import APIRouter, Request, Response

from services.gateway.pages import attaching, topic_form
from services.gateway.pages.choices import Choice, read_choices
from services.gateway.pages.client import ApiProblem, ticket_path
from services.gateway.pages.filling_in import sent_by
from services.gateway.pages.language import N_, _
from services.gateway.pages.queue import PRIORITIES
from services.gateway.pages.render import words
from services.gateway.pages.route import PageRoute
from services.gateway.pages.ticket import SEVERITIES
from services.gateway.pages.visit import Form, Visit, VisitDep, new_key

router = APIRouter(route_class=PageRoute)

_PLAIN = ("subject", "body", "topic", "priority", "severity")
_REUSED = N_(
    "This form had been sent before with something else in it, and that ticket was opened. Send it again to open another."
)
_MORE = N_(
    "Nothing has been sent yet: with what you chose, there is more to fill in. Open the ticket when it is complete."
)
_MARKED = N_("The ticket has not been opened: see what is marked below.")
_NO_TOPICS: dict[str, Any] = {"items": [], "without_topic": []}
_NO_SESSION = 401


def _body(form: Form, fields: list[topic_form.Field]) -> dict[str, Any]:
    """Return the API's body: what is empty is left out."""
    body: dict[str, Any] = {name: form[name] for name in _PLAIN if form.get(name, "").strip()}
    named = {part: form.get(f"requester.{part}", "") for part in ("email", "name")}
    requester = {part: text for part, text in named.items() if text.strip()}
    if requester:
        body["requester"] = requester
    tags = [tag.strip() for tag in form.get("tags", "").split(",") if tag.strip()]
    more = {"tags": tags, "attachments": attaching.kept(form), "fields": topic_form.values_of(fields, form)}
    return body | {name: value for name, value in more.items() if value}


async def _form_of(visit: Visit, form: Form) -> list[topic_form.Field]:
    """Return the fields that the topic asks for, of what is written now.

    Raises:
        ApiProblem: The topics cannot be read.
    """
    return topic_form.shown(topic_form.form_of(await visit.api.get("/topics"), form.get("topic", "")), form)


async def _show(visit: Visit, form: Form, problem: ApiProblem | None = None, message: str | None = None) -> Response:
    """Show the form with what is written. Where the topics cannot be read, their fields' words stay in it, unseen."""
    if not visit.me:
        await visit.start()
    choices = await read_choices(visit)
    try:
        topics = await visit.api.get("/topics")
    except ApiProblem:
        topics = _NO_TOPICS
    whole = topic_form.form_of(topics, form.get("topic", ""))
    asked = topic_form.shown(whole, form)
    reused = problem is not None and problem.key_reused
    if problem is not None:
        message = (
            _(_REUSED) if reused else _(_MARKED) if topic_form.all_named(asked, problem.fields) else problem.detail
        )
    return visit.page(
        "new_ticket.html", problem.status if problem else 200, choices=choices, form=form, problem=problem, message=message,
        fields=topic_form.said(asked, problem.fields) if problem else {}, asked=asked,
        looked_at=topic_form.looked_at(whole), kept=topic_form.kept(form, asked),
        key=new_key() if reused else form.get("key") or new_key(),
        priorities=[Choice(p, words(p)) for p in PRIORITIES], severities=[Choice(s, words(s)) for s in SEVERITIES],
    )  # fmt: skip


@router.get("/tickets/new")
async def show_form(request: Request, visit: VisitDep) -> Response:
    """Show the form; the portal's topics are chosen already."""
    topic = request.query_params.get("topic")
    return await _show(visit, {"topic": topic} if topic else {})


@router.post("/tickets/new")
async def open_ticket(visit: VisitDep) -> Response:
    """Open the ticket and show it; when it is refused, say why and keep what had been typed.

    Nothing is sent before all that is asked for has been seen: a form without script learns of further fields when it is sent.

    Raises:
        ApiProblem: 401, the session has ended.
    """
    form = await sent_by(visit, lists=(attaching.FIELD,))
    try:
        await attaching.take(visit.request, visit.api, form)
        if form.get("do") == "next":
            return await _show(visit, form)
        fields = await _form_of(visit, form)
        if topic_form.unasked(fields, form):
            return await _show(visit, form, message=_(_MORE))
        opened = await visit.api.post("/tickets", _body(form, fields), form.get("key"))
    except ApiProblem as problem:
        if problem.status == _NO_SESSION:
            raise
        return await _show(visit, form, problem)
    return visit.go(ticket_path(opened["number"]), {"opened": "1"})
