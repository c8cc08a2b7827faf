"""Workflow's rules. Pure.

A ticket's life (`life`), the desk's own states and allowed moves (`lifecycle`), what is said on it (`talk`, `canned`), its tasks
and times (`tasks`), its custom fields (`fields`), how tickets hang together (`links`), what happens by itself (`alarms`), and
what is promised by when (`sla`).
"""

from dataclasses import replace

from services.workflow.domain import alarms, canned, fields, life, links, sla, talk, tasks
from services.workflow.domain.alarms import come_true, patience, warn_of_closing
from services.workflow.domain.fields import Sheet, change_fields, needs_fields, take_fields_back, unfinished
from services.workflow.domain.life import (
    acknowledge,
    change_state,
    close,
    customer_wrote,
    escalate,
    hold,
    prioritise,
    reopen,
    resolve,
    resume,
)
from services.workflow.domain.lifecycle import USUAL, VERBS, Moves, faults, moves_of, possible
from services.workflow.domain.links import INVERSE, effective, link, merge, split_off, tag, unlink, unmerge
from services.workflow.domain.ruling import Ruled, ruled
from services.workflow.domain.state import WORKED, Life, needs_no_merge, start
from services.workflow.domain.talk import auto_reply, edit, note, rate, reply, take_back
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

_FOLDS = {**life.FOLDS, **talk.FOLDS, **tasks.FOLDS, **fields.FOLDS, **links.FOLDS, **alarms.FOLDS}


def evolve(state: Life, event: Event) -> Life:
    """Fold one of workflow's own events of a ticket. Total: any fact in any state."""
    fold = _FOLDS.get(event.name)
    changed = fold(state, event) if fold is not None else state
    said = sla.after(state.sla, event) if state.sla or event.name.startswith("sla_") else state.sla
    return replace(changed, sla=said, version=event.version)


__all__ = [
    "INVERSE",
    "USUAL",
    "VERBS",
    "WORKED",
    "Life",
    "Moves",
    "Ruled",
    "Sheet",
    "acknowledge",
    "add_task",
    "auto_reply",
    "canned",
    "change_fields",
    "change_state",
    "change_task",
    "close",
    "come_true",
    "customer_wrote",
    "drop_task",
    "edit",
    "effective",
    "escalate",
    "evolve",
    "faults",
    "fields",
    "finish_task",
    "hold",
    "link",
    "log_time",
    "merge",
    "moves_of",
    "needs_fields",
    "needs_no_merge",
    "note",
    "patience",
    "possible",
    "prioritise",
    "rate",
    "remove_time",
    "reopen",
    "reopen_task",
    "reply",
    "resolve",
    "resume",
    "ruled",
    "sla",
    "split_off",
    "start",
    "tag",
    "take_back",
    "take_fields_back",
    "unfinished",
    "unlink",
    "unmerge",
    "unwatch",
    "warn_of_closing",
    "watch",
]  # fmt: skip
