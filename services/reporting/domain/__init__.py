"""Reporting's rules: what a ticket is to a report (`ticket`), and what each of its events counts as (`timeline`). Pure."""

from services.reporting.domain.ticket import Head, Slots, Ticket, evolve, initial
from services.reporting.domain.timeline import Counts, Entry, Place, Written, count, entries_of, follows, refold

__all__ = [
    "Counts", "Entry", "Head", "Place", "Slots", "Ticket", "Written", "count", "entries_of", "evolve", "follows", "initial",
    "refold",
]  # fmt: skip
