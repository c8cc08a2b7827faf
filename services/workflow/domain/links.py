"""Tags, and how tickets hang together: links, merging and unmerging. Pure.

A link is one fact, on the ticket that says it; the other side is shown, not written. So is a merge: what is merged keeps its
own stream, the other one shows it as part of itself, and unmerging takes nothing apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.workflow.domain.state import Life, fact, named, start
from shared.contracts.event import Event, NewEvent
from shared.refusal import Refusal

INVERSE = {"parent": "child", "child": "parent", "duplicate": "duplicated", "related": "related"}
"""How a link reads from its other end. "A has parent B" reads "B has child A"."""


def tagged(state: Life, event: Event) -> Life:
    """Fold tags that were put on and taken off."""
    changes = dict.fromkeys(event.data["added"], True) | dict.fromkeys(event.data["removed"], False)
    return replace(state, tags={**state.tags, **changes})


def linking(state: Life, event: Event) -> Life:
    """Fold a link, or its end."""
    link = {(event.data["kind"], event.data["other"])}
    return replace(state, links=state.links | link if event.name == "linked" else state.links - link)


def merging(state: Life, event: Event) -> Life:
    """Fold a merge, or its undoing."""
    if event.name == "merged":
        again = state.merged_into is not None
        before = (state.before_merge, state.state_before_merge) if again else (state.status, state.state)
        return replace(
            state, status="merged", state=None, merged_into=event.data["into"], before_merge=before[0],
            state_before_merge=before[1], moved_at=event.occurred_at, closes_at=None,
        )  # fmt: skip
    return replace(
        state, status=event.data["status"], state=event.data.get("state"), merged_into=None, moved_at=event.occurred_at,
        closes_at=None,
    )  # fmt: skip


FOLDS = {
    "tagged": tagged, "linked": linking, "unlinked": linking, "merged": merging, "unmerged": merging,
}  # fmt: skip


def effective(asked: Sequence[str], changes: Mapping[str, bool]) -> list[str]:
    """Return a ticket's tags: those of its creation that were not taken off, then those put on; each once."""
    found = [tag for tag in asked if changes.get(tag, True)]
    return list(dict.fromkeys([*found, *(tag for tag, on in changes.items() if on)]))


def tag(state: Life, *, add: Sequence[str], remove: Sequence[str], asked: Sequence[str]) -> list[NewEvent]:
    """Put tags on and take tags off; nothing, if they are so already. `asked` are the creation's."""
    now = effective(asked, state.tags)
    added = [one for one in dict.fromkeys(add) if one not in now]
    removed = [one for one in dict.fromkeys(remove) if one in now and one not in add]
    return [fact("tagged", {"added": added, "removed": removed})] if added or removed else []


def link(state: Life, *, kind: str, ticket: str, other: str) -> list[NewEvent]:
    """Link this ticket to another: it has that one as `kind` (parent, child, duplicate, related). Twice is once.

    Raises:
        Refusal: The other is itself.
    """
    if ticket == other:
        raise Refusal("A ticket cannot be linked to itself.", field="ticket", status=422)
    return [] if (kind, other) in state.links else [fact("linked", {"kind": kind, "other": other})]


def unlink(state: Life, *, kind: str, other: str) -> list[NewEvent]:
    """End a link.

    Raises:
        Refusal: There is none.
    """
    if (kind, other) not in state.links:
        raise Refusal("There is no such link on this ticket.", status=404)
    return [fact("unlinked", {"kind": kind, "other": other})]


def split_off(state: Life, *, other: str, events: Sequence[str]) -> list[NewEvent]:
    """Say that messages went to a ticket of their own."""
    del state
    return [fact("split_off", {"other": other, "events": list(events)})]


def merge(state: Life, *, ticket: str, into: str, message: str | None) -> list[NewEvent]:
    """Let another ticket stand for this one. Twice is once.

    Raises:
        Refusal: The other is itself, or it is merged into a third already.
    """
    if ticket == into:
        raise Refusal("A ticket cannot be merged into itself.", field="into", status=422)
    if state.merged_into == into:
        return []
    if state.merged_into is not None:
        raise Refusal("The ticket is merged into another already: unmerge it first.")
    return [*start(state), fact("merged", {"into": into, "previous": state.status}, message=message)]


def unmerge(state: Life, *, message: str | None) -> list[NewEvent]:
    """Let the ticket stand for itself again, in the status it had.

    Raises:
        Refusal: It is not merged.
    """
    if state.merged_into is None:
        raise Refusal("The ticket is not merged.")
    data = {"into": state.merged_into, "status": state.before_merge, **named(state.state_before_merge)}
    return [fact("unmerged", data, message=message)]
