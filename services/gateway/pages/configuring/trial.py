"""A rule tried on past tickets, before it is saved."""

from collections.abc import Mapping
from typing import Any

from services.gateway.pages.client import ApiProblem
from services.gateway.pages.language import _
from services.gateway.pages.render import inside, words
from services.gateway.pages.visit import Visit

PATIENCE = 120.0
"""Seconds that a trial may take: it plays every ticket of the period again."""


async def trial_of(visit: Visit, rule: Mapping[str, Any], period: Mapping[str, str]) -> dict[str, Any]:
    """Return how past tickets would have been handled under a rule, and how they are without it.

    Raises:
        ApiProblem: The rule cannot hold, or the API refused.
    """
    body: dict[str, Any] = {"rules": [rule]}
    for name, part in (("start", "from"), ("end", "to")):
        if period.get(part):
            body[name] = f"{period[part]}T00:00:00Z"
    try:
        found: dict[str, Any] = await visit.api.post("/internal/rules/try", body, patience=PATIENCE)
    except ApiProblem as problem:
        if not problem.fields:
            raise
        raise ApiProblem(problem.status, problem.title, problem.detail, _named(problem.fields)) from problem
    for ticket in found["items"]:
        ticket["was"], ticket["would"] = _said(ticket["now"]), _said(ticket["then"])
    return found


def _named(fields: Mapping[str, str]) -> dict[str, str]:
    """Return messages with the period's fields called as they are on the page."""
    called = {"start": "from", "end": "to", "body.start": "from", "body.end": "to"}
    return {called.get(place, place): message for place, message in fields.items()}


def _said(outcome: Mapping[str, Any]) -> list[str]:
    """Return what rules make of a ticket, in words."""
    if outcome["rejected"]:
        return [_("refused by %(rule)s", rule=outcome["rejected"])]
    names = ("department", "team", "agent", "priority", "severity")
    told = [f"{words(name)}: {outcome[name]}" for name in names if outcome[name]]
    if outcome["rules"]:
        told.append(_("Rules: %(rules)s", rules=", ".join(outcome["rules"])))
    for one in outcome["later"]:
        wants = ", ".join(f"{words(name)} {_text(value)}" for name, value in one["wants"].items() if value)
        told.append(
            _("Then %(rule)s (%(when)s): %(changes)s", rule=one["rule"], when=inside(one["when"]), changes=wants)
        )
    return told or [_("as policy has it")]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is True else str(value)
