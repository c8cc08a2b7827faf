"""Who handles a ticket. Pure: the configuration and the agents' load are arguments.

The same arguments give the same decision, with its reasons in the event.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.contracts.event import Event, NewEvent
from shared.refusal import Refusal

ASSIGNED = "ledgerdesk.ticket.assigned"
UNASSIGNED = "ledgerdesk.ticket.unassigned"
TRANSFERRED = "ledgerdesk.ticket.transferred"
RULE_APPLIED = "ledgerdesk.ticket.rule_applied"
REFERRED = "ledgerdesk.ticket.referred"
WITHDRAWN = "ledgerdesk.ticket.referral_withdrawn"
EVERY_TOPIC = "*"
"""The topic route of tickets whose topic has none."""


@dataclass(frozen=True, slots=True)
class Handling:
    """Who has a ticket, as routing's own events say."""

    agent: str | None = None
    team: str | None = None
    department: str | None = None
    routed: bool = False
    referrals: tuple[tuple[str | None, str | None, str | None], ...] = ()
    """(agent, team, department) who were given sight of it, one of the three each."""


@dataclass(frozen=True, slots=True)
class Config:
    """The routing configuration: entries as they were configured last."""

    agents: Sequence[Mapping[str, Any]] = ()
    departments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    teams: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    topic_routes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rules: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class NewTicket:
    """What routing looks at in a new ticket."""

    subject: str
    body: str
    topic: str | None
    priority: str | None
    severity: str | None
    channel: str
    email: str | None
    tags: Sequence[str] = ()


def evolve(state: Handling, event: Event) -> Handling:
    """Fold one of routing's own events of a ticket. Total: any fact in any state."""
    data = event.data
    match event.type:
        case "ledgerdesk.ticket.assigned":
            return replace(state, agent=data.get("agent"), team=data.get("team") or state.team, routed=True)
        case "ledgerdesk.ticket.unassigned":
            return replace(state, agent=None, team=None, routed=True)
        case "ledgerdesk.ticket.transferred":
            return replace(state, department=data.get("department"), routed=True)
        case "ledgerdesk.ticket.referred" | "ledgerdesk.ticket.referral_withdrawn":
            to = (data.get("agent"), data.get("team"), data.get("department"))
            others = tuple(one for one in state.referrals if one != to)
            return replace(state, referrals=(*others, to) if event.type == REFERRED else others)
        case _:
            return state


# -- what people decide ----------------------------------------------------------------------------------------------


def _by_person(reason: str) -> dict[str, Any]:
    return {"by": "person", "reason": reason}


def _holder(state: Handling) -> dict[str, Any]:
    return {"agent": state.agent, "team": state.team}


def _words(message: str | None) -> dict[str, Any] | None:
    return {"message": message} if message else None


def assign(state: Handling, *, agent: str | None, team: str | None, message: str | None) -> list[NewEvent]:
    """Give the ticket to an agent, a team or both.

    Raises:
        Refusal: They have it already.
    """
    if agent == state.agent and (team is None or team == state.team) and agent is not None:
        raise Refusal("The ticket is assigned to this agent already.", field="agent")
    if agent is None and team == state.team and state.agent is None:
        raise Refusal("The ticket is with this team already.", field="team")
    data = {
        "agent": agent, "team": team, "previous": _holder(state), "why": _by_person("assigned by hand"),
    }  # fmt: skip
    return [NewEvent(ASSIGNED, data, _words(message))]


def claim(state: Handling, *, agent: str, message: str | None = None) -> list[NewEvent]:
    """Take the ticket for oneself. Having it already is no mistake.

    Raises:
        Refusal: Another agent has it.
    """
    if state.agent == agent:
        return []
    if state.agent is not None:
        raise Refusal("Another agent has this ticket: use assign to take it over.")
    data = {"agent": agent, "team": state.team, "previous": _holder(state), "why": _by_person("claimed")}
    return [NewEvent(ASSIGNED, data, _words(message))]


def release(state: Handling, *, by: str | None, may_release_others: bool, message: str | None) -> list[NewEvent]:
    """Give the ticket back to its queue.

    Raises:
        Refusal: Nobody has it, or somebody else has.
    """
    if state.agent is None and state.team is None:
        raise Refusal("Nobody has this ticket.")
    if state.agent is not None and state.agent != by and not may_release_others:
        raise Refusal("Another agent has this ticket: only a lead or administrator may release it.", status=403)
    return [
        NewEvent(UNASSIGNED, {"previous": _holder(state), "why": _by_person("released")}, _words(message)),
    ]


def transfer(state: Handling, *, department: str, config: Config, message: str | None) -> list[NewEvent]:
    """Move the ticket to a department; an agent who is not in it gives it up.

    Raises:
        Refusal: It is there already.
    """
    if state.department == department:
        raise Refusal("The ticket is in this department already.", field="department")
    data = {"department": department, "previous": state.department, "why": _by_person("transferred by hand")}
    events = [NewEvent(TRANSFERRED, data, _words(message))]
    holder = next((a for a in config.agents if a["person_id"] == state.agent), None)
    if state.agent is not None and (holder is None or department not in holder["departments"]):
        why = {"by": "policy", "reason": f"the agent does not work in {department}"}
        events.append(NewEvent(UNASSIGNED, {"previous": _holder(state), "why": why}))
    return events


def refer(
    state: Handling, *, agent: str | None, team: str | None, department: str | None, message: str | None
) -> list[NewEvent]:
    """Give somebody sight of the ticket, who does not have it. Twice is once."""
    if (agent, team, department) in state.referrals:
        return []
    return [NewEvent(REFERRED, {"agent": agent, "team": team, "department": department}, _words(message))]


def withdraw(state: Handling, *, agent: str | None, team: str | None, department: str | None) -> list[NewEvent]:
    """Take sight of the ticket away again.

    Raises:
        Refusal: It was not given.
    """
    if (agent, team, department) not in state.referrals:
        raise Refusal("The ticket was not referred there.", status=404)
    return [NewEvent(WITHDRAWN, {"agent": agent, "team": team, "department": department})]


def answered(state: Handling, *, agent: str) -> list[NewEvent]:
    """Give a ticket that nobody has to the agent who answered it."""
    if state.agent is not None:
        return []
    why = {"by": "policy", "reason": "who answers first has it"}
    return [NewEvent(ASSIGNED, {"agent": agent, "team": state.team, "previous": _holder(state), "why": why})]


# -- what rules and policy decide ------------------------------------------------------------------------------------


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "equals": lambda value, wanted: value.lower() == wanted.lower(),
    "contains": lambda value, wanted: wanted.lower() in value.lower(),
    "starts": lambda value, wanted: value.lower().startswith(wanted.lower()),
    "ends": lambda value, wanted: value.lower().endswith(wanted.lower()),
    "matches": lambda value, wanted: re.search(wanted, value, re.IGNORECASE) is not None,
}


def _holds(test: Mapping[str, Any], ticket: NewTicket) -> bool:
    """Whether one test of a rule holds. Unknown operators hold never: a rule must not match by mistake."""
    found = getattr(ticket, test["field"], None)
    values = [str(v) for v in found] if isinstance(found, (list, tuple)) else [str(found or "")]
    op: str = test["op"]
    compare = _OPERATORS.get(op.removeprefix("not_"))
    if compare is None:
        return False
    holds = any(compare(value, str(test["value"])) for value in values)
    return not holds if op.startswith("not_") else holds


def matching_rules(config: Config, ticket: NewTicket) -> list[Mapping[str, Any]]:
    """Return the rules that apply, in their order, up to the first that stops."""
    found = []
    for rule in sorted(config.rules, key=lambda r: (r["order"], r["key"])):
        if not rule.get("active", True) or not rule["tests"]:
            continue
        results = [_holds(test, ticket) for test in rule["tests"]]
        if all(results) if rule.get("match", "all") == "all" else any(results):
            found.append(rule)
            if rule.get("stop", True):
                break
    return found


def _first(rules: Sequence[Mapping[str, Any]], action: str) -> tuple[Any, Mapping[str, Any] | None]:
    for rule in rules:
        if rule["actions"].get(action):
            return rule["actions"][action], rule
    return None, None


def _because(rule: Mapping[str, Any] | None, reason: str) -> dict[str, Any]:
    if rule is None:
        return {"by": "policy", "reason": reason}
    return {"by": "rule", "rule": rule["key"], "rule_version": rule["version"], "reason": reason}


def route(state: Handling, ticket: NewTicket, config: Config, load: Mapping[str, int]) -> list[NewEvent]:
    """Decide on a new ticket: rules first, then the topic's department, then the least loaded agent with the skills.

    Args:
        state: Routing's own state of the ticket; one that somebody has touched already is left alone.
        ticket: What was asked.
        config: Who there is and what the rules say.
        load: Agent's person id -> open tickets.
    """
    if state.routed:
        return []
    rules = matching_rules(config, ticket)
    events = [
        NewEvent(RULE_APPLIED, {"rule": rule["key"], "rule_version": rule["version"], "changes": changes})
        for rule in rules
        if (changes := {k: rule["actions"][k] for k in ("priority", "severity") if rule["actions"].get(k)})
    ]
    department, rule = _first(rules, "department")
    topic = config.topic_routes.get(ticket.topic or EVERY_TOPIC) or config.topic_routes.get(EVERY_TOPIC) or {}
    reason = "the rule says so"
    if department is None:
        department = topic.get("department")
        reason = f"topic {ticket.topic} goes there" if ticket.topic else "tickets without a topic go there"
    if department is not None and config.departments.get(department, {}).get("active", False):
        data = {"department": department, "previous": None, "why": _because(rule, reason)}
        events.append(NewEvent(TRANSFERRED, data))
    else:
        department = None
    events += _pick(rules, topic, department, config, load)
    return events


def _pick(
    rules: Sequence[Mapping[str, Any]], topic: Mapping[str, Any], department: str | None, config: Config,
    load: Mapping[str, int],
) -> list[NewEvent]:  # fmt: skip
    """Pick the agent (or team) for a ticket in a department."""
    nobody = {"agent": None, "team": None}
    team, team_rule = _first(rules, "team")
    agent, agent_rule = _first(rules, "agent")
    if agent is not None and any(a["person_id"] == agent and a.get("active", True) for a in config.agents):
        data = {
            "agent": agent,
            "team": team,
            "previous": nobody,
            "why": _because(agent_rule, "the rule names the agent"),
        }
        return [NewEvent(ASSIGNED, data)]
    if team is not None:
        data = {"agent": None, "team": team, "previous": nobody, "why": _because(team_rule, "the rule names the team")}
        return [NewEvent(ASSIGNED, data)]
    if department is None:
        return []
    skills, _ = _first(rules, "skills")
    needed = list(skills or topic.get("skills") or [])
    candidates = weigh(department, needed, config, load)
    able = [c for c in candidates if "excluded" not in c]
    if not able:
        return []  # it waits in the department's unassigned queue
    best = min(able, key=lambda c: (c["score"], c["agent"]))
    why = {
        "by": "policy", "strategy": "skill_least_load", "candidates": candidates,
        "reason": f"least loaded of {len(able)} in {department}" + (f" with {', '.join(needed)}" if needed else ""),
    }  # fmt: skip
    return [NewEvent(ASSIGNED, {"agent": best["agent"], "team": None, "previous": nobody, "why": why})]


def weigh(department: str, needed: Sequence[str], config: Config, load: Mapping[str, int]) -> list[dict[str, Any]]:
    """Weigh every active agent of a department. Least score wins; `excluded` says why one cannot."""
    weighed = []
    for agent in sorted(config.agents, key=lambda a: str(a["person_id"])):
        if not agent.get("active", True) or department not in agent["departments"]:
            continue
        count = load.get(agent["person_id"], 0)
        missing = [skill for skill in needed if skill not in agent.get("skills", [])]
        candidate: dict[str, Any] = {
            "agent": agent["person_id"], "load": count, "matched_skills": len(needed) - len(missing), "score": count,
        }  # fmt: skip
        if missing:
            candidate["excluded"] = f"lacks {', '.join(missing)}"
        elif agent.get("capacity") and count >= agent["capacity"]:
            candidate["excluded"] = f"is at capacity ({agent['capacity']})"
        weighed.append(candidate)
    return weighed


def configure(
    kind: str, new: dict[str, Any], old: dict[str, Any] | None, personal: dict[str, Any] | None = None,
    old_personal: dict[str, Any] | None = None,
) -> list[NewEvent]:  # fmt: skip
    """Configure a department, team, agent, topic route or rule; nothing, if it is so already."""
    if new == old and (personal or None) == (old_personal or None):
        return []
    return [NewEvent(f"ledgerdesk.{kind}.configured", {"new": new, "old": old}, personal)]
