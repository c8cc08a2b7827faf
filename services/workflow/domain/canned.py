"""Canned replies: texts with places that a ticket fills in. Pure.

Substitution and nothing else: no loop, condition or filter that somebody could make run for ever, or look behind. What is filled in is
never looked at again, so a requester who calls himself `{{agent.name}}` is called that.
"""

import re
import string
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

VARIABLES = {
    "ticket.number": "its number",
    "ticket.subject": "its subject",
    "ticket.topic": "the name of its topic",
    "requester.name": "who asks: name, or address",
    "requester.email": "the address of who asks",
    "organisation.name": "the customer that the requester belongs to",
    "department.name": "where the ticket is",
    "agent.name": "who answers; by a rule: who has the ticket",
}
"""What there is to fill in."""
LONGEST = 10_000
"""Characters of a canned reply."""


class _Text(string.Template):
    """`{{name.part}}`; `{{{{` stands for the two braces themselves."""

    delimiter = "{{"
    flags = re.VERBOSE
    pattern = r"""
        \{\{ (?: (?P<escaped> \{\{ ) | [ ]* (?P<braced> [a-z]+ (?: \. [a-z_]+ )* ) [ ]* \}\} | (?P<named> (?!) ) | (?P<invalid>) )
    """  # type: ignore[assignment] # the class makes a pattern of it


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with what there was to fill in; what there was not stands in it as its variable, and is named in `missing`."""

    text: str
    missing: Sequence[str]


def named_in(text: str) -> frozenset[str]:
    """Return the variables of a text."""
    return frozenset(_Text(text).get_identifiers())


def fault(text: str) -> str | None:
    """Return what is wrong with a text that is to be configured, and the remedy; None: nothing."""
    template = _Text(text)
    if not template.is_valid():
        return "has a {{ that begins no variable: write {{name.part}}, or {{{{ for the braces themselves"
    unknown = [name for name in template.get_identifiers() if name not in VARIABLES]
    if unknown:
        named = ", ".join(f"{{{{{name}}}}}" for name in unknown)
        return f"has unknown variables: {named}; there are {', '.join(VARIABLES)}"
    return None


def fill(text: str, values: Mapping[str, str | None]) -> Filled:
    """Fill a text in. Total: what is no variable, or has no value, stays as it is."""
    known = {name: value for name, value in values.items() if value}
    template = _Text(text)
    missing = [name for name in template.get_identifiers() if name not in known]
    return Filled(template.safe_substitute(known), missing)


def usable(entry: Mapping[str, Any], departments: Collection[str] | None, within: Mapping[str, str | None]) -> bool:
    """Whether somebody of these departments (None: of all) may answer with it.

    Args:
        entry: The canned reply; without departments, it is for everybody.
        departments: Whose.
        within: Each department's parent: what is for a department is for those within it, too.
    """
    if not entry.get("active", True):
        return False
    if departments is None or not entry["departments"]:
        return True
    for one in departments:
        department: str | None = one
        seen: set[str] = set()
        while department is not None and department not in seen:  # a ring of parents ends, too
            if department in entry["departments"]:
                return True
            seen.add(department)
            department = within.get(department)
    return False
