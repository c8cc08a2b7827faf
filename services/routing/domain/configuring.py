"""Configuration of who handles tickets. Pure."""

from typing import Any

from shared.contracts.event import NewEvent


def configure(
    kind: str, new: dict[str, Any], old: dict[str, Any] | None, personal: dict[str, Any] | None = None,
    old_personal: dict[str, Any] | None = None,
) -> list[NewEvent]:  # fmt: skip
    """Configure a department, team, agent, topic route or rule; nothing, if it is so already."""
    if new == old and (personal or None) == (old_personal or None):
        return []
    return [NewEvent(f"ledgerdesk.{kind}.configured", {"new": new, "old": old}, personal)]
