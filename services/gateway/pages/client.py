"""The pages' way to the REST API: in this process where the owner is mounted here, by HTTP where it is not."""

import json
import re
from collections.abc import Mapping, Sequence
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import quote

import httpx
from fastapi import FastAPI, Request

from services.gateway.pages.refusals import in_words
from shared.http.trust import trusted
from shared.service_names import SERVICES

API = "/api/v1"
MOST_AFTER = 8
TIMEOUT = 15.0

_ROUTING = frozenset({"assign", "claim", "release", "transfer", "refer", "withdraw-referral"})
_OF_VERBS = {
    **dict.fromkeys(_ROUTING, "routing"), **dict.fromkeys(("messages", "collaborators", "split"), "intake"),
    "presence": "gateway", "guest-links": "gateway",
    "articles": "knowledge",
}  # fmt: skip
"""Of /tickets/{ref}/{verb}; workflow has the others."""
_OF_PATHS = {
    "reports": "reporting",
    "articles": "knowledge",
    "tickets": "workflow",
    "mentions": "workflow",
    "sla": "workflow",
    "topics": "intake",
    "attachments": "intake",
    "canned-replies": "workflow",
    "lifecycle": "workflow",
    "queues": "workflow",
    "dashboards": "workflow",
    **dict.fromkeys(("agents", "departments", "teams"), "routing"),
    **dict.fromkeys(("people", "organisations"), "intake"),
}
"""By the first part of the path; the gateway has the others."""
_VERSION = re.compile(r"[0-9a-f-]{36}:(intake|routing|workflow|knowledge):[0-9]{1,9}")

Params = Sequence[tuple[str, str]]


def owner_of(method: str, path: str) -> str:
    """Return the service that answers a path (below /api/v1): the same as deploy/routes.yaml says."""
    parts = path.strip("/").split("/")
    if parts[0] == "internal":
        return parts[1] if parts[1] in SERVICES else "gateway"
    if parts[0] == "bulk":
        return "routing" if parts[1] in _ROUTING | {"routing"} else "workflow"
    owner = _OF_PATHS.get(parts[0], "gateway")
    if parts[0] != "tickets":
        return owner
    if len(parts) > 2:  # noqa: PLR2004 -- /tickets/{ref}/{verb}
        return _OF_VERBS.get(parts[2], owner)
    return "intake" if method == "POST" else owner


def ticket_path(number: str, *more: str) -> str:
    """Return the path of a ticket; what a person typed stays one segment of it.

    Raises:
        ApiProblem: 404, it is none.
    """
    if number in {".", ".."}:  # the one kind of segment that quoting leaves to mean a place
        raise ApiProblem(404, "Not found", f"There is no ticket {number!r}.")
    return "/".join(["/tickets", quote(number, safe=""), *more])


def versions_in(text: str | None, separator: str = ",") -> list[str]:
    """Return the `Ledgerdesk-Version` values in a header or cookie; what is none is left out."""
    return [item for item in (text or "").split(separator) if _VERSION.fullmatch(item)]


def newest(versions: Sequence[str]) -> list[str]:
    """Return the last few values, one for each ticket and source: the highest."""
    highest: dict[str, str] = {}
    for item in versions:
        place, _, version = item.rpartition(":")
        before = highest.pop(place, item)  # taken out and put back: what was said last stands last
        highest[place] = item if int(version) >= int(before.rpartition(":")[2]) else before
    return list(highest.values())[-MOST_AFTER:]


class ApiProblem(Exception):  # noqa: N818 -- the RFC's own word
    """The API refused. `fields` maps each refused field to its message."""

    def __init__(self, status: int, title: str, detail: str, fields: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.title = title
        self.detail = detail
        self.fields = dict(fields or {})
        super().__init__(detail)

    @property
    def key_reused(self) -> bool:
        """Whether the form was sent before with other words in it."""
        return "Idempotency-Key" in self.fields


def _problem(response: httpx.Response) -> ApiProblem:
    try:
        body = response.json()
        fields = {str(item["field"]): str(item["message"]) for item in body.get("errors", [])}
        return ApiProblem(response.status_code, str(body["title"]), in_words(str(body["detail"])), fields)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ApiProblem(response.status_code, "Error", f"The service answered {response.status_code}.")


def _client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Return a client that keeps no cookies: it speaks for many people, each by a token of his own."""
    jar = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx.AsyncClient(transport=transport, cookies=jar, timeout=TIMEOUT, trust_env=False, verify=trusted())


def _clients(app: FastAPI) -> dict[str, httpx.AsyncClient]:
    """Return this process's two clients: connections and their set-up are shared by all requests."""
    if not hasattr(app.state, "page_clients"):
        here = _client(httpx.ASGITransport(app=app, raise_app_exceptions=False))
        app.state.page_clients = {"here": here, "away": _client()}
    clients: dict[str, httpx.AsyncClient] = app.state.page_clients
    return clients


class ApiClient:
    """One request's way to the API. Its reads show at least `after`: `Ledgerdesk-Version` values of the person's writes.

    Attributes:
        said: The `Ledgerdesk-Version` values that its commands came to.
        stale: Whether a read could not wait for them.
    """

    def __init__(self, request: Request, token: str | None, after: Sequence[str] = ()) -> None:
        self._app: FastAPI = request.app
        self._origin = f"{request.url.scheme}://{request.url.netloc}"  # links that the API makes lead back here
        self._token = token
        self._after = newest(after)
        self.said: list[str] = []
        self.stale = False

    async def get(self, path: str, params: Params = ()) -> Any:
        """Read.

        Raises:
            ApiProblem: The API refused.
        """
        headers = {"Ledgerdesk-After": ",".join(self._after)} if self._after else {}
        response = await self._send("GET", path, params=list(params), headers=headers)
        self.stale = self.stale or response.headers.get("ledgerdesk-stale") == "true"
        return response.json()

    async def lines(self, path: str) -> list[Any]:
        """Read what comes as a line of JSON each.

        Raises:
            ApiProblem: The API refused.
        """
        response = await self._send("GET", path, headers={})
        return [json.loads(line) for line in response.text.splitlines() if line]

    async def file(self, path: str) -> httpx.Response:
        """Read a file, whole.

        Raises:
            ApiProblem: The API refused.
        """
        return await self._send("GET", path, headers={})

    async def post(
        self,
        path: str,
        body: Mapping[str, Any] | None,
        key: str | None = None,
        patience: float = TIMEOUT,
        if_match: str | None = None,
    ) -> Any:
        """Give a command; once per key, and on what `if_match` names. `patience` is for one that takes long, in seconds.

        Raises:
            ApiProblem: The API refused.
        """
        headers = ({"Idempotency-Key": key} if key else {}) | ({"If-Match": if_match} if if_match else {})
        response = await self._send("POST", path, json=dict(body) if body else None, headers=headers, timeout=patience)
        self._heard(response)
        return response.json() if response.content else None

    async def upload(self, path: str, content: bytes) -> Any:
        """Hand over a file's bytes.

        Raises:
            ApiProblem: The API refused.
        """
        headers = {"Content-Type": "application/octet-stream"}
        return (await self._send("POST", path, content=content, headers=headers)).json()

    async def put(
        self,
        path: str,
        body: Mapping[str, Any],
        key: str | None = None,
        if_match: str | None = None,
        patience: float = TIMEOUT,
    ) -> Any:
        """Have something be what the body says; once per key, and only if it is still what `if_match` names.

        Raises:
            ApiProblem: The API refused.
        """
        headers = {"Idempotency-Key": key} if key else {}
        response = await self._send(
            "PUT",
            path,
            json=dict(body),
            headers=headers | ({"If-Match": if_match} if if_match else {}),
            timeout=patience,
        )
        self._heard(response)
        return response.json() if response.content else None

    async def patch(self, path: str, body: Mapping[str, Any], key: str | None = None) -> Any:
        """Change what the body names; once per key.

        Raises:
            ApiProblem: The API refused.
        """
        headers = {"Idempotency-Key": key} if key else {}
        response = await self._send("PATCH", path, json=dict(body), headers=headers)
        self._heard(response)
        return response.json() if response.content else None

    async def delete(self, path: str, key: str | None = None, params: Params = ()) -> None:
        """Take away; once per key.

        Raises:
            ApiProblem: The API refused.
        """
        headers = {"Idempotency-Key": key} if key else {}
        response = await self._send("DELETE", path, params=list(params), headers=headers)
        self._heard(response)

    def _heard(self, response: httpx.Response) -> None:
        self.said += versions_in(response.headers.get("ledgerdesk-version"))
        self._after = newest([*self._after, *self.said])

    async def _send(self, method: str, path: str, *, headers: dict[str, str], **more: Any) -> httpx.Response:
        owner = owner_of(method, path)
        clients = _clients(self._app)
        mounted = owner in self._app.state.services
        origin = self._origin if mounted else self._app.state.settings.url_of(owner)
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            response = await clients["here" if mounted else "away"].request(
                method, f"{origin}{API}{path}", headers=headers, **more
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ApiProblem(503, "Unavailable", f"{owner} does not answer just now. Try again in a moment.") from error
        if not response.is_success:
            raise _problem(response)
        return response
