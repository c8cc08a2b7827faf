"""What happens by itself when its time has come: a hold ends, silence closes a ticket. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from services.workflow.domain.sla.story import Story
from services.workflow.domain.state import Life, fact, where_from
from shared.contracts.event import Event, NewEvent, rfc3339

SILENT = frozenset({"open", "on_hold", "resolved"})
"""Statuses that wait for the requester, once he is answered."""


def close_warned(state: Life, event: Event) -> Life:
    """Fold that it was said."""
    return replace(state, closes_at=event.data["closes_at"], close_warned_at=event.occurred_at)


FOLDS = {"close_warned": close_warned}


def silent_since(state: Life, story: Story) -> datetime | None:
    """Return since when the desk has waited for the requester; None: it does not, or waits for a date."""
    if state.status not in SILENT or state.until is not None or not story.answers:
        return None
    answered = story.answers[-1]
    return None if any(message > answered for message in story.messages) else answered


def patience(policy: Mapping[str, Any]) -> tuple[timedelta, timedelta] | None:
    """Return how long silence lasts until a ticket is closed, and how long before that is said: not before the silence has begun."""
    days = policy.get("close_days")
    return (
        None if days is None else (timedelta(days=days), timedelta(days=min(policy.get("close_warning_days", 0), days)))
    )


def warn_of_closing(state: Life, story: Story, policy: Mapping[str, Any], now: datetime) -> list[NewEvent]:
    """Say that silence will close the ticket, if it lasts; it never closes sooner than the warning allows, however late that comes."""
    since, waits = silent_since(state, story), patience(policy)
    if since is None or waits is None or state.closes_at is not None:
        return []
    silence, warning = waits
    if now < since + silence - warning:
        return []
    return [fact("close_warned", {"closes_at": rfc3339(max(since + silence, now + warning))})]


def come_true(state: Life, story: Story, now: datetime, *, unfinished: bool = False) -> list[NewEvent]:
    """Return what the moments that have come bring: the end of a hold, or of a silence.

    `unfinished`: a custom field is empty that the ticket cannot be closed without. Like an open task, it puts closing off by a day.
    """
    if state.status == "on_hold" and state.until is not None and (at := datetime.fromisoformat(state.until)) <= now:
        return [_at(at, fact("resumed", where_from(state)))]
    if state.closes_at is None or (at := datetime.fromisoformat(state.closes_at)) > now:
        return []
    warned = state.close_warned_at
    if silent_since(state, story) is None or any(warned is not None and message > warned for message in story.messages):
        return []  # he has written, also if that was heard of after the warning only
    if unfinished or any(task.blocks and not task.done for task in state.tasks.values()):
        return [_at(at, fact("close_warned", {"closes_at": rfc3339(now + timedelta(days=1))}))]  # when all is done
    return [_at(at, fact("closed", where_from(state), message="Closed, because nobody has answered."))]


def _at(at: datetime, event: NewEvent) -> NewEvent:
    return NewEvent(event.type, event.data, event.personal, at)
