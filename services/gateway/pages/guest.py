"""A guest's pages: one ticket, read and answered by a link with a secret, without an account.

The link is exchanged at once for a cookie that is good for an hour, below the ticket's own address only, so that the secret stands in
no page's address. Opening and asking do not go by way of the API but ask its own parts: it matters from which address somebody comes.
"""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import TypeAdapter, ValidationError

from services.gateway.pages import attaching, moves, security
from services.gateway.pages.choices import Choices
from services.gateway.pages.client import ApiClient, ApiProblem, newest, versions_in
from services.gateway.pages.door import TOO_OLD, is_own_form, outside_form, outside_page
from services.gateway.pages.language import N_, _
from services.gateway.pages.route import PageRoute
from services.gateway.pages.sign_in import gateway_of
from services.gateway.pages.thread import blocks_of
from services.gateway.pages.timeline import entries_of
from services.gateway.pages.topic_form import held_of
from services.gateway.pages.visit import AFTER_LIFETIME, Form, Refused, is_brief, new_key, read_form
from services.gateway.place import PlaceHeader
from services.gateway.stream import followed
from shared.contracts.fields import Email
from shared.http.caller import Caller, unauthenticated
from shared.http.guests import PURPOSE
from shared.http.known import address_of
from shared.http.problems import Problem
from shared.refusal import Refusal
from shared.service import Service
from shared.settings import Settings
from shared.tokens import TokenError


class GuestRoute(PageRoute):
    """A page's route that tells nobody where one comes from."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler that FastAPI calls."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            response = await inner(request)
            response.headers["Referrer-Policy"] = "no-referrer"
            return response

        return handler


router = APIRouter(route_class=GuestRoute)
COOKIE, AFTER = "ledgerdesk_guest", "ledgerdesk_guest_after"
VERBS = frozenset({"message", "close", "reopen", "rating"})
MOST_NUMBER = 200
GONE_FOR_GOOD = 410
UNKNOWN = (401, 404)
"""What a service answers that does not know the guest or his ticket: no more, or not yet."""
LATE = 503
NOT_FOUND = 404
NO_MORE = N_("This link is not good any more. Ask the desk for another.")
NOT_YET = N_("Your ticket cannot be shown just now. Try again in a moment.")
_EMAIL: TypeAdapter[str] = TypeAdapter(Email)


class Guest:
    """A guest's request to the page of his ticket.

    Attributes:
        token: What his link was exchanged for.
        api: His way to the API.
        visit: What stands for a session in his forms' tokens.
    """

    def __init__(self, request: Request, ticket: str) -> None:
        """Read the cookie.

        Raises:
            ApiProblem: 410, there is none that is good for this ticket.
        """
        self.settings: Settings = request.app.state.settings
        gateway: Service = request.app.state.services["gateway"]
        self.token = token = request.cookies.get(COOKIE, "")
        try:
            said = gateway.kernel.tokens.read_short(PURPOSE, token)
        except TokenError:
            said = {}
        if said.get("ticket") != ticket:
            raise ApiProblem(410, "Gone", _("This page was open for long. Open the link again."))
        self.ticket, self.link = ticket, UUID(str(said["link"]))
        self._written = versions_in(request.cookies.get(AFTER), "|")
        seen = versions_in(request.headers.get("ledgerdesk-after"))  # what the live stream has told of
        self.api = ApiClient(request, token, [*self._written, *seen])
        self.visit = f"{said['link']}|{said['exp']}"

    @property
    def csrf(self) -> str:
        """The token that the page's forms carry."""
        return security.csrf_token(self.settings, "guest", self.visit)

    @property
    def path(self) -> str:
        """The ticket's, in the API."""
        return f"/tickets/{self.ticket}"

    def back(self) -> Response:
        """Go back to the ticket, which will show what has been written."""
        response = RedirectResponse(f"/guest/{self.ticket}#latest", 303)
        written = newest([*self._written, *self.api.said])
        give_cookie(response, self.settings, AFTER, "|".join(written), AFTER_LIFETIME, self.ticket)
        return response


def give_cookie(response: Response, settings: Settings, name: str, value: str, lifetime: int, ticket: str) -> None:
    """Give a browser a cookie for one ticket's pages, which no script reads and no other site's form sends."""
    response.set_cookie(
        name, value, max_age=lifetime, path=f"/guest/{ticket}", httponly=True, samesite="lax", secure=settings.is_https
    )


def _gone(request: Request, status: int, message: str, form: Form | None = None) -> Response:
    """Say that the link, or what it was exchanged for, is not good; what had been typed is kept."""
    words = {
        name: text for name, text in (form or {}).items() if name in {"body", "message", "comment"} and text.strip()
    }
    page = outside_page(request, "guest_gone.html", status, message=message, kept=words, late=status == LATE)
    if status == LATE:
        page.headers["Retry-After"] = "1"
    return page


@router.get("/guest")
async def exchange(request: Request, link: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Exchange a link for a cookie, and go on to an address without a secret."""
    try:
        opened = await gateway_of(request).guests.open(link)
    except Refusal as refusal:
        return _gone(request, refusal.status, _(NO_MORE))
    except Problem as problem:
        return _gone(request, problem.status, _(NOT_YET))
    ticket, settings = str(opened.ticket_id), request.app.state.settings
    response = RedirectResponse(f"/guest/{ticket}", 303)
    lifetime = int((opened.expires_at - datetime.now(UTC)).total_seconds())
    give_cookie(response, settings, COOKIE, opened.token, lifetime, ticket)
    return response


async def _show(request: Request, guest: Guest, status: int = 200, *, form: Form | None = None,
                problem: ApiProblem | None = None, verb: str = "") -> Response:  # fmt: skip
    ticket = await guest.api.get(guest.path)
    timeline = await guest.api.get(f"{guest.path}/timeline")
    left = {move["verb"] for move in (await guest.api.get(f"{guest.path}/moves"))["items"]}
    requester = ticket["requester"]
    me = {"login": None, "name": requester.get("name") or requester.get("email")}
    entries = entries_of(timeline["items"], Choices(), me, full=False)
    offered = [
        name for name in ("message", "close", "reopen", "rating")
        if ticket["status"] in moves.MOVES[name].states and (name not in moves.RULED or name in left)
    ]  # fmt: skip
    return outside_page(
        request, "guest_ticket.html", status, ticket=ticket, blocks=blocks_of(entries), offered=offered, guest=guest, moves=moves.MOVES,
        held=held_of((await guest.api.get(f"{guest.path}/fields"))["items"]), typed=form or {}, verb=verb, problem=problem,
        new_key=new_key, files_at=f"/guest/{guest.ticket}/files", guest_stream=f"/guest/{guest.ticket}/stream", others=await _others(guest),
    )  # fmt: skip


async def _others(guest: Guest) -> list[dict[str, Any]]:
    """Return who else is in on the ticket; nobody, where that cannot be had just now: the page is worth no less for it."""
    try:
        items: list[dict[str, Any]] = (await guest.api.get(f"{guest.path}/collaborators"))["items"]
    except ApiProblem:
        return []
    return items


@router.get("/guest/{ticket}")
async def show(ticket: str, request: Request) -> Response:
    """Show the ticket as its requester sees it."""
    guest = None
    try:
        guest = Guest(request, ticket)
        return await _show(request, guest)
    except ApiProblem as problem:
        return await _refused(request, problem, guest)


async def _refused(request: Request, problem: ApiProblem, guest: Guest | None, form: Form | None = None) -> Response:
    """Answer what is good no more, or not known yet where it was asked for: the gateway has the link, and says which of the two it is.

    Raises:
        ApiProblem: It is something else.
    """
    if problem.status == GONE_FOR_GOOD:
        return _gone(request, problem.status, problem.detail, form)
    if problem.status not in UNKNOWN or guest is None:
        raise problem
    if await gateway_of(request).guests.stands(UUID(guest.ticket), guest.link):
        return _gone(request, LATE, _(NOT_YET), form)
    return _gone(request, problem.status, _(NO_MORE), form)


def _need_verb(verb: str) -> None:
    """Require what a guest may do.

    Raises:
        ApiProblem: 404.
    """
    if verb not in VERBS:
        raise ApiProblem(404, "Not found", _("There is no such thing to do."))


def _need_own_form(guest: Guest, form: Form) -> None:
    """Require a form of this visit.

    Raises:
        Refused: It is another's.
    """
    if not security.csrf_good(guest.settings, "guest", guest.visit, form.get("csrf", "")):
        raise Refused(_("This form does not belong to your present visit. Nothing has been done: open the link again."))


@router.post("/guest/{ticket}/{verb}")
async def move(ticket: str, verb: str, request: Request) -> Response:
    """Write, close, reopen or rate."""
    try:
        guest = Guest(request, ticket)
    except ApiProblem as problem:
        return await _refused(request, problem, None, await _form(request) if is_brief(request) else None)
    form = await _form(request)
    _need_verb(verb)
    try:
        _need_own_form(guest, form)
        if verb == "message":
            await attaching.take(request, guest.api, form)
        await guest.api.post(
            f"{guest.path}/{moves.MOVES[verb].path or verb}", moves.body_of(verb, form), form.get("key")
        )
    except ApiProblem as problem:
        refused = problem
    else:
        return guest.back()
    try:
        if refused.status in UNKNOWN:
            raise refused
        return await _show(request, guest, refused.status, form=form, problem=refused, verb=verb)
    except ApiProblem as problem:
        return await _refused(request, problem, guest, form)


async def _form(request: Request) -> Form:
    """Return a guest's form.

    Raises:
        Refused: It was sent from another site.
    """
    if not security.same_site(request, request.app.state.settings):
        raise Refused(_("This form was sent from another site. Nothing has been done."))
    form = await read_form(request)
    kept = [one for one in (await request.form()).getlist(attaching.FIELD) if isinstance(one, str)]
    return {**form, attaching.FIELD: "\n".join(kept)}


@router.get("/guest/{ticket}/stream")
async def follow(ticket: str, request: Request, last_event_id: PlaceHeader = None) -> Response:
    """Follow what happens on the ticket, as far as its requester reads it, until the link is taken back."""
    gateway: Service = request.app.state.services["gateway"]

    async def again() -> Caller:
        found = await gateway.authenticator.caller(guest.token, address_of(request))
        if found is None:
            raise unauthenticated()
        return found

    try:
        guest = Guest(request, ticket)
        return await followed(request, gateway.pool, again, last_event_id)
    except (ApiProblem, Problem) as problem:
        return Response(status_code=problem.status)


@router.get("/guest/{ticket}/files/{event}/{number}")
async def download(ticket: str, event: str, number: int, request: Request) -> Response:
    """Hand over a file of the ticket."""
    guest = None
    try:
        guest = Guest(request, ticket)
        found = await guest.api.file(f"{guest.path}/attachments/{quote(event, safe='')}/{number}")
    except ApiProblem as problem:
        if guest is not None and problem.status == NOT_FOUND:
            raise  # the ticket has no such file, or none for him
        return await _refused(request, problem, guest)
    kept = {name: found.headers[name] for name in ("content-type", "content-disposition") if name in found.headers}
    return Response(found.content, headers=kept)


@router.get("/guest-ask")
async def show_ask(request: Request) -> Response:
    """Show the form by which a link is asked for."""
    return outside_page(request, "guest_ask.html", number="", email="", message=None, sent=False)


@router.post("/guest-ask")
async def ask(request: Request) -> Response:
    """Ask for a link. The answer is the same whether there is such a ticket or not."""
    form = await outside_form(request)
    number, email = form.get("number", "").strip()[:MOST_NUMBER], form.get("email", "").strip()

    def again(status: int, message: str) -> Response:
        return outside_page(request, "guest_ask.html", status, number=number, email=email, message=message, sent=False)

    if not is_own_form(request, form):
        return again(403, _(TOO_OLD))
    try:
        address = _EMAIL.validate_python(email)
    except ValidationError:
        return again(422, _("Enter the e-mail address from which the ticket was opened."))
    if not number or "\x00" in number:
        return again(422, _("Enter the ticket's number."))
    try:
        await gateway_of(request).guests.ask(number, address, address_of(request))
    except Problem as problem:
        return again(problem.status, problem.detail)
    return outside_page(request, "guest_ask.html", number="", email="", message=None, sent=True)
