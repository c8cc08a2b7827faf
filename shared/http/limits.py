"""What a request may be: its size, and its media type."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import Problem, problem_response
from shared.telemetry import REQUESTS

MOST_BYTES = 1024 * 1024
"""Of a request's body; an import's call of 1,000 facts has a limit of its own."""
MOST_FACT_BYTES = 32 * 1024 * 1024
MOST_FORM_BYTES = 40 * 1024 * 1024
"""Of a page's form with files, all together."""
UPLOAD = "/api/v1/attachments"
WITH_FILES = ("/tickets/", "/guest/", "/kb/")
"""Where the pages are whose forms carry files."""


class Measure:
    """Counts and times every request, by the route it took."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how long the answer took and what it was."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = scope.get("route")
            path = getattr(route, "path", "other")
            service = (getattr(route, "tags", None) or ["host"])[0]
            REQUESTS.labels(service, scope["method"], path, status).observe(time.perf_counter() - started)


class LimitBodies:
    """Refuses bodies that are too large (413) or, under ``/api/``, no JSON (415), before anything reads them."""

    def __init__(self, app: ASGIApp, most_upload: int) -> None:
        self._app = app
        self._most_upload = most_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        media = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        is_upload = scope["path"] == UPLOAD
        most = self._most(scope["path"], media)
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > most:
            await self._refuse(most)(scope, receive, send)
            return
        has_body = (length.isdigit() and int(length) > 0) or b"transfer-encoding" in headers
        if has_body and is_upload and media not in {b"application/octet-stream", b""}:
            await problem_response(
                415, "The body must be the file's bytes: send it with Content-Type: application/octet-stream.",
                [{"field": "Content-Type", "message": "must be application/octet-stream"}],
            )(scope, receive, send)  # fmt: skip
            return
        if has_body and not is_upload and scope["path"].startswith("/api/") and media not in {b"application/json", b""}:
            await problem_response(
                415, "The body must be JSON: send it with Content-Type: application/json.",
                [{"field": "Content-Type", "message": "must be application/json"}],
            )(scope, receive, send)  # fmt: skip
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise Problem(413, f"The body is over {most} bytes.", fields={"body": f"must be at most {most} bytes"})
            return message

        await self._app(scope, counted, send)

    def _most(self, path: str, media: bytes) -> int:
        """Return how large a body may be."""
        if path == UPLOAD:
            return self._most_upload
        if not path.startswith("/api/"):
            return MOST_FORM_BYTES if media == b"multipart/form-data" and path.startswith(WITH_FILES) else MOST_BYTES
        return MOST_FACT_BYTES if "/internal/" in path else MOST_BYTES

    def _refuse(self, most: int) -> ASGIApp:
        return problem_response(
            413, f"The body is over {most} bytes.", [{"field": "body", "message": f"must be at most {most} bytes"}],
            {"Connection": "close"},
        )  # fmt: skip
