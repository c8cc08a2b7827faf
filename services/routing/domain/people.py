"""What people decide of who has a ticket. Pure."""

from typing import Any

from services.routing.domain.state import ASSIGNED, REFERRED, TRANSFERRED, UNASSIGNED, WITHDRAWN, Config, Handling
from shared.contracts.event import NewEvent
from shared.refusal import Refusal


def _by_person(reason: str) -> dict[str, Any]:
    return {"by": "person", "reason": reason}


def holder(state: Handling) -> dict[str, Any]:
    """Return who has it, as events say."""
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
        "agent": agent, "team": team, "previous": holder(state), "why": _by_person("assigned by hand"),
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
    data = {"agent": agent, "team": state.team, "previous": holder(state), "why": _by_person("claimed")}
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
        NewEvent(UNASSIGNED, {"previous": holder(state), "why": _by_person("released")}, _words(message)),
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
    had = next((a for a in config.agents if a["person_id"] == state.agent), None)
    if state.agent is not None and (had is None or department not in had["departments"]):
        why = {"by": "policy", "reason": f"the agent does not work in {department}"}
        events.append(NewEvent(UNASSIGNED, {"previous": holder(state), "why": why}))
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
    return [NewEvent(ASSIGNED, {"agent": agent, "team": state.team, "previous": holder(state), "why": why})]
