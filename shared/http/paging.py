"""Cursor paging: `{items, next}`; a cursor is where the last page ended, opaque to the client."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel

from shared.http.problems import Problem

T = TypeVar("T")
CursorParameter = Annotated[str | None, Query(max_length=2000, description="`next` of the page before")]
LimitParameter = Annotated[int, Query(ge=1, le=200)]
PAGING = frozenset({"cursor", "limit"})


class Page(BaseModel, Generic[T]):
    """One page of a list. `next` goes into `?cursor=`; null on the last page."""

    items: list[T]
    next: str | None = None


def encode_cursor(values: list[Any]) -> str:
    """Return the cursor that names this place."""
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def decode_cursor(text: str, count: int) -> list[Any]:
    """Return the place a cursor names.

    Raises:
        Problem: 422, it is none of ours.
    """
    try:
        values = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        values = None
    if not isinstance(values, list) or len(values) != count:
        raise no_cursor()
    return values


def no_cursor() -> Problem:
    """Return the answer to a cursor that is none of a list's."""
    return Problem(
        422, "cursor: take it from `next` of the page before.", fields={"cursor": "is no cursor of this list"}
    )


def page_of(
    items: Sequence[T], key: Callable[[T], list[str]], cursor: str | None, limit: int
) -> tuple[list[T], str | None]:
    """Return one page of a list that is short enough to be at hand whole, and the cursor of the next.

    Args:
        items: All of them.
        key: What they are ordered by, two texts; no two have the same.
        cursor: Where the page before ended.
        limit: The most of a page.

    Raises:
        Problem: 422, the cursor is none of this list's.
    """
    ordered = sorted(items, key=key)
    if cursor is not None:
        place = decode_cursor(cursor, 2)
        if not all(isinstance(part, str) for part in place):
            raise no_cursor()
        ordered = [item for item in ordered if key(item) > place]
    page = ordered[:limit]
    return page, encode_cursor(list(key(page[-1]))) if len(ordered) > limit else None
