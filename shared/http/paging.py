"""Cursor paging: `{items, next}`; a cursor is where the last page ended, opaque to the client."""

import base64
import binascii
from typing import Any, Generic, TypeVar

import orjson
from pydantic import BaseModel

from shared.http.problems import Problem

T = TypeVar("T")


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
        raise Problem(
            422, "cursor: take it from `next` of the page before.", fields={"cursor": "is no cursor of this list"}
        )
    return values
