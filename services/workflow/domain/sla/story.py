"""What has happened to a ticket, as far as service levels look at it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_STATUS = {
    "started": "open", "held": "on_hold", "resumed": "open", "resolved": "resolved", "closed": "closed", "reopened": "open",
    "merged": "merged",
}  # fmt: skip
TOLD = frozenset({*_STATUS, "created", "assigned", "unmerged", "message_received", "replied"})
"""Events that are part of a story."""
DONE = frozenset({"resolved", "closed"})
Stop = tuple[datetime, datetime | None]
"""From, and to: None, still."""


@dataclass(frozen=True, slots=True)
class Story:
    """A ticket's story.

    Attributes:
        created: None, if that is not known, or the ticket was imported: what was promised elsewhere is not ours to keep.
        owned: When an agent had it first.
        statuses: (since, status), in order.
        answers: When the desk answered: replies, and resolutions.
        messages: When the requester wrote, the ticket's opening not counted.
    """

    created: datetime | None = None
    owned: datetime | None = None
    statuses: Sequence[tuple[datetime, str]] = ()
    answers: Sequence[datetime] = ()
    messages: Sequence[datetime] = ()

    def spans(self, statuses: frozenset[str]) -> list[Stop]:
        """Return when it was in one of these statuses."""
        found: list[Stop] = []
        begun: datetime | None = None
        for at, status in self.statuses:
            if status in statuses:
                begun = begun or at
            elif begun is not None:
                found.append((begun, at))
                begun = None
        return [*found, (begun, None)] if begun is not None else found


def story_of(steps: Iterable[tuple[str, datetime, Mapping[str, Any]]]) -> Story:
    """Return the story that these steps (type, time, data) tell, in timeline order."""
    created: datetime | None = None
    owned: datetime | None = None
    statuses: list[tuple[datetime, str]] = []
    answers: list[datetime] = []
    messages: list[datetime] = []
    for name, at, data in steps:
        if name == "created" and "origin" not in data:
            created = at
        elif name == "assigned" and data.get("agent") and owned is None:
            owned = at
        elif name == "message_received":
            messages.append(at)
        status = data["status"] if name == "unmerged" else _STATUS.get(name)
        if status is not None and not (name == "started" and statuses):
            statuses.append((at, status))
        if name == "replied" or status in DONE:
            answers.append(at)
    return Story(created, owned, statuses, answers, messages)
