"""Service levels: what has happened (`story`), what is promised and by when (`promises`), what is said of it (`said`, `decide`). Pure.

Whatever was promised is computed from the ticket's whole story each time, never from the last result: a review that comes late,
twice, or after a crash, finds the same moments.
"""

from services.workflow.domain.sla.choice import choose
from services.workflow.domain.sla.decide import Contract, review
from services.workflow.domain.sla.promises import Promise, promises
from services.workflow.domain.sla.said import NOTHING, after, alarm_at, due_at, moment
from services.workflow.domain.sla.story import TOLD, Story, story_of

__all__ = [
    "NOTHING", "TOLD", "Contract", "Promise", "Story", "after", "alarm_at", "choose", "due_at", "moment", "promises", "review", "story_of",
]  # fmt: skip
