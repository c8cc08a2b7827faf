"""Types of single fields, shared by event payloads and HTTP bodies, so that a value refused at one door is refused at all."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

Priority = Literal["low", "normal", "high", "emergency"]
Severity = Literal["Sev-A", "Sev-B", "Sev-C"]
Status = Literal["new", "open", "on_hold", "resolved", "closed", "merged"]
Forgotten = Literal["asked", "retention", "mistake", "other"]
"""Why personal data is erased: the person asked for it, its time is over, it should never have been stored."""
Role = Literal["requester", "agent", "lead", "analyst", "administrator", "system"]

MOST_OF_AN_INTEGER = 2**53 - 1
"""Beyond it a number has no one text in JSON, and so no hash (RFC 8785)."""
EARLIEST_YEAR, LATEST_YEAR = 1900, 2200
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,190}")


def _storable(text: str) -> str:
    """Refuse what PostgreSQL's text and jsonb cannot hold; better a clear 422 here than an error there."""
    if "\x00" in text:
        raise ValueError("must not contain the NUL character")
    return text


def _in_reach(moment: datetime) -> datetime:
    """Refuse what becomes no date once it is moved to UTC, or none that a desk ever saw."""
    if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise ValueError(f"must lie between {EARLIEST_YEAR} and {LATEST_YEAR}")
    return moment


def _said(text: str) -> str:
    """Words of white space alone say nothing."""
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def _email(text: str) -> str:
    """An address is compared in lower case. Deliverability is the mail server's business, not ours."""
    text = text.strip().lower()
    if not _EMAIL.fullmatch(text):
        raise ValueError("must be an e-mail address such as ken@example.org")
    return text


Moment = Annotated[AwareDatetime, AfterValidator(_in_reach)]
"""A time with its zone."""
SaidMoment = Annotated[Moment, Field(strict=False)]
"""The same in what people send: strict JSON has no times, only text that says one."""
Text = Annotated[str, AfterValidator(_storable)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(_storable)]
Body = Annotated[
    str, StringConstraints(min_length=1, max_length=100_000), AfterValidator(_storable), AfterValidator(_said)
]
Key = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_storable)]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60), AfterValidator(_storable)]
Email = Annotated[str, StringConstraints(max_length=254), AfterValidator(_email)]
FieldKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]
"""A custom field's name in requests and events: `field.KEY` in filters, conditions and rules."""
FieldValue = (
    bool
    | Annotated[int, Field(ge=-MOST_OF_AN_INTEGER, le=MOST_OF_AN_INTEGER)]
    | Key
    | Annotated[list[Key], Field(max_length=200)]
)
"""What a custom field holds, but for words: those are personal. A decimal or a date is text; no floats."""
Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]


def attached(files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the personal part of an event says of the files that go with its words; nothing of none."""
    return {"attachments": [dict(one) for one in files]} if files else {}


class Strict(BaseModel):
    """A model that takes the JSON types it names and no unknown field."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
