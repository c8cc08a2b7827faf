"""What somebody of the desk may do: the permissions there are, and those of the roles that an account can have.

Each is asked for by at least one endpoint. A role that is configured holds some of them, and is given to an agent in a
department: see `shared.roles`.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator

from shared.contracts.fields import Key, Role

Permission = Literal[
    "ticket.create", "ticket.edit", "ticket.assign", "ticket.release", "ticket.release_others", "ticket.transfer", "ticket.refer",
    "ticket.merge", "ticket.link", "ticket.reply", "ticket.note", "ticket.hold", "ticket.close", "ticket.escalate",
    "ticket.see_all", "task.create", "task.edit", "task.close", "time.log", "thread.edit", "report.agents",
    "article.manage",
]  # fmt: skip

MEANING: Mapping[Permission, str] = {
    "ticket.create": "open tickets for others; take down what they say",
    "ticket.edit": "priority, severity, tags; let others in; have another agent watch",
    "ticket.assign": "claim; assign to an agent or a team",
    "ticket.release": "give back what one has, or what a team alone has",
    "ticket.release_others": "give back what another has",
    "ticket.transfer": "move it out of the department",
    "ticket.refer": "give others sight of it, and take it away",
    "ticket.merge": "merge, unmerge, split messages off",
    "ticket.link": "link, unlink",
    "ticket.reply": "answer the requester; correct and take back one's own answers",
    "ticket.note": "write notes; correct and take back one's own",
    "ticket.hold": "put on hold, resume",
    "ticket.close": "resolve, close, reopen",
    "ticket.escalate": "escalate, acknowledge",
    "ticket.see_all": "see every ticket of the department, whatever the agent's `sees` says",
    "task.create": "add tasks",
    "task.edit": "change tasks",
    "task.close": "finish, reopen and drop tasks",
    "time.log": "log time, and take it off again",
    "thread.edit": "correct and take back what others have said",
    "report.agents": "reports by agent",
    "article.manage": "write, publish and withdraw articles, see drafts and versions",
}
PERMISSIONS: frozenset[Permission] = frozenset(get_args(Permission))
_OVER_OTHERS: frozenset[Permission] = frozenset({"ticket.release_others", "ticket.see_all", "thread.edit"})
"""What takes a lead, unless a role gives it. That an agent sees all by default is what his `sees` says."""
DEFAULTS: Mapping[Role, frozenset[Permission]] = {
    "requester": frozenset(), "agent": PERMISSIONS - _OVER_OTHERS, "lead": PERMISSIONS,
    "analyst": frozenset({"ticket.see_all", "report.agents"}), "administrator": PERMISSIONS, "system": PERMISSIONS,
}  # fmt: skip
"""What an account's roles permit, where no role of a department says otherwise."""


def _free(key: str) -> str:
    if key in DEFAULTS:
        raise ValueError(f"must not be one of {', '.join(DEFAULTS)}: those are the roles that accounts have")
    return key


RoleKey = Annotated[Key, AfterValidator(_free)]
"""The key of a configured role."""


def by_default(roles: Iterable[str]) -> frozenset[str]:
    """Return what these roles of an account permit."""
    permitted: frozenset[str] = frozenset()
    return permitted.union(*(allowed for role, allowed in DEFAULTS.items() if role in set(roles)))
