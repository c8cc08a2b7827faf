"""From when rules on time count. Pure.

What rules have done sets no moment (see `looks`), so that a rule on time applies once for what people did, and not for its own doing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from services.routing.domain.looks import Looks

UNDER_WAY = frozenset({"new", "open", "on_hold", "resolved"})
"""Statuses in which rules on time apply."""
SETTING = frozenset(
    f"ledgerdesk.ticket.{name}"
    for name in (
        "created", "message_received", "replied", "resolved", "started", "held", "resumed", "closed", "reopened", "merged", "unmerged",
        "sla_scheduled", "sla_met",
    )
)  # fmt: skip
"""Types of events that may set one, or bring a ticket under way."""


def moments_of(looks: Looks) -> dict[str, str]:
    """Return the moments that there are, RFC 3339, by what a rule says it counts `since`.

    - `created`: it was opened.
    - `unanswered`: the requester wrote last, and the desk has not answered since.
    - `replied`: an agent answered last, and the requester has not written since.
    - `status`: its status changed last; its opening counts.
    - `due`: the first promise that is not kept is due.
    """
    opened, replied = looks.get("opened"), looks.get("replied")
    wrote = looks.get("wrote") or opened
    answered = max((at for at in (replied, looks.get("resolved")) if at is not None), default=None)
    found = {
        "created": opened,
        "unanswered": wrote if wrote is not None and (answered is None or answered < wrote) else None,
        "replied": replied if replied is not None and (wrote is None or wrote <= replied) else None,
        "status": looks.get("moved") or opened,
        "due": min(looks.get("due", {}).values(), default=None),
    }
    return {since: at for since, at in found.items() if at is not None}


def moment_of(rule: Mapping[str, Any], looks: Looks) -> tuple[datetime, datetime] | None:
    """Return from when a rule counts for a ticket, and when its time has come; None: there is nothing to count from."""
    since = moments_of(looks).get(rule["after"]["since"])
    if since is None:
        return None
    begun = datetime.fromisoformat(since)
    return begun, begun + timedelta(minutes=rule["after"]["minutes"])
