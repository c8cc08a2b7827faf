"""Streams of configuration: the state is the entry as it was last configured."""

from typing import Any

from shared.contracts.event import Event

Entry = dict[str, Any] | None


def no_entry() -> Entry:
    """Return the state of a stream that says nothing yet."""
    return None


def entry_after(state: Entry, event: Event) -> Entry:
    """Return the entry that an event of a configuration stream leaves."""
    new: Entry = event.data.get("new", state)  # that an agent was forgotten says nothing new
    return new
