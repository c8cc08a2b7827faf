"""Words among values: tagged where they are kept, so that they can be blanked and still be known to have been there."""

from collections.abc import Callable, Mapping
from typing import Any

from shared.forms.terms import Form, Values

WORDED = frozenset({"text", "memo"})
ERASED = "(erased)"
"""How words are shown that are blank."""


def words(text: str | None, **more: Any) -> dict[str, Any]:
    """Return words as they are kept beside other values; None: they are blank."""
    return {"words": text, **more}


def is_words(value: Any) -> bool:
    """Whether a value that was kept is words."""
    return isinstance(value, Mapping)


def blank(values: Values, which: Callable[[Mapping[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
    """Return values without their words, or without those of which `which` holds."""
    return {
        key: {**value, "words": None} if is_words(value) and which(value) else value for key, value in values.items()
    }


def bare(value: Any) -> Any:
    """Return a value without its tag; None, if it is words that are blank."""
    return value["words"] if is_words(value) else value


def plain(values: Values) -> dict[str, Any]:
    """Return values as they are read."""
    return {key: ERASED if is_words(value) and value["words"] is None else bare(value) for key, value in values.items()}


def as_opened(data: Mapping[str, Any], personal: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what a ticket was opened with, by the two parts of `created`; words are tagged."""
    said = (personal or {}).get("fields") or {}
    return {**data.get("fields", {}), **{key: words(said.get(key)) for key in data.get("worded", [])}}


def parted(form: Form, values: Values) -> tuple[dict[str, Any], dict[str, str]]:
    """Return values that are no words, and words."""
    worded = {field["key"] for field in form if field["type"] in WORDED}
    return (
        {key: value for key, value in values.items() if key not in worded},
        {key: value for key, value in values.items() if key in worded},
    )
