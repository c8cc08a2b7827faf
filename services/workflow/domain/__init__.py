"""Workflow's rules: a ticket's life (`life`), what is said on it (`talk`), its tasks and times (`tasks`), and how tickets hang together (`links`). Pure."""

from services.workflow.domain import life, links, talk, tasks
from services.workflow.domain.life import (
    acknowledge,
    close,
    customer_wrote,
    escalate,
    hold,
    prioritise,
    reopen,
    resolve,
    resume,
)
from services.workflow.domain.links import INVERSE, effective, link, merge, split_off, tag, unlink, unmerge
from services.workflow.domain.state import WORKED, Life, needs_no_merge, start
from services.workflow.domain.talk import edit, note, rate, reply, take_back
from services.workflow.domain.tasks import (
    add_task,
    change_task,
    drop_task,
    finish_task,
    log_time,
    remove_time,
    reopen_task,
    unwatch,
    watch,
)
from shared.contracts.event import Event

_FOLDS = {**life.FOLDS, **talk.FOLDS, **tasks.FOLDS, **links.FOLDS}


def evolve(state: Life, event: Event) -> Life:
    """Fold one of workflow's own events of a ticket. Total: any fact in any state."""
    fold = _FOLDS.get(event.name)
    return fold(state, event) if fold is not None else state


__all__ = [
    "INVERSE", "WORKED", "Life", "acknowledge", "add_task", "change_task", "close", "customer_wrote", "drop_task", "edit",
    "effective", "escalate", "evolve", "finish_task", "hold", "link", "log_time", "merge", "needs_no_merge", "note",
    "prioritise", "rate", "remove_time", "reopen", "reopen_task", "reply", "resolve", "resume", "split_off", "start", "tag", "take_back",
    "unlink", "unmerge", "unwatch", "watch",
]  # fmt: skip
