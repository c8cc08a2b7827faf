"""What routing's own events say of a ticket, and what it decides with. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.contracts.event import Event
from shared.hours import Hours

ASSIGNED = "ledgerdesk.ticket.assigned"
UNASSIGNED = "ledgerdesk.ticket.unassigned"
TRANSFERRED = "ledgerdesk.ticket.transferred"
RULE_APPLIED = "ledgerdesk.ticket.rule_applied"
REFERRED = "ledgerdesk.ticket.referred"
QUEUED = "ledgerdesk.ticket.queued"
WITHDRAWN = "ledgerdesk.ticket.referral_withdrawn"


@dataclass(frozen=True, slots=True)
class Handling:
    """Who has a ticket, as routing's own events say."""

    agent: str | None = None
    team: str | None = None
    department: str | None = None
    routed: bool = False
    referrals: tuple[tuple[str | None, str | None, str | None], ...] = ()
    """(agent, team, department) who were given sight of it, one of the three each."""
    waits: Mapping[str, Any] | None = None
    """Where it waits for somebody who can have it (`department`, `skills`); None: it does not."""
    fired: frozenset[tuple[str, str, str]] = frozenset()
    """(rule, since, moment) for which rules on time have applied."""


@dataclass(frozen=True, slots=True)
class Config:
    """The routing configuration: entries as they were configured last."""

    agents: Sequence[Mapping[str, Any]] = ()
    departments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    teams: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    topic_routes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rules: Sequence[Mapping[str, Any]] = ()
    hours: Mapping[str, Hours] = field(default_factory=dict)
    """Agent's person id to when he is there; one who is not in it always is."""


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
    organisation: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


def new_ticket(event: Event, organisation: str | None = None) -> NewTicket:
    """Return what routing looks at in a ticket that was just created; `organisation` is the requester's."""
    data, personal = event.data, event.personal or {}
    return NewTicket(
        subject=personal.get("subject", ""), body=personal.get("body", ""), topic=data.get("topic"),
        priority=data.get("priority"), severity=data.get("severity"), channel=data["channel"],
        email=(personal.get("requester") or {}).get("email"), tags=data.get("tags", []), organisation=organisation,
        fields={**data.get("fields", {}), **personal.get("fields", {})},
    )  # fmt: skip


def evolve(state: Handling, event: Event) -> Handling:
    """Fold one of routing's own events of a ticket. Total: any fact in any state."""
    data = event.data
    match event.type:
        case "ledgerdesk.ticket.assigned":
            team = data.get("team") or state.team
            return replace(state, agent=data.get("agent"), team=team, routed=True, waits=None)
        case "ledgerdesk.ticket.unassigned":
            return replace(state, agent=None, team=None, routed=True, waits=None)
        case "ledgerdesk.ticket.transferred":
            return replace(state, department=data.get("department"), routed=True, waits=None)
        case "ledgerdesk.ticket.queued":
            return replace(state, waits={"department": data["department"], "skills": data["skills"]})
        case "ledgerdesk.ticket.referred" | "ledgerdesk.ticket.referral_withdrawn":
            to = (data.get("agent"), data.get("team"), data.get("department"))
            others = tuple(one for one in state.referrals if one != to)
            return replace(state, referrals=(*others, to) if event.type == REFERRED else others)
        case _:
            moment = (data.get("why") or {}).get("moment")
            return (
                replace(state, fired=state.fired | {(data["rule"], moment["since"], moment["anchor"])})
                if moment
                else state
            )
