"""What rules look at in a new ticket, and what those that hold want. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from services.routing.domain.state import RULE_APPLIED, Config, NewTicket
from shared import rules
from shared.contracts.event import NewEvent
from shared.rules import FIELD, Held, Seen

OF_OTHERS = ("priority", "severity", "add_tags", "remove_tags", "status", "sla", "escalate", "notify", "watch")
"""Actions on what others own: they make it so. A note is one, too; its words are personal."""


def seen_of(ticket: NewTicket) -> Seen:
    """Return what rules look at in a new ticket."""
    slots = asdict(ticket)
    return {**slots, **{f"{FIELD}{key}": value for key, value in slots.pop("fields").items()}}


def matching_rules(config: Config, ticket: NewTicket) -> list[Held]:
    """Return the rules that hold for a new ticket, in their order, up to the first that stops.

    One that refuses is the door's business: a ticket that is open has been let in.
    """
    asked = [rule for rule in config.rules if not rule["actions"].get("reject")]
    return rules.matching(asked, seen_of(ticket))


def first(held: Sequence[Held], action: str) -> tuple[Any, Held | None]:
    """Return what the first rule that says something of this action says, and the rule."""
    for one in held:
        if one.rule["actions"].get(action):
            return one.rule["actions"][action], one
    return None, None


def because(held: Held | None, reason: str) -> dict[str, Any]:
    """Return why something is done: a rule says so, or else the desk's policy."""
    if held is None:
        return {"by": "policy", "reason": reason}
    return {
        "by": "rule", "rule": held.rule["key"], "rule_version": held.rule["version"], "reason": reason, "tests": held.named,
    }  # fmt: skip


def applied(held: Held, when: str) -> list[NewEvent]:
    """Say that a rule wants something of others; nothing, if it does not."""
    actions: Mapping[str, Any] = held.rule["actions"]
    changes = {name: actions[name] for name in OF_OTHERS if actions.get(name)}
    words = {"note": actions["note"]} if actions.get("note") else None
    if words is not None:
        changes["note"] = True
    if not changes:
        return []
    data = {
        "rule": held.rule["key"], "rule_version": held.rule["version"], "changes": changes,
        "why": {"when": when, "tests": held.named},
    }  # fmt: skip
    return [NewEvent(RULE_APPLIED, data, words)]
