"""What rules and policy decide of who has a ticket. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.routing.domain.choice import ANY_TIME, STRATEGIES, Moment, absence, best_of, on_shift, weigh
from services.routing.domain.people import holder
from services.routing.domain.rules import OF_ROUTING, applied, because, first, matching_rules, wanted
from services.routing.domain.state import (
    ASSIGNED,
    QUEUED,
    TRANSFERRED,
    UNASSIGNED,
    Config,
    Handling,
    NewTicket,
)
from shared.contracts.directory import EVERY_TOPIC
from shared.contracts.event import NewEvent
from shared.rules import Held

_NOBODY = {"agent": None, "team": None}


def route(
    state: Handling, ticket: NewTicket, config: Config, load: Mapping[str, int], now: Moment = ANY_TIME
) -> list[NewEvent]:
    """Decide on a new ticket: rules first, then the topic's department, then whom its strategy chooses.

    Args:
        state: Routing's own state of the ticket; one that somebody has touched already is left alone.
        ticket: What was asked.
        config: Who there is and what the rules say.
        load: Agent's person id -> open tickets.
        now: When, and what was before.
    """
    if state.routed:
        return []
    rules = matching_rules(config, ticket)
    events = [applied(held, {"when": "created"}) for held in rules if set(wanted(held)) - set(OF_ROUTING)]
    department, rule = first(rules, "department")
    topic = _way_of(ticket.topic, config)
    reason = "the rule says so"
    if department is None:
        department = topic.get("department")
        reason = f"topic {ticket.topic} goes there" if ticket.topic else "tickets without a topic go there"
    if department is not None and config.departments.get(department, {}).get("active", False):
        data = {"department": department, "previous": None, "why": because(rule, reason)}
        events.append(NewEvent(TRANSFERRED, data))
    else:
        department = None
    return events + _pick(rules, topic, department, config, load, now)


def _way_of(topic: str | None, config: Config) -> Mapping[str, Any]:
    """Return where a topic's tickets go, and what who gets them must know."""
    return config.topic_routes.get(topic or EVERY_TOPIC) or config.topic_routes.get(EVERY_TOPIC) or {}


def _pick(
    rules: Sequence[Held], topic: Mapping[str, Any], department: str | None, config: Config,
    load: Mapping[str, int], now: Moment,
) -> list[NewEvent]:  # fmt: skip
    """Pick the agent (or team) for a ticket in a department."""
    team, team_rule, agent, agent_rule = _who_is_there(rules, config)
    if agent is not None:
        why = because(agent_rule, "the rule names the agent")
        return [NewEvent(ASSIGNED, {"agent": agent, "team": team, "previous": _NOBODY, "why": why})]
    if team is not None:
        why = because(team_rule, "the rule names the team")
        return [NewEvent(ASSIGNED, {"agent": None, "team": team, "previous": _NOBODY, "why": why})]
    if department is None:
        return []
    skills, _ = first(rules, "skills")
    return _give(department, list(skills or topic.get("skills") or []), config, load, now)


def _who_is_there(rules: Sequence[Held], config: Config) -> tuple[str | None, Held | None, str | None, Held | None]:
    """Return the team and the agent that rules name, each with its rule; one that is not there (any more) is passed over."""
    agents = {agent["person_id"] for agent in config.agents if agent.get("active", True)}
    teams = {key for key, team in config.teams.items() if team.get("active", True)}
    return *first(rules, "team", teams.__contains__), *first(rules, "agent", agents.__contains__)


def _give(
    department: str, needed: Sequence[str], config: Config, load: Mapping[str, int], now: Moment, *,
    previous: Mapping[str, Any] = _NOBODY, because: str = "",
) -> list[NewEvent]:  # fmt: skip
    """Give it to whom the department's strategy chooses; if nobody can have it, it waits in the department's queue."""
    strategy = config.departments.get(department, {}).get("strategy") or "least_loaded"
    candidates = weigh(department, needed, config, load, now)
    best = best_of(candidates, now)
    why: dict[str, Any] = {"by": "policy", "strategy": STRATEGIES[strategy], "candidates": candidates}
    if best is None:
        why["reason"] = f"nobody in {department} can have it now" if candidates else f"nobody works in {department}"
        return [NewEvent(QUEUED, {"department": department, "skills": list(needed), "why": why})]
    able = sum("excluded" not in c for c in candidates)
    chosen = {
        "least_loaded": "least loaded", "round_robin": "next in turn", "skill": "best match",
        "sticky": "had the requester's last ticket, of" if best["agent"] == now.before else "least loaded", "on_call": "on call, least loaded",
    }[strategy]  # fmt: skip
    link = " " if chosen.endswith(" of") else " of "
    why["reason"] = because + f"{chosen}{link}{able} in {department}" + (f" with {', '.join(needed)}" if needed else "")
    return [NewEvent(ASSIGNED, {"agent": best["agent"], "team": None, "previous": dict(previous), "why": why})]


def handle(
    state: Handling, rules: Sequence[Held], config: Config, load: Mapping[str, int], now: Moment
) -> list[NewEvent]:
    """Let rules decide who handles a ticket that is under way; nothing, if those they name have it.

    An agent who does not work in the department that a rule names, or lacks the skills, gives it up to whom the department's strategy
    chooses.
    """
    department, by = first(rules, "department")
    events = []
    if department == state.department or not config.departments.get(department or "", {}).get("active", False):
        department = None
    else:
        data = {"department": department, "previous": state.department, "why": because(by, "the rule says so")}
        events.append(NewEvent(TRANSFERRED, data))
    named = _named(state, rules, config)
    if named is not None:
        return events + named
    skills, skills_rule = first(rules, "skills")
    where = department or state.department
    by = by if department is not None else skills_rule
    if by is None or where is None or _can_keep(state, where, skills or [], config):
        return events
    given = _give(where, skills or [], config, load, now, previous=holder(state), because=f"rule {by.rule['key']}: ")
    if given[0].type == QUEUED and holder(state) != _NOBODY:
        why = because(by, f"who had it cannot have it in {where}")
        events.append(NewEvent(UNASSIGNED, {"previous": holder(state), "why": why}))
    return events + given


def _named(state: Handling, rules: Sequence[Held], config: Config) -> list[NewEvent] | None:
    """Give it to whom rules name; None: they name nobody who is there."""
    team, team_rule, agent, agent_rule = _who_is_there(rules, config)
    if agent is None and team is None:
        return None
    if team in {None, state.team} and agent in {None, state.agent}:
        return []  # they have it; a team leaves it to its agent
    why = because(agent_rule or team_rule, f"the rule names the {'agent' if agent else 'team'}")
    return [NewEvent(ASSIGNED, {"agent": agent, "team": team, "previous": holder(state), "why": why})]


def _can_keep(state: Handling, department: str, skills: Sequence[str], config: Config) -> bool:
    """Whether who has it works in a department and has these skills."""
    return any(
        a["person_id"] == state.agent and department in a["departments"] and set(skills) <= set(a.get("skills", []))
        for a in config.agents
    )


def take_up(state: Handling, config: Config, load: Mapping[str, int], now: Moment) -> list[NewEvent]:
    """Give a ticket that waits to somebody who can have it by now; nothing, as long as nobody can."""
    if state.waits is None:
        return []
    events = _give(
        state.waits["department"], state.waits["skills"], config, load, now, because="somebody can have it now: "
    )
    return [event for event in events if event.type == ASSIGNED]


def taken_up_again(
    state: Handling, config: Config, load: Mapping[str, int], now: Moment, topic: str | None = None
) -> list[NewEvent]:
    """Decide on a reopened ticket: who had it has it, if he is there; else somebody else of the department, as if it were new.

    What the topic's tickets ask for counts where they go: in another department, people have decided otherwise.
    """
    if state.agent is None:
        return []
    agent = next((a for a in config.agents if a["person_id"] == state.agent and a.get("active", True)), None)
    reason = absence(agent, config, now.at) if agent is not None else "works here no more"
    if reason is None:
        return []
    before = holder(state)
    freed = NewEvent(UNASSIGNED, {"previous": before, "why": {"by": "policy", "reason": f"who had it {reason}"}})
    if state.department is None:
        return [freed]
    way = _way_of(topic, config)
    needed = list(way.get("skills") or []) if way.get("department") == state.department else []
    return [freed, *_give(state.department, needed, config, load, now, because="reopened: ")]


def reassign(
    state: Handling, *, team: str, plan: str, config: Config, load: Mapping[str, int], now: Moment
) -> list[NewEvent]:
    """Give an overdue ticket to the next of a team who is on shift, and does not have it; nothing, if nobody is."""
    entry = config.teams.get(team)
    if entry is None or not entry.get("active", True):
        return []
    candidates = on_shift(entry, config, load, now)
    best = best_of([c for c in candidates if c["agent"] != state.agent], now)
    if best is None:
        return []
    why = {
        "by": "policy", "strategy": "on_call", "candidates": candidates,
        "reason": f"plan {plan} gives it to the next of {team} who is on shift",
    }  # fmt: skip
    return [NewEvent(ASSIGNED, {"agent": best["agent"], "team": team, "previous": holder(state), "why": why})]
