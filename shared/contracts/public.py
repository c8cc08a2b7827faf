"""What a requester may see of what happens on his ticket: never notes, routing or its reasons. One list, for every door."""

from shared.contracts.erasing import ERASURES, blanks
from shared.contracts.event import Event

PUBLIC = frozenset(
    {
        "created", "message_received", "replied", "auto_replied", "resolved", "closed", "reopened", "held", "resumed", "started", "rated",
        "merged", "unmerged",
    }
)  # fmt: skip


def is_public(event: Event) -> bool:
    """Whether the requester may see it: a correction is as public as what it corrects, and so is what blanks it."""
    if event.type in ERASURES:
        return any(blanks(event, name) for name in PUBLIC)
    if event.name == "edited":
        return event.data.get("kind") in PUBLIC
    return event.name in PUBLIC or event.name == "message_edited"
