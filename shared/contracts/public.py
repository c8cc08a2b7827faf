"""What a requester may see of what happens on his ticket: never notes, routing or its reasons. One list, for every door."""

from shared.contracts.event import Event

PUBLIC = frozenset(
    {
        "created", "message_received", "replied", "auto_replied", "resolved", "closed", "reopened", "held", "resumed", "started", "rated",
        "merged", "unmerged",
    }
)  # fmt: skip


def is_public(event: Event) -> bool:
    """Whether the requester may see it: a correction is as public as what it corrects."""
    return (
        event.name == "message_edited" or (event.data.get("kind") if event.name == "edited" else event.name) in PUBLIC
    )
