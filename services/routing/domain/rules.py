"""What rules look at in a new ticket, and what those that hold want. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from services.routing.domain.state import RULE_APPLIED, Config, Handling, NewTicket
from shared import rules
from shared.contracts.event import NewEvent
from shared.rules import FIELD, Held, Seen

OF_OTHERS = ("priority", "severity", "add_tags", "remove_tags", "status", "sla", "reply", "escalate", "notify", "watch")
"""Actions on what others own: they make it so. A note is one, too; its words are personal."""
OF_ROUTING = ("department", "agent", "team", "skills")


def seen_of(ticket: NewTicket) -> Seen:
    """Return what rules look at in a new ticket."""
    seen = {slot.name: getattr(ticket, slot.name) for slot in fields(ticket)}
    return {**seen, **{f"{FIELD}{key}": value for key, value in seen.pop("fields").items()}}


def matching_rules(config: Config, ticket: NewTicket) -> list[Held]:
    """Return the rules that hold for a new ticket, in their order, up to the first that stops.

    One that refuses is the door's business: a ticket that is open has been let in.
    """
    asked = [rule for rule in rules.asked(config.rules, "created") if not rule["actions"].get("reject")]
    return rules.matching(asked, seen_of(ticket))


def first(
    held: Sequence[Held], action: str, is_there: Callable[[Any], bool] = lambda _: True
) -> tuple[Any, Held | None]:
    """Return what the first rule that says something of this action says, and the rule. Who is not there is passed over."""
    for one in held:
        said = one.rule["actions"].get(action)
        if said and is_there(said):
            return said, one
    return None, None


def because(held: Held | None, reason: str) -> dict[str, Any]:
    """Return why something is done: a rule says so, or else the desk's policy."""
    if held is None:
        return {"by": "policy", "reason": reason}
    return {
        "by": "rule", "rule": held.rule["key"], "rule_version": held.rule["version"], "reason": reason, "tests": held.named,
    }  # fmt: skip


def wanted(held: Held) -> dict[str, Any]:
    """Return what a rule that holds wants, without the words of its note."""
    actions: Mapping[str, Any] = held.rule["actions"]
    changes = {name: actions[name] for name in (*OF_OTHERS, *OF_ROUTING) if actions.get(name)}
    return changes | ({"note": True} if actions.get("note") else {})


def applied(held: Held, why: Mapping[str, Any], at: datetime | None = None) -> NewEvent:
    """Say that a rule has applied, and what it wants. `why` has at least `when`; the tests that held are added. `at`: see `NewEvent`."""
    data = {
        "rule": held.rule["key"], "rule_version": held.rule["version"], "changes": wanted(held), "why": {**why, "tests": held.named},
    }  # fmt: skip
    note = held.rule["actions"].get("note")
    return NewEvent(RULE_APPLIED, data, {"note": note} if note else None, at)


def come_true(state: Handling, held: Held, why: Mapping[str, Any], at: datetime | None) -> list[NewEvent]:
    """Let a rule on time apply; nothing, if it has for this moment, in whatever version."""
    moment = why["moment"]
    if (held.rule["key"], moment["since"], moment["anchor"]) in state.fired:
        return []
    return [applied(held, why, at)]
