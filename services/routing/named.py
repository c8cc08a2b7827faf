"""What entries of the routing configuration name: departments and teams that must be there, or nobody is ever given a ticket by it."""

from typing import TYPE_CHECKING

from shared.contracts.ids import directory_id
from shared.http.problems import Problem

if TYPE_CHECKING:
    from services.routing.api import RoutingApp
    from services.routing.organisation import RoutingSection


async def departments_there(body: "RoutingSection", routing: "RoutingApp") -> set[str]:
    """Return the departments that there are, of the section or configured before."""
    named = {entry.parent for entry in body.departments} | {route.department for route in body.topic_routes}
    named |= {rule.actions.department for rule in body.rules}
    named |= {key for agent in body.agents for key in (*agent.departments, *agent.roles)}
    return await _there("department", {entry.key for entry in body.departments}, named, routing)


async def teams_there(body: "RoutingSection", routing: "RoutingApp") -> set[str]:
    """Return the teams that there are, likewise."""
    named = {rule.actions.team for rule in body.rules}
    return await _there("team", {entry.key for entry in body.teams}, named, routing)


async def _there(kind: str, given: set[str], named: set[str | None], routing: "RoutingApp") -> set[str]:
    """Return the keys of a kind's entries. What is named and not heard of yet is looked for in routing's own store, which says who is."""
    there = given | {entry["key"] for entry in await routing.directory.entries(kind)}
    for key in named - there - {None}:
        events, _ = await routing.entries.store.load(directory_id(kind, str(key)))
        there |= {str(key)} if events else set()
    return there


def need_names(body: "RoutingSection", departments: set[str], teams: set[str]) -> None:
    """See to it that rules and topics lead to what there is.

    Raises:
        Problem: 422, naming each place.
    """
    places = {f"topic_routes.{route.topic}.department": (route.department, departments) for route in body.topic_routes}
    for rule in body.rules:
        places[f"rules.{rule.key}.actions.department"] = (rule.actions.department, departments)
        places[f"rules.{rule.key}.actions.team"] = (rule.actions.team, teams)
    wrong = {
        place: f"there is no {place.rpartition('.')[2]} {key!r}; it must be one of: {', '.join(sorted(there)[:50]) or '(there is none)'}"
        for place, (key, there) in places.items()
        if key is not None and key not in there
    }
    if wrong:
        raise Problem(422, "; ".join(f"{place}: {what}" for place, what in wrong.items()) + ".", fields=wrong)
