"""Whose words somebody may correct on a ticket's page."""

import pytest

from services.gateway.pages.correcting import correctable
from services.gateway.pages.timeline import Entry


def said(
    kind: str = "note", name: str = "noted", *, mine: bool = True, text: str = "x", elsewhere: bool = False
) -> Entry:
    return Entry(
        kind, name, "2026-01-01T00:00:00Z", "Jane", "wrote", text=text, id=name, mine=mine, elsewhere=elsewhere
    )


@pytest.mark.parametrize(
    ("entry", "permissions", "may"),
    [
        (said(), {"ticket.note"}, True),
        (said(), {"ticket.reply"}, False),
        (said(mine=False), {"ticket.note"}, False),
        (said(mine=False), {"thread.edit"}, True),
        (said("reply", "replied"), {"ticket.reply"}, True),
        (said("message", "created"), {"ticket.note", "ticket.reply"}, False),  # what requesters said is not one's own
        (said("message", "message_received", mine=False), {"thread.edit"}, True),
        (said("resolution", "resolved"), {"thread.edit", "ticket.note"}, False),
        (said(text=""), {"thread.edit"}, False),
        (said(elsewhere=True), {"thread.edit"}, False),
    ],
)
def test_what_is_correctable(entry, permissions, may):
    assert correctable([entry], permissions) == ({entry.id} if may else set())
