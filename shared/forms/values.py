"""What a field can hold: a check per type, and what a filter's text stands for."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import StringConstraints, TypeAdapter, ValidationError

from shared.contracts.fields import MOST_OF_AN_INTEGER, Body, Line
from shared.forms.terms import CustomField
from shared.forms.wording import words

_LINE: TypeAdapter[str] = TypeAdapter(Line)
_MEMO: TypeAdapter[str] = TypeAdapter(Annotated[Body, StringConstraints(max_length=20_000)])
_INTEGER = re.compile(r"-?[0-9]{1,16}")
_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class BadValueError(ValueError):
    """A field cannot hold this; the message says what it can. It never repeats what was given."""


def checked(field: CustomField, given: Any, before: Any = None) -> Any:
    """Return a value as the field keeps it; None: nothing.

    Args:
        field: The field.
        given: What somebody wants it to hold.
        before: What it holds: a choice that was made stays possible when it is offered no more.

    Raises:
        BadValueError: It cannot hold that.
    """
    return None if given is None else _CHECKS[field["type"]](field, given, before)


def _text(field: CustomField, given: Any, before: Any) -> str:
    del before
    line = field["type"] == "text"
    try:
        return (_LINE if line else _MEMO).validate_python(given, strict=True)
    except ValidationError as error:
        most = "one line of at most 500" if line else "text of at most 20,000"
        raise BadValueError(f"must be {most} characters, not blank; null takes it off") from error


def _integer(field: CustomField, given: Any, before: Any) -> int:
    del field, before
    if not isinstance(given, int) or isinstance(given, bool) or abs(given) > MOST_OF_AN_INTEGER:
        raise BadValueError("must be a whole number, such as 42, between -(2^53 - 1) and 2^53 - 1")
    return given


def _decimal(field: CustomField, given: Any, before: Any) -> str:
    """Return the number's one text: without zeros that say nothing."""
    del field, before
    if not isinstance(given, str) or not _DECIMAL.fullmatch(given):
        raise BadValueError('must be a decimal number in quotes, such as "12.5": 15 digits before the point, 10 after')
    text = format(Decimal(given), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def _date(field: CustomField, given: Any, before: Any) -> str:
    del field, before
    if not isinstance(given, str) or not _DATE.fullmatch(given):
        raise BadValueError("must be a day, YYYY-MM-DD")
    try:
        return date.fromisoformat(given).isoformat()
    except ValueError as error:
        raise BadValueError("must be a day that there is, YYYY-MM-DD") from error


def _bool(field: CustomField, given: Any, before: Any) -> bool:
    del field, before
    if not isinstance(given, bool):
        raise BadValueError("must be true or false")
    return given


def _offered(field: CustomField, before: Any) -> list[str]:
    """Return what can be chosen."""
    chosen = before if isinstance(before, list) else [before]
    return [choice["key"] for choice in field["choices"] if choice["active"] or choice["key"] in chosen]


def _choice(field: CustomField, given: Any, before: Any) -> str:
    offered = _offered(field, before)
    if not isinstance(given, str) or given not in offered:
        raise BadValueError(f"must be one of: {', '.join(offered)}")
    return given


def _choices(field: CustomField, given: Any, before: Any) -> list[str] | None:
    offered = _offered(field, before)
    if not isinstance(given, list) or not all(isinstance(one, str) and one in offered for one in given):
        raise BadValueError(f"must be a list of some of: {', '.join(offered)}")
    return [one for one in offered if one in given] or None


_CHECKS: Mapping[str, Callable[[CustomField, Any, Any], Any]] = {
    "text": _text, "memo": _text, "integer": _integer, "decimal": _decimal, "date": _date, "bool": _bool, "choice": _choice,
    "choices": _choices,
}  # fmt: skip


def parsed(field: CustomField, text: str) -> Any:
    """Return the value that a text stands for, in a filter: what `values @> {key: this}` finds.

    Raises:
        BadValueError: The field cannot hold that, or is not filtered by.
    """
    match field["type"]:
        case "memo":
            raise BadValueError("is not filtered by: it holds long words")
        case "bool" if text in {"true", "false"}:
            return text == "true"
        case "integer" if _INTEGER.fullmatch(text):
            return checked(field, int(text))
        case "choice" | "choices":
            known = [choice["key"] for choice in field["choices"]]
            if text not in known:
                raise BadValueError(f"must be one of: {', '.join(known)}")
            return [text] if field["type"] == "choices" else text
        case "text":
            return words(_text(field, text, None))
        case _:
            return checked(field, text)
