"""Mutants: a function with one line changed, to prove that a test notices the line is missing."""

import inspect
import textwrap
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def changed(text: str, *replacements: tuple[str, str]) -> str:
    """Return the text with each of these pieces replaced once.

    Raises:
        AssertionError: A piece is not there exactly once: what was to be mutated has moved.
    """
    for old, new in replacements:
        if text.count(old) != 1:
            raise AssertionError(f"expected once, found {text.count(old)} times: {old!r}")
        text = text.replace(old, new)
    return text


def mutant(function: F, *replacements: tuple[str, str]) -> F:
    """Return the function compiled anew with pieces of its source replaced; the original stays as it is."""
    source = changed(textwrap.dedent(inspect.getsource(function)), *replacements)
    scope: dict[str, Any] = dict(function.__globals__)
    exec(compile(source, f"<mutant of {function.__name__}>", "exec"), scope)  # noqa: S102 -- our own source, one line changed
    result: F = scope[function.__name__]
    return result
