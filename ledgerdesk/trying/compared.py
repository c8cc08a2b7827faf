"""Past tickets under the rules in force, and under others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledgerdesk.trying.desk import TriedDesk
from ledgerdesk.trying.history import History
from ledgerdesk.trying.simulation import APPLIED, Fired, play
from services.routing import domain


@dataclass(frozen=True, slots=True)
class Later:
    """A rule that applied to a ticket under way."""

    rule: str
    when: str
    at: str
    wants: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What rules make of a ticket.

    Attributes:
        rejected: The rule that refuses it; then there is nothing else.
        rules: Those that apply when it is created; where it goes then, and what they set.
        later: Those that apply to it afterwards, in their order.
    """

    rejected: str | None = None
    rules: Sequence[str] = ()
    department: str | None = None
    agent: str | None = None
    team: str | None = None
    priority: str | None = None
    severity: str | None = None
    later: Sequence[Later] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """A ticket under the rules as they are, and under the others."""

    number: str
    subject: str
    now: Outcome
    then: Outcome


def outcome(history: History, desk: TriedDesk, until: datetime) -> Outcome:
    """Return what a desk's rules make of a ticket; agents by login."""
    played, who = play(history, desk, until), desk.entries.who
    if played.rejected is not None:
        return Outcome(played.rejected)
    found: dict[str, Any] = {}
    for decided in played.routed:
        if decided.type.endswith(".transferred"):
            found["department"] = decided.data["department"]
        elif decided.type == domain.ASSIGNED:
            found |= {"agent": who(decided.data["agent"]), "team": decided.data["team"]}
        elif decided.type == APPLIED:
            levels = {name: decided.data["changes"].get(name) for name in ("priority", "severity")}
            found = {
                **{name: level for name, level in levels.items() if level},
                **found,
            }  # the first that says one has its way
    new = [fired.rule for fired in played.fired if fired.when == "created"]
    later = [_later(fired, desk) for fired in played.fired if fired.when != "created"]
    return Outcome(None, new, later=later, **found)


def _later(fired: Fired, desk: TriedDesk) -> Later:
    wants = dict(fired.wants)
    for name in ("watch", "notify"):
        if name in wants:
            wants[name] = desk.entries.whom(wants[name])
    if "agent" in wants:
        wants["agent"] = desk.entries.who(wants["agent"])
    return Later(fired.rule, fired.when, fired.at.isoformat(), wants)


def try_rules(
    histories: Sequence[History], now: TriedDesk, then: TriedDesk, until: datetime
) -> tuple[list[Tried], Mapping[str, int]]:
    """Return the tickets that differ, and to how many each of the other rules applies."""
    counts = {rule["key"]: 0 for rule in then.config.rules}
    differing = []
    for history in histories:
        before, after = outcome(history, now, until), outcome(history, then, until)
        for key in {*after.rules, *(one.rule for one in after.later), *([after.rejected] if after.rejected else [])}:
            counts[key] += 1
        if before != after:
            subject = (history.created.personal or {}).get("subject", "(erased)")
            differing.append(Tried(history.created.data["number"], subject, before, after))
    return differing, counts
