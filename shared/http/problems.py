"""Errors as RFC 9457 problem documents: which field, and what to do about it."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

from shared.contracts.catalogue import PayloadError
from shared.db import LOST_CONNECTION
from shared.eventstore.appender import StoreUnavailableError
from shared.eventstore.ledger import ContentionError, EventTooLargeError, KeyReusedError, StaleError
from shared.projection.whole import BehindError
from shared.refusal import Refusal

MEDIA_TYPE = "application/problem+json"
STALE = "Ledgerdesk-Stale"
"""Header of an answer that could not wait for what its reader has written."""
TITLES = {
    400: "Bad request",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Not possible now",
    410: "Gone",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Unsupported media type",
    422: "Bad field",
    429: "Too many attempts",
    500: "Our mistake",
    503: "Unavailable",
    507: "No room",
}

log = structlog.get_logger("http")


class FieldError(BaseModel):
    """One field that was refused."""

    field: str = Field(description="Path of the field: `requester.email`, or the name of a header or parameter")
    message: str = Field(description="What is wrong with it and what would be right")


class ProblemDocument(BaseModel):
    """RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


class Problem(Exception):  # noqa: N818 -- the RFC's own word
    """An answer of 4xx or 5xx. `detail` says what is wrong and the remedy; `fields` maps field to message."""

    def __init__(
        self, status: int, detail: str, *, fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None, **extra: Any,
    ) -> None:  # fmt: skip
        self.status = status
        self.detail = detail
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})
        self.extra = extra
        super().__init__(detail)

    def response(self) -> Response:
        """Return the document."""
        return problem_response(
            self.status, self.detail, [{"field": f, "message": m} for f, m in self.fields.items()], self.headers,
            self.extra,
        )  # fmt: skip


def problem_response(
    status: int, detail: str, errors: Sequence[Mapping[str, str]] = (), headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:  # fmt: skip
    """Return a problem document as a response."""
    body: dict[str, Any] = {
        "type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "detail": detail,
        "errors": list(errors), **(extra or {}),
    }  # fmt: skip
    return Response(orjson.dumps(body, default=str), status, dict(headers or {}), MEDIA_TYPE)


def _name_of(location: Sequence[Any]) -> str:
    """Return a field's path as its sender knows it: without FastAPI's word for where it stood."""
    parts = [str(part).encode(errors="replace").decode() for part in location]  # a key may hold half a surrogate pair
    if parts and parts[0] in {"body", "query", "path", "header", "cookie"}:
        where, *parts = parts
        if not parts:
            return where
    return ".".join(parts)


async def _validation(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 -- registered for this type only
    errors = []
    for item in error.errors():
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "json_invalid":
            errors.append(
                {"field": "body", "message": "must be JSON: " + str(item.get("ctx", {}).get("error", message))}
            )
        else:
            errors.append({"field": _name_of(item["loc"]), "message": message})
    first = errors[0]
    return problem_response(422, f"{first['field']}: {first['message']}", errors)


def _is_somebody(request: Request) -> bool:
    """Whether a person's browser asks, and not for the API."""
    return (
        request.method == "GET"
        and "text/html" in request.headers.get("accept", "")
        and not request.url.path.startswith("/api/")
    )


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 -- registered for this type only
    if isinstance(error.__cause__, Problem):  # raised while the body was read: FastAPI takes it for one it cannot parse
        return error.__cause__.response()
    if error.status_code == 400:  # noqa: PLR2004 -- HTTP's own number; FastAPI's answer to a body that is no UTF-8
        return problem_response(
            422, "body: must be JSON in UTF-8", [{"field": "body", "message": "must be JSON in UTF-8"}]
        )
    page = getattr(request.app.state, "nothing", None)
    if error.status_code == 404 and page is not None and _is_somebody(request):  # noqa: PLR2004 -- HTTP's own number
        answer: Response = await page(request)
        return answer
    detail = {
        404: "There is nothing at this path. /api/v1/openapi.json lists what there is.",
        405: "This path does not take that method. /api/v1/openapi.json lists what it takes.",
    }.get(error.status_code, str(error.detail))
    return problem_response(error.status_code, detail, headers=error.headers)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 -- registered for this type only
    response = error.response()
    if getattr(request.state, "stale", None):
        response.headers[STALE] = "true"
    return response


async def _refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)  # noqa: S101 -- registered for this type only
    fields = [{"field": field, "message": message} for field, message in error.fields.items()]
    return problem_response(error.status, error.detail, fields)


async def _stale(_: Request, error: Exception) -> Response:
    assert isinstance(error, StaleError)  # noqa: S101 -- registered for this type only
    since = [
        {"type": e.name, "version": e.version, "at": e.occurred_at.isoformat(), "actor": e.actor} for e in error.since
    ]
    return problem_response(
        412, f"It has changed since version {error.given}: read it again and decide anew.",
        [{"field": "If-Match", "message": f"is {error.given}, it is at {error.actual}"}], None,
        {"since": since, "version": error.actual},
    )  # fmt: skip


def _simple(status: int, field: str | None = None, headers: dict[str, str] | None = None) -> Any:
    async def answer(_: Request, error: Exception) -> Response:
        errors = [{"field": field, "message": str(error)}] if field else []
        return problem_response(status, str(error), errors, headers)

    return answer


async def _payload(_: Request, error: Exception) -> Response:
    assert isinstance(error, PayloadError)  # noqa: S101 -- registered for this type only
    fields = [{"field": _name_of(_as_tuple(e["loc"])), "message": str(e["msg"])} for e in error.errors]
    return problem_response(422, str(error), fields)


def _as_tuple(location: object) -> tuple[Any, ...]:
    return location if isinstance(location, tuple) else (location,)


async def _unavailable(_: Request, error: Exception) -> Response:
    await log.awarning("database unavailable", error=repr(error))
    return problem_response(
        503, "The database does not answer just now. Send the same request again, with the same Idempotency-Key.",
        headers={"Retry-After": "1"},
    )  # fmt: skip


async def _unexpected(request: Request, error: Exception) -> Response:
    await log.aexception("unexpected error", method=request.method, path=request.url.path, exc_info=error)
    return problem_response(500, "Something broke on our side; it has been logged.")


def install(app: FastAPI) -> None:
    """Make every error of the application a problem document."""
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(Refusal, _refusal)
    app.add_exception_handler(StaleError, _stale)
    app.add_exception_handler(PayloadError, _payload)
    app.add_exception_handler(KeyReusedError, _simple(422, "Idempotency-Key"))
    app.add_exception_handler(EventTooLargeError, _simple(413))
    for again in (ContentionError, BehindError):
        app.add_exception_handler(again, _simple(503, None, {"Retry-After": "1"}))
    app.add_exception_handler(StoreUnavailableError, _unavailable)
    for lost in LOST_CONNECTION:
        app.add_exception_handler(lost, _unavailable)
    app.add_exception_handler(Exception, _unexpected)


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}}},
        "description": TITLES[status],
    }
    for status in (401, 403, 404, 409, 412, 413, 415, 422)
}
"""For `responses=` of a router, so that OpenAPI tells what is answered. By reference: as a model it would be compiled anew for each of
eight statuses of each route, which took a fifth of a start; `describe` adds what is referred to."""


def describe(document: dict[str, Any]) -> None:
    """Add to an OpenAPI document what a problem looks like."""
    _, schemas = models_json_schema([(ProblemDocument, "serialization")], ref_template="#/components/schemas/{model}")
    document.setdefault("components", {}).setdefault("schemas", {}).update(schemas["$defs"])
