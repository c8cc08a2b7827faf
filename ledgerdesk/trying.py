"""`ledgerdesk rules try`: what past tickets would have got under other rules. Nothing is changed.

Each ticket is decided as it was when it was created, with the departments, topics and people of that day as they are now, and
nobody having anything to do: what differs is the rules' doing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from ledgerdesk.client import checked_text
from ledgerdesk.organisation import OrganisationFile
from ledgerdesk.rule_entries import RuleEntry, in_order
from services.routing import domain
from services.routing.domain import Config, Handling, Moment
from shared.contracts.event import Event, from_feed_line

PAGE = 2000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What rules make of a ticket: which apply, where it goes, and what they set."""

    rules: Sequence[str] = ()
    department: str | None = None
    agent: str | None = None
    team: str | None = None
    priority: str | None = None
    severity: str | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """A ticket under the rules as they are, and under the others."""

    number: str
    subject: str
    now: Outcome
    then: Outcome


def created(client: httpx.Client, start: datetime | None, end: datetime | None) -> Iterator[Event]:
    """Yield the tickets' creations of a time, oldest first, with the words they have still."""
    after = 0
    while True:
        text = checked_text(client.get("/internal/intake/events", params={"after": after, "limit": PAGE}))
        events = [from_feed_line(line.encode()) for line in text.splitlines() if line]
        for event in events:
            inside = (start is None or event.occurred_at >= start) and (end is None or event.occurred_at < end)
            if event.name == "created" and inside:
                yield event
        if len(events) < PAGE:
            return
        after = events[-1].position


def config_of(file: OrganisationFile, rules: Sequence[RuleEntry]) -> Config:
    """Return what is decided with: people by login."""
    agents = [
        {
            "person_id": p.login or p.email, "departments": p.departments, "skills": p.skills, "capacity": 0, "active": p.active,
        }
        for p in file.people
        if p.departments
    ]  # fmt: skip
    routes = {t.key: {"topic": t.key, "department": t.department, "skills": t.skills} for t in file.topics}
    return Config(
        agents=agents, departments={d.key: d.model_dump() for d in file.departments},
        teams={t.key: t.model_dump() for t in file.teams},
        topic_routes=routes | {"*": {"topic": "*", "department": file.default_department, "skills": []}},
        rules=[rule.model_dump() | {"version": 0} for rule in in_order(rules)],
    )  # fmt: skip


def outcome(event: Event, config: Config) -> Outcome:
    """Return what a configuration makes of a ticket."""
    ticket = domain.new_ticket(event)
    found: dict[str, Any] = {}
    for decided in domain.route(Handling(), ticket, config, {}, Moment(event.occurred_at)):
        if decided.type.endswith(".transferred"):
            found["department"] = decided.data["department"]
        elif decided.type == domain.ASSIGNED:
            found |= {name: decided.data[name] for name in ("agent", "team")}
        elif "changes" in decided.data:
            found = {**decided.data["changes"], **found}  # the first rule that says something has its way
    return Outcome(tuple(held.rule["key"] for held in domain.matching_rules(config, ticket)), **found)


def try_rules(
    events: Iterator[Event], file: OrganisationFile, rules: Sequence[RuleEntry]
) -> tuple[int, list[Tried], Mapping[str, int]]:
    """Return how many tickets there were, those that differ, and how many each of the new rules applies to."""
    now, then = config_of(file, file.rules), config_of(file, rules)
    counts = {rule.key: 0 for rule in rules}
    looked, differing = 0, []
    for event in events:
        looked += 1
        before, after = outcome(event, now), outcome(event, then)
        for key in after.rules:
            counts[key] += 1
        if before != after:
            subject = (event.personal or {}).get("subject", "(erased)")
            differing.append(Tried(event.data["number"], subject, before, after))
    return looked, differing, counts
