"""Who of a department can have a ticket, and who gets it. Pure: the same arguments give the same answer, with its reasons.

Strategies of a department:

- `least_loaded`: who has least to do; of those, who was given one longest ago.
- `round_robin`: who was given one longest ago.
- `skill`: who has most of the skills asked for, though not all of them; of those, the least loaded.
- `sticky`: who had the requester's last ticket, if he can; else the least loaded.
- `on_call`: of those who are on call, the least loaded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.routing.domain.state import Config
from shared.contracts.event import rfc3339
from shared.hours import zone_named

LEAST_LOADED = "skill_least_load"
"""The name by which events have always called it."""
STRATEGIES = {
    "least_loaded": LEAST_LOADED, "round_robin": "round_robin", "skill": "skill", "sticky": "sticky", "on_call": "on_call",
}  # fmt: skip
_LACKING = 1000
"""What a missing skill weighs in tickets of load."""
_NOT_THE_LAST = 1_000_000
"""What it weighs not to have had the requester's last ticket."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a decision is made at.

    Attributes:
        at: When; None: whoever has hours is there.
        last: Agent's person id to when he was given a ticket last, RFC 3339.
        before: Who had the requester's last ticket.
    """

    at: datetime | None = None
    last: Mapping[str, str] = field(default_factory=dict)
    before: str | None = None


ANY_TIME = Moment()


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Whether an agent is there.

    Attributes:
        on_shift: He is.
        away_until: The last day, by his zone, of those on which he is not, whatever his shifts say.
        next_shift: When his next shift begins, if he is off; None: never.
    """

    on_shift: bool
    away_until: str | None = None
    next_shift: datetime | None = None


def whereabouts(agent: Mapping[str, Any], config: Config, at: datetime) -> Whereabouts:
    """Return where an agent is at this moment."""
    hours = config.hours.get(agent["person_id"])
    # His own day, also where he has no shifts; held against text, so that no ticket waits for a day that does not exist.
    today = at.astimezone(zone_named(agent.get("zone") or "UTC")).date().isoformat()
    for away in agent.get("away") or ():
        if away["start"] <= today <= away["end"]:
            return Whereabouts(on_shift=False, away_until=away["end"])
    if hours is None or hours.covers(at):
        return Whereabouts(on_shift=True)
    return Whereabouts(on_shift=False, next_shift=hours.next_start(at))


def absence(agent: Mapping[str, Any], config: Config, at: datetime | None) -> str | None:
    """Return why an agent is not there at this moment; None: he is."""
    found = whereabouts(agent, config, at) if at is not None else None
    if found is None or found.on_shift:
        return None
    if found.away_until is not None:
        return f"is away until {found.away_until}"
    return f"is off shift until {rfc3339(found.next_shift)}" if found.next_shift is not None else "is never on shift"


def weigh(
    department: str, needed: Sequence[str], config: Config, load: Mapping[str, int], now: Moment = ANY_TIME
) -> list[dict[str, Any]]:
    """Weigh every active agent of a department. Least score wins; `excluded` says why one cannot."""
    strategy = config.departments.get(department, {}).get("strategy") or "least_loaded"
    there = [
        agent
        for agent in sorted(config.agents, key=lambda a: str(a["person_id"]))
        if agent.get("active", True) and department in agent["departments"]
    ]
    turns = sorted(there, key=lambda a: (now.last.get(a["person_id"], ""), a["person_id"]))
    weighed = []
    for agent in there:
        who = agent["person_id"]
        count = load.get(who, 0)
        missing = [skill for skill in needed if skill not in agent.get("skills", [])]
        candidate: dict[str, Any] = {"agent": who, "load": count, "matched_skills": len(needed) - len(missing)}
        candidate["score"] = {
            "round_robin": turns.index(agent), "skill": count + _LACKING * len(missing),
            "sticky": count + _NOT_THE_LAST * (who != now.before),
        }.get(strategy, count)  # fmt: skip
        reason = _exclusion(agent, strategy, missing, count) or absence(agent, config, now.at)
        weighed.append({**candidate, "excluded": reason} if reason else candidate)
    return weighed


def _exclusion(agent: Mapping[str, Any], strategy: str, missing: Sequence[str], count: int) -> str | None:
    if missing and strategy != "skill":
        return f"lacks {', '.join(missing)}"
    if agent.get("capacity") and count >= agent["capacity"]:
        return f"is at capacity ({agent['capacity']})"
    if strategy == "on_call" and not agent.get("on_call"):
        return "is not on call"
    return None


def best_of(candidates: Sequence[Mapping[str, Any]], now: Moment) -> Mapping[str, Any] | None:
    """Return who gets it: the least score; of equals, who was given one longest ago. None: nobody can."""
    able = [c for c in candidates if "excluded" not in c]
    return min(able, key=lambda c: (c["score"], now.last.get(c["agent"], ""), c["agent"]), default=None)


def on_shift(team: Mapping[str, Any], config: Config, load: Mapping[str, int], now: Moment) -> list[dict[str, Any]]:
    """Weigh a team's members, as an escalation needs them: who is there counts, not his department or capacity."""
    members = set(team["members"])
    return [
        {"agent": agent["person_id"], "load": count, "matched_skills": 0, "score": count}
        | ({"excluded": reason} if (reason := absence(agent, config, now.at)) else {})
        for agent in sorted(config.agents, key=lambda a: str(a["person_id"]))
        if agent["person_id"] in members and agent.get("active", True)
        for count in (load.get(agent["person_id"], 0),)
    ]
