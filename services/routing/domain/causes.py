"""Which events may make rules hold: what people and other systems have done, never what a rule has. Pure.

Whoever reacts to an event writes for who caused it: a rule's wish is carried out in the rule's name, the reopening that a customer's
message brings in the customer's. So an event's actor tells what stands at the beginning of the chain, and two rules
cannot keep each other going. What the desk does by itself (routing's choice, service levels, ends of holds, silence) fires none either.
"""

from collections.abc import Mapping

from shared.contracts.event import Event

_STATUS = dict.fromkeys(
    ("started", "held", "resumed", "resolved", "closed", "reopened", "unmerged"), frozenset({"status"})
)
_CHANGES: Mapping[str, frozenset[str]] = {
    **_STATUS, "transferred": frozenset({"department"}), "assigned": frozenset({"assignment"}),
    "unassigned": frozenset({"assignment"}), "tagged": frozenset({"tags"}), "fields_changed": frozenset({"fields"}),
}  # fmt: skip
_WHEN = {
    "created": "created", "message_received": "message", "replied": "replied", "prioritised": "updated",
    **dict.fromkeys(_CHANGES, "updated"),
}  # fmt: skip
CAUSES = frozenset(_WHEN) - {"created"}
"""Names of the events that may make a rule hold, but for the first of a ticket."""
CAUSING = frozenset(f"ledgerdesk.ticket.{name}" for name in CAUSES)
"""Their types."""


def by_rule(event: Event) -> bool:
    """Whether a rule did it."""
    return event.actor["kind"] == "rule" or event.name == "rule_applied"


def by_somebody(event: Event) -> bool:
    """Whether a person did it, or another system; not a rule, not the desk by itself, and not in an imported log."""
    if event.origin is not None or by_rule(event):
        return False
    return event.actor["kind"] == "person" or event.via["kind"] in {"key", "ingress"}


def when_of(event: Event) -> str | None:
    """Return which rules an event asks: those for new tickets, for changes, for messages or for replies. None: none."""
    return _WHEN.get(event.name) if by_somebody(event) and not event.data.get("again") else None


def kinds_of(event: Event) -> frozenset[str]:
    """Return what an event changes, as rules name it."""
    if event.name == "prioritised":
        before = event.data.get("previous") or {}
        return frozenset(
            name for name in ("priority", "severity") if event.data.get(name) and event.data[name] != before.get(name)
        )
    return _CHANGES.get(event.name, frozenset())
