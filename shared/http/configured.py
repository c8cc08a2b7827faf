"""If-Match of configuration: an entry is changed only if it is still what its author read.

A section that is put with If-Match holds one entry; its version is that of the entry's stream, 0 where there is none yet.
"""

from typing import Annotated

from fastapi import Depends, Header
from pydantic import BaseModel

from shared.http.problems import Problem

_MOST_DIGITS = 9


def entry_version(
    if_match: Annotated[str | None, Header(alias="If-Match", max_length=20, description="The entry's version as you read it")] = None,
) -> int | None:  # fmt: skip
    """Return the version that the caller decided on; None when he does not say.

    Raises:
        Problem: 422, it is none.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    bare = if_match.strip().strip('"')
    if not (bare.isascii() and bare.isdecimal() and len(bare) <= _MOST_DIGITS):
        raise Problem(
            422, "If-Match must be the version of the entry's stream.", fields={"If-Match": "must be a number, 0 for a new entry"}
        )  # fmt: skip
    return int(bare)


EntryVersion = Annotated[int | None, Depends(entry_version)]


def need_one_entry(body: BaseModel, version: int | None, *beside: str) -> None:
    """See to it that a version is one entry's: a section that is put with If-Match holds nothing else.

    Args:
        body: The section.
        version: Of If-Match.
        beside: Parts of the section that are no entries.

    Raises:
        Problem: 422.
    """
    if version is None:
        return
    parts = [getattr(body, name) for name in type(body).model_fields if name not in beside]
    if sum(len(part) if isinstance(part, list) else part is not None for part in parts) != 1:
        raise Problem(
            422, "With If-Match, a section holds one entry.", fields={"If-Match": "is for a section of one entry: put others by themselves"}
        )  # fmt: skip
