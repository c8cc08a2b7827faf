"""One request of a person in a browser: whose it is, what it may see, and the page it is answered with."""

import asyncio
import json
import secrets
from collections.abc import Coroutine, Mapping, Sequence
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, unquote, urlencode

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.gateway.pages import security
from services.gateway.pages.client import ApiClient, ApiProblem, newest, versions_in
from services.gateway.pages.language import _
from services.gateway.pages.menu import Group, menu_of
from services.gateway.pages.render import render
from shared.http.caller import STAFF
from shared.http.cookies import session_cookie
from shared.http.limits import MOST_BYTES
from shared.service import Service
from shared.settings import Settings
from shared.tokens import TokenError

AFTER_COOKIE = "ledgerdesk_after"
AFTER_LIFETIME = 120
"""Seconds for which reads wait for one's own writes; a view that is longer behind says so itself."""

SAID_COOKIE = "ledgerdesk_said"
SAID_LIFETIME = 30

Form = dict[str, str]
_R = TypeVar("_R", bound=Response)


class SignInNeeded(Exception):  # noqa: N818 -- it is no error
    """Nobody is signed in, or not any more; `then` is where to go afterwards."""

    def __init__(self, then: str) -> None:
        self.then = then
        super().__init__(then)


class Refused(Exception):  # noqa: N818 -- it is an answer
    """A form that is not taken: it does not come from our own page, or from one of another session."""


async def read_form(request: Request) -> Form:
    """Return a form's fields. Browsers send line ends as CRLF; the ledger has LF."""
    form = await request.form()
    return {name: value.replace("\r\n", "\n") for name, value in form.items() if isinstance(value, str)}


def is_brief(request: Request) -> bool:
    """Whether a form is short enough to be read for somebody who may not send it: words, but no files of a stranger's."""
    length = request.headers.get("content-length", "")
    return length.isdigit() and int(length) <= MOST_BYTES


def set_cookie(response: Response, settings: Settings, name: str, value: str, lifetime: int) -> None:
    """Set a cookie that no script reads and no other site's form sends."""
    response.set_cookie(name, value, max_age=lifetime, httponly=True, samesite="lax", secure=settings.is_https)


def is_partial(request: Request) -> bool:
    """Whether htmx asks for a part of the page. Going back in a browser's history asks for all of it."""
    headers = request.headers
    return headers.get("hx-request") == "true" and headers.get("hx-history-restore-request") != "true"


def new_key() -> str:
    """Return a form's one-time key: sent twice, it is one command."""
    return secrets.token_urlsafe(16)


class Visit:
    """A signed-in person's request.

    Attributes:
        me: The API's `/me`; filled by `start`.
        api: The way to the API.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.settings: Settings = request.app.state.settings
        self.gateway: Service = request.app.state.services["gateway"]
        token = request.cookies.get(session_cookie(self.settings)) or ""
        self._written = versions_in(request.cookies.get(AFTER_COOKIE), "|")
        seen = versions_in(request.headers.get("ledgerdesk-after"))  # what the live stream has told of
        self.api = ApiClient(request, token, [*self._written, *seen])
        self.me: dict[str, Any] = {}
        self.counts: dict[str, Any] = {}
        self.saved: list[dict[str, Any]] = []
        self._said: dict[str, str] | None = None
        try:
            self._session = str(self.gateway.kernel.tokens.read_session(token).session_id)
        except TokenError:
            raise SignInNeeded(self.here) from None

    @property
    def here(self) -> str:
        """Where one was: the page, also when its form was sent."""
        if self.request.method != "GET":
            return "/" + "/".join(self.request.url.path.split("/")[1:3])
        query = self.request.url.query
        return self.request.url.path + (f"?{query}" if query else "")

    @property
    def is_live(self) -> bool:
        """Whether the page's own script looks what has changed."""
        return self.request.headers.get("ledgerdesk-live") == "1"

    @property
    def target(self) -> str:
        """The id of the element whose content is asked for; empty when it is the whole page."""
        return self.request.headers.get("hx-target", "").rpartition("#")[2] if is_partial(self.request) else ""

    @property
    def layout(self) -> str:
        """What the page's template extends."""
        if not is_partial(self.request):
            return "base.html"
        return {"pane": "pane.html", "sheet-body": "sheet.html"}.get(self.target, "partial.html")

    @property
    def menu(self) -> list[Group]:
        """The navigation."""
        return menu_of(self.roles, self.counts, is_staff=self.is_staff, sees_all=self.sees_all, saved=self.saved)

    @property
    def roles(self) -> set[str]:
        """What the person may do."""
        return set(self.me.get("roles", ()))

    @property
    def is_staff(self) -> bool:
        """Whether the person works tickets."""
        return bool(self.roles & STAFF)

    @property
    def sees_all(self) -> bool:
        """Whether the person sees everybody's tickets."""
        return bool(self.roles & (STAFF | {"analyst"}))

    @property
    def may_open(self) -> bool:
        """Whether the person may open tickets."""
        return bool(self.roles & (STAFF | {"requester"}))

    @property
    def has_written(self) -> bool:
        """Whether the person wrote something a moment ago."""
        return bool(self._written)

    @property
    def csrf(self) -> str:
        """The token that this session's forms carry."""
        return security.csrf_token(self.settings, "session", self._session)

    async def start(self, *reads: Coroutine[Any, Any, Any]) -> list[Any]:
        """Read who it is and, at the same time, what the page shows.

        Raises:
            SignInNeeded: The session has ended.
            ApiProblem: The API refused.
        """
        try:
            self.me, self.counts, saved, *found = await asyncio.gather(
                self.api.get("/me"), self.api.get("/tickets/counts"), self._queues(), *reads
            )
            self.saved = saved
        except ApiProblem as problem:
            if problem.status == 401:  # noqa: PLR2004 -- HTTP's own number
                raise SignInNeeded(self.here) from problem
            if not self.me:  # for the page that says what is wrong
                self.me, self.counts = await asyncio.gather(self.api.get("/me"), self.api.get("/tickets/counts"))
            raise
        return list(found)

    async def _queues(self) -> list[dict[str, Any]]:
        """Return the saved queues; none where they cannot be had just now: no page is worth less for it."""
        try:
            found: list[dict[str, Any]] = (await self.api.get("/queues"))["items"]
        except ApiProblem as problem:
            if problem.status == 401:  # noqa: PLR2004 -- HTTP's own number
                raise
            return []
        return found

    async def form(self, lists: Sequence[str] = ()) -> Form:
        """Return the fields of a form that is ours; those that may come several times (`lists`) with line ends between.

        Raises:
            Refused: It is not.
        """
        if not security.same_site(self.request, self.settings):
            raise Refused(_("This form was sent from another site. Nothing has been done."))
        form = await read_form(self.request)
        for name in lists:
            several = [value for value in (await self.request.form()).getlist(name) if isinstance(value, str)]
            form[name] = "\n".join(several)
        if not security.csrf_good(self.settings, "session", self._session, form.get("csrf", "")):
            raise Refused(
                _("This form does not belong to your present session. Nothing has been done: open the page again.")
            )
        return form

    def say(self, text: str, undo: str = "", kind: str = "success") -> None:
        """Have the next page say what was done; `undo` is the address of a form that takes it back."""
        self._said = {"text": text[:300], "undo": undo, "kind": kind}

    def _told(self) -> dict[str, str] | None:
        """Return what the last command wanted said; it was kept by the browser, so it is no more than words."""
        try:
            said = json.loads(unquote(self.request.cookies.get(SAID_COOKIE, "")))
            undo = str(said["undo"])
            return {
                "text": str(said["text"]), "kind": "error" if said["kind"] == "error" else "success",
                "undo": undo if undo.startswith("/bulk/") else "",
            }  # fmt: skip
        except (ValueError, KeyError, TypeError):
            return None

    def page(self, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        """Return a page, or the part of it that is asked for."""
        said = self._said or self._told()
        text = render(
            template, visit=self, layout=self.layout, stale=self.api.stale, said=said, new_key=new_key, **context
        )
        response = HTMLResponse(text, status)
        if SAID_COOKIE in self.request.cookies:
            response.delete_cookie(SAID_COOKIE)
        return response

    def go(self, path: str, parameters: Mapping[str, str] | None = None, fragment: str = "") -> RedirectResponse:
        """Go on to another page, which will show what has been written."""
        response = RedirectResponse(path + (f"?{urlencode(parameters)}" if parameters else "") + fragment, 303)
        if self._said is not None:
            set_cookie(response, self.settings, SAID_COOKIE, quote(json.dumps(self._said)), SAID_LIFETIME)
        return self.remember(response)

    def remember(self, response: _R) -> _R:
        """Have the browser say, with its next requests, what they must show: what was written just now."""
        written = newest([*self._written, *self.api.said])
        if written != self._written:
            set_cookie(response, self.settings, AFTER_COOKIE, "|".join(written), AFTER_LIFETIME)
        return response


def visit_of(request: Request) -> Visit:
    """Return the request's visit.

    Raises:
        SignInNeeded: Nobody is signed in.
    """
    visit = Visit(request)
    request.state.visit = visit
    return visit


VisitDep = Annotated[Visit, Depends(visit_of)]
